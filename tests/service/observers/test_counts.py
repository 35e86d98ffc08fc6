from typing import NamedTuple

import pytest

from service.metrics.instruments import REGISTRY
from service.observers.counts import Counts
from service.observers.observer import Prediction


class Model(NamedTuple):
    name: str
    version: int


def value(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_prediction_is_counted_with_its_rows_and_times():
    Counts().predicted(Prediction(Model("counted", 3), "tfserving", 7, 0.001, 0.002, 0.003), None, {})
    of = {"model": "counted", "version": "3"}
    assert value("millrace_predictions_total", **of, dialect="tfserving", code="ok") == 1
    assert value("millrace_prediction_rows_total", **of, dialect="tfserving") == 7
    assert value("millrace_prediction_seconds_sum", **of, dialect="tfserving") == pytest.approx(0.006)
    assert value("millrace_stage_seconds_sum", **of, stage="predict") == pytest.approx(0.002)
    assert value("millrace_batch_rows_bucket", **of, le="10.0") == 1


def test_a_refusal_before_any_model_was_chosen_has_no_model():
    before = value("millrace_predictions_total", model="", version="", dialect="mlflow", code="model_not_found")
    Counts().refused(None, "mlflow", "model_not_found")
    assert (
        value("millrace_predictions_total", model="", version="", dialect="mlflow", code="model_not_found")
        == before + 1
    )
