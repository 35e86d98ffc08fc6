import subprocess
import sys
from types import SimpleNamespace

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.observers.observer import Prediction
from service.observers.spans import AnsweredRequest, Spans

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PREDICTION = Prediction(SimpleNamespace(name="iris", version=1), "stable", "tfserving", 1, 0.001, 0.002, 0.003)


def traced():
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    return Spans("replica-1", provider), kept


def answered(status=200, traceparent=f"00-{TRACE}-00f067aa0ba902b7-01", prediction=PREDICTION):
    return AnsweredRequest("POST", "/v1/models/<model>:predict", status, 0.01, "abc", traceparent, prediction)


def test_a_request_has_a_span_below_the_callers_and_one_for_each_stage():
    spans, kept = traced()
    spans.answered(answered())
    *stages, request = kept.get_finished_spans()
    assert f"{request.context.trace_id:032x}" == TRACE
    assert f"{request.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert [stage.name for stage in stages] == ["decode", "predict", "encode"]
    assert {stage.parent.span_id for stage in stages} == {request.context.span_id}
    assert request.attributes["http.route"] == "/v1/models/<model>:predict"
    assert (request.attributes["millrace.model"], request.attributes["millrace.version"]) == ("iris", 1)
    seconds = [round((stage.end_time - stage.start_time) / 1e9, 6) for stage in stages]
    assert seconds == [0.001, 0.002, 0.003]


def test_a_request_that_was_not_predicted_has_no_stages_of_the_one_before():
    spans, kept = traced()
    spans.answered(answered())
    kept.clear()
    spans.answered(answered(status=503, traceparent=None, prediction=None))
    (request,) = kept.get_finished_spans()
    assert request.parent is None
    assert request.status.status_code.name == "ERROR"


def test_a_request_s_span_ends_when_it_was_answered():
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    Spans("replica-1", provider, clock=lambda: 5_000_000_000).answered(answered())
    request = kept.get_finished_spans()[-1]
    assert (request.start_time, request.end_time) == (4_990_000_000, 5_000_000_000)


def test_opentelemetry_is_imported_with_the_first_span_only():
    program = "import sys, service.app; assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
