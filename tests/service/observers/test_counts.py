from typing import NamedTuple

import pytest

from service.metrics.instruments import REGISTRY
from service.observers.counts import Counts
from service.observers.observer import Prediction
from service.runtime.router import Chosen


class Model(NamedTuple):
    name: str
    version: int


def value(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_prediction_is_counted_with_its_rows_and_times():
    Counts().predicted(Prediction(Model("counted", 3), "canary", "tfserving", 7, 0.001, 0.002, 0.003), None, {})
    of = {"model": "counted", "version": "3"}
    assert value("millrace_predictions_total", **of, channel="canary", dialect="tfserving", code="ok") == 1
    assert value("millrace_prediction_rows_total", **of, channel="canary", dialect="tfserving") == 7
    assert value("millrace_prediction_seconds_sum", **of, channel="canary", dialect="tfserving") == pytest.approx(0.006)
    assert value("millrace_stage_seconds_sum", **of, stage="predict") == pytest.approx(0.002)
    assert value("millrace_batch_rows_bucket", **of, le="10.0") == 1


def test_a_refusal_before_any_model_was_chosen_has_no_model():
    of = {"model": "", "version": "", "channel": "", "dialect": "mlflow", "code": "model_not_found"}
    before = value("millrace_predictions_total", **of)
    Counts().refused(None, "mlflow", "model_not_found")
    assert value("millrace_predictions_total", **of) == before + 1


def test_a_refusal_is_counted_under_the_version_and_channel_that_were_chosen():
    Counts().refused(Chosen(Model("refusing", 2), "pinned"), "tfserving", "invalid_input")
    of = {"model": "refusing", "version": "2", "channel": "pinned", "dialect": "tfserving", "code": "invalid_input"}
    assert value("millrace_predictions_total", **of) == 1
