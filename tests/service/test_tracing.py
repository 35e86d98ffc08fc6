from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.metrics import Answered, Metrics
from service.tracing import TracingMetrics

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def traced():
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    return TracingMetrics("replica-1", provider), kept


def answered(status=200, traceparent=f"00-{TRACE}-00f067aa0ba902b7-01"):
    return Answered("POST", "/v1/models/<model>:predict", status, 0.01, "abc", traceparent, "iris", 1)


def test_a_request_has_a_span_below_the_callers_and_one_for_each_stage():
    metrics, kept = traced()
    metrics.predicted("iris", 1, "tfserving", 1, 0.001, 0.002, 0.003)
    metrics.answered(answered())
    *stages, request = kept.get_finished_spans()
    assert f"{request.context.trace_id:032x}" == TRACE
    assert f"{request.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert [stage.name for stage in stages] == ["decode", "predict", "encode"]
    assert {stage.parent.span_id for stage in stages} == {request.context.span_id}
    assert request.attributes["http.route"] == "/v1/models/<model>:predict"
    seconds = [round((stage.end_time - stage.start_time) / 1e9, 6) for stage in stages]
    assert seconds == [0.001, 0.002, 0.003]


def test_a_request_that_was_not_predicted_has_no_stages_of_the_one_before():
    metrics, kept = traced()
    metrics.predicted("iris", 1, "tfserving", 1, 0.001, 0.002, 0.003)
    metrics.answered(answered())
    kept.clear()
    metrics.answered(answered(status=503, traceparent=None))
    (request,) = kept.get_finished_spans()
    assert request.parent is None
    assert request.status.status_code.name == "ERROR"


def test_without_tracing_nothing_is_made_and_nothing_imported():
    assert Metrics.traces is False
    assert Metrics().answered(answered()) is None
