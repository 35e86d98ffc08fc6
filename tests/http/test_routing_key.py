"""The key of a request, from its headers to the choice of a version."""

import re

import pytest
from werkzeug.test import create_environ

from service.dialects.tfserving.dialect import TFSERVING
from service.dialects.tfserving.kserve_v1 import PREDICT
from service.errors import ModelNotReady
from service.http.description.route import prediction
from service.http.exchange import Record
from service.http.predictions import Arrival, Predictions
from service.http.routes import PredictRoute
from service.inference.line import Inference
from service.runtime.catalog import Catalog
from service.runtime.router import Router
from service.wire import Target

ROUTE = PredictRoute(
    "/m", re.compile("/m"), TFSERVING, PREDICT, lambda _: Target("m"), prediction(TFSERVING, "predict", "Predict")
)


class Keys(Router):
    """Keeps the keys by which it is asked to choose."""

    def __init__(self):
        super().__init__(Catalog())
        self.keys = []

    def choose(self, target, key=""):
        self.keys.append(key)
        raise ModelNotReady("asked for its key only")


class Nobody(Record):
    def begin(self, exchange):
        pass

    def end(self, exchange, *, counted=False):
        pass


@pytest.mark.parametrize(
    ("headers", "key"),
    [({"X-Routing-Key": "session-7", "X-Request-ID": "abc"}, "session-7"), ({"X-Request-ID": "abc"}, "abc")],
)
def test_a_prediction_is_routed_by_its_header_or_else_by_its_id(everyone, headers, key):
    router = Keys()
    predictions = Predictions(
        Inference(router), everyone.authenticator, everyone.quotas, replica="r", max_body_bytes=1000, record=Nobody()
    )
    environ = create_environ("/m", method="POST", json={"instances": [1]}, headers=headers)
    ((_, (status, _, _)),) = predictions.answer([Arrival(environ, ROUTE, {})])
    assert (status, router.keys) == (503, [key])
