import pytest

from service.metrics.catalogue import CATALOGUE, LABELS
from service.metrics.instruments import MOST_LABEL_VALUES, REGISTRY, bounded, child
from service.metrics.requests import RequestMetrics


def value(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("header", "now", "seconds"),
    [("t=100.5", 101.0, 0.5), ("100.5", 101.0, 0.5), ("t=200", 100.0, 0.0), ("t=100", 1000.0, 60.0)],
)
def test_queue_time_is_read_from_the_header_and_clamped(header, now, seconds):
    before = value("millrace_queue_seconds_sum")
    RequestMetrics().queued(header, now)
    assert value("millrace_queue_seconds_sum") - before == pytest.approx(seconds)


@pytest.mark.parametrize("header", [None, "", "t=", "yesterday"])
def test_a_header_that_is_no_time_is_not_counted(header):
    before = value("millrace_queue_seconds_count")
    RequestMetrics().queued(header, 100.0)
    assert value("millrace_queue_seconds_count") == before


def test_what_is_not_declared_cannot_be_recorded():
    with pytest.raises(KeyError):
        child("millrace_invented_total")


def test_a_label_of_the_code_takes_a_bounded_number_of_values():
    values = {bounded("a label of this test", f"value {number}") for number in range(200)}
    assert len(values) == MOST_LABEL_VALUES + 1
    assert "other" in values


def test_no_metric_has_a_label_named_after_something_that_callers_write():
    assert not {"path", "url", "user", "principal", "client", "address", "request_id"} & set(LABELS)
    assert len({declared.name for declared in CATALOGUE}) == len(CATALOGUE)


def test_counters_that_alerts_watch_are_shown_from_zero():
    shown = {(declared.name, value) for declared in CATALOGUE for value in declared.from_zero}
    assert {name for name, _ in shown} == {
        "millrace_shed_total", "millrace_auth_refusals_total", "millrace_token_cache_total",
        "millrace_quota_refusals_total", "millrace_unwritten_total",
    }  # fmt: skip
    for declared in CATALOGUE:
        for text in declared.from_zero:
            assert REGISTRY.get_sample_value(declared.name, {declared.labels[0]: text}) is not None


def test_requests_are_counted_by_client_and_people_by_their_identity_provider():
    def counted(caller):
        return value("millrace_caller_requests_total", caller=caller)

    labels = ("client:1f", "acme:*", "anonymous", "unknown")
    before = {label: counted(label) for label in labels}
    metrics = RequestMetrics()
    for subject in ("client:1f", "client:1f", "acme:ann@example.com", "acme:https://x:1", "anonymous", None):
        metrics.asked_by(subject)
    assert [counted(label) - before[label] for label in labels] == [2, 2, 1, 1]


def test_callers_beyond_the_bound_are_counted_together():
    metrics = RequestMetrics()
    before = value("millrace_caller_requests_total", caller="other")
    for number in range(2 * MOST_LABEL_VALUES):
        metrics.asked_by(f"client:many-{number}")
    assert value("millrace_caller_requests_total", caller="other") - before >= MOST_LABEL_VALUES
