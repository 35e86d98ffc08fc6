import pytest

from service import metrics
from service.metrics import REGISTRY, Metrics, child, fixed
from service.observation.catalogue import CATALOGUE, LABELS


def value(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_prediction_is_counted_with_its_rows_and_times():
    Metrics().predicted("counted", 3, "tfserving", 7, 0.001, 0.002, 0.003)
    of = {"model": "counted", "version": "3"}
    assert value("millrace_predictions_total", **of, dialect="tfserving", code="ok") == 1
    assert value("millrace_prediction_rows_total", **of, dialect="tfserving") == 7
    assert value("millrace_prediction_seconds_sum", **of, dialect="tfserving") == pytest.approx(0.006)
    assert value("millrace_stage_seconds_sum", **of, stage="predict") == pytest.approx(0.002)
    assert value("millrace_batch_rows_bucket", **of, le="10.0") == 1


def test_a_refusal_before_any_model_was_chosen_has_no_model():
    before = value("millrace_predictions_total", model="", version="", dialect="mlflow", code="model_not_found")
    Metrics().refused("", None, "mlflow", "model_not_found")
    assert (
        value("millrace_predictions_total", model="", version="", dialect="mlflow", code="model_not_found")
        == before + 1
    )


@pytest.mark.parametrize(
    ("header", "now", "seconds"),
    [("t=100.5", 101.0, 0.5), ("100.5", 101.0, 0.5), ("t=200", 100.0, 0.0), ("t=100", 1000.0, 60.0)],
)
def test_queue_time_is_read_from_the_header_and_clamped(header, now, seconds):
    before = value("millrace_queue_seconds_sum")
    Metrics().queued(header, now)
    assert value("millrace_queue_seconds_sum") - before == pytest.approx(seconds)


@pytest.mark.parametrize("header", [None, "", "t=", "yesterday"])
def test_a_header_that_is_no_time_is_not_counted(header):
    before = value("millrace_queue_seconds_count")
    Metrics().queued(header, 100.0)
    assert value("millrace_queue_seconds_count") == before


def test_what_is_not_declared_cannot_be_recorded():
    with pytest.raises(KeyError):
        child("millrace_invented_total")


def test_a_label_of_the_code_takes_a_bounded_number_of_values():
    values = {fixed("a label of this test", f"value {number}") for number in range(200)}
    assert len(values) == metrics.MOST_LABEL_VALUES + 1
    assert "other" in values


def test_no_metric_has_a_label_named_after_something_that_callers_write():
    assert not {"path", "url", "user", "principal", "client", "address", "request_id"} & set(LABELS)
    assert len({declared.name for declared in CATALOGUE}) == len(CATALOGUE)


def test_the_exposition_of_one_process_is_prometheus_text():
    from prometheus_client.parser import text_string_to_metric_families

    Metrics().predicted("shown", 1, "mlflow", 1, 0.001, 0.001, 0.001)
    body, media_type = metrics.exposition()
    names = {family.name for family in text_string_to_metric_families(body.decode())}
    assert media_type.startswith("text/plain; version=0.0.4")
    assert {"millrace_predictions", "millrace_worker_resident_memory_bytes"} <= names
