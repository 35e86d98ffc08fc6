"""Ten thousand requests that arrive together at random, good ones among bad ones: each is answered as it is alone."""

import json
import random

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from werkzeug.test import create_environ

from model_store import seal
from model_store.publish import publish
from service.auth.credentials import read_credential
from service.errors import QuotaExceeded, Unauthenticated
from service.http.access import Authentication, Charging
from tests.service.auth.fakes import Everyone, OpenAccess

X, Y = load_iris(return_X_y=True)
ARRIVALS = 10_000
MOST_AT_ONCE = 40
OVER_QUOTA = 5
"""Rows that the quota of everyone refuses."""


class Doorkeeper(Authentication):
    def authenticate(self, headers):
        credential = read_credential(headers)
        if credential is not None and credential.value != "Bearer good":
            raise Unauthenticated("a bad token")
        return Everyone().authenticate(headers)


class Quota(Charging):
    def charge(self, principal, rows):
        if rows == OVER_QUOTA:
            raise QuotaExceeded("used up", retry_after=7)
        return {"RateLimit": str(rows)}


class Guarded(OpenAccess):
    quotas = Quota()

    def __init__(self):
        super().__init__(Doorkeeper())


@pytest.fixture
def application(tmp_path, make_application):
    key = seal.create_keys(tmp_path / "keys")
    for name, model in (
        ("forest", RandomForestClassifier(20, random_state=0)),
        ("linear", LogisticRegression(max_iter=500)),
    ):
        publish(tmp_path / "models", name, model.fit(X, Y), X, sealing_key=key, promote=True)
    return make_application(Guarded(), MAX_BODY_BYTES="4096", MAX_ROWS="30")


def drawn_rows(draw, most=4):
    return (X[draw.sample(range(150), draw.randint(1, most))] + draw.choice([0.0, 0.25])).tolist()


def tensor(rows, outputs):
    data = np.ravel(rows).tolist()
    found = {"name": "input", "shape": [len(rows), 4], "datatype": "FP64", "data": data}
    return {"id": "a", "inputs": [found], "outputs": [{"name": name} for name in outputs]}


FORMS = {
    "rows": lambda draw, model: (f"/v1/models/{model}:predict", {"instances": drawn_rows(draw)}, {}),
    "one row": lambda draw, model: (f"/v1/models/{model}:predict", {"instances": drawn_rows(draw, 1)}, {}),
    "tensor": lambda draw, model: (f"/v2/models/{model}/infer", tensor(drawn_rows(draw), ["predict_proba"]), {}),
    "two outputs": lambda draw, model: (
        f"/v2/models/{model}/infer",
        tensor(drawn_rows(draw), ["predict", "predict_proba"]),
        {},
    ),
    "pinned": lambda draw, model: (f"/v1/models/{model}/versions/1:predict", {"instances": drawn_rows(draw)}, {}),
    "token": lambda draw, model: (
        f"/v1/models/{model}:predict",
        {"instances": drawn_rows(draw)},
        {"Authorization": draw.choice(["Bearer good", "Bearer bad"])},
    ),
    "over quota": lambda _draw, model: (f"/v1/models/{model}:predict", {"instances": X[:OVER_QUOTA].tolist()}, {}),
    "too many rows": lambda _draw, model: (f"/v1/models/{model}:predict", {"instances": X[:31].tolist()}, {}),
    "too large": lambda _draw, model: (f"/v1/models/{model}:predict", {"instances": X.tolist()}, {}),
    "no JSON": lambda _draw, model: (f"/v1/models/{model}:predict", '{"instances": [[1, 2', {}),
    "text": lambda _draw, model: (f"/v1/models/{model}:predict", {"instances": [[1, 2, 3, "x"]]}, {}),
    "too few columns": lambda _draw, model: (f"/v1/models/{model}:predict", {"instances": [[1, 2, 3]]}, {}),
    "nobody's": lambda draw, _model: ("/v1/models/nobody:predict", {"instances": drawn_rows(draw)}, {}),
    "no route": lambda _draw, _model: ("/v3/predict", {}, {}),
}
WEIGHTS = [20, 30, 10, 5, 5, 5, *[1] * (len(FORMS) - 6)]


def arrival(draw):
    (form,) = draw.choices(list(FORMS), WEIGHTS)
    path, document, headers = FORMS[form](draw, draw.choice(["forest", "forest", "linear"]))
    body = document if isinstance(document, str) else json.dumps(document)
    return {"path": path, "data": body, "headers": {"Content-Type": "application/json", "X-Request-ID": "a", **headers}}


def environ(request):
    return create_environ(request["path"], method="POST", data=request["data"], headers=request["headers"])


def without_company(answer):
    status, headers, body = answer
    return status, {name: value for name, value in headers if name != "X-Batch-Requests"}, body


def test_every_request_is_answered_as_it_is_alone(application):
    draw, asked, statuses, company = random.Random(11), 0, set(), set()
    while asked < ARRIVALS:
        requests = [arrival(draw) for _ in range(draw.randint(1, MOST_AT_ONCE))]
        gone = {place for place in range(len(requests)) if draw.random() < 0.03}
        together = dict(application.answer([environ(one) for one in requests], gone.__contains__))
        for place, request in enumerate(requests):
            ((_, alone),) = application.answer([environ(request)], lambda _place: False)
            if place in together:
                assert without_company(together[place]) == without_company(alone), request
                statuses.add(alone[0])
                company.add(dict(together[place][1]).get("X-Batch-Requests"))
            else:
                assert place in gone, request
        asked += len(requests)
    assert statuses == {200, 400, 401, 404, 413, 429}
    assert {"1", "2", "3", "4", "5", "6"} <= company  # and more, by how many of a kind arrived
