"""Spans of requests and their stages for OpenTelemetry; the extra `tracing`, off by default.

A request's spans are made after it was answered, from the times that metrics measure anyway: nothing is added to the
stages themselves, and nothing at all where tracing is off. Where spans go is said by OpenTelemetry's own variables,
such as OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_TRACES_SAMPLER.
"""

import time
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING

from service.metrics import Answered, Metrics

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

_STAGES = ("decode", "predict", "encode")
_FIRST_FAILURE = 500
_NANO = 1_000_000_000

_stages: ContextVar[tuple[float, float, float] | None] = ContextVar("stages", default=None)


class TracingMetrics(Metrics):
    """Metrics that also make spans. ``provider`` is made at the first request, in the worker, unless one is given."""

    traces = True

    def __init__(self, replica: str, provider: "TracerProvider | None" = None) -> None:
        super().__init__()
        self._replica = replica
        self._provider = provider

    def predicted(  # noqa: PLR0913, PLR0917 - as in Metrics
        self, model: str, version: int, dialect: str, rows: int, decode: float, predict: float, encode: float
    ) -> None:
        """See Metrics."""
        super().predicted(model, version, dialect, rows, decode, predict, encode)
        _stages.set((decode, predict, encode))

    def answered(self, request: Answered) -> None:
        """Make the request's span, and one for each stage below it; the last stage ended when the request did."""
        from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        end = time.time_ns()
        stages = _stages.get()
        _stages.set(None)
        parent = TraceContextTextMapPropagator().extract({"traceparent": request.traceparent or ""})
        span = self._tracer.start_span(
            f"{request.method} {request.rule}",
            context=parent,
            kind=SpanKind.SERVER,
            start_time=end - int(request.seconds * _NANO),
            attributes={
                "http.request.method": request.method,
                "http.route": request.rule,
                "http.response.status_code": request.status,
                "millrace.request_id": request.request_id,
                **({"millrace.model": request.model} if request.model else {}),
                **({"millrace.version": request.version} if request.version else {}),
            },
        )
        if request.status >= _FIRST_FAILURE:
            span.set_status(Status(StatusCode.ERROR))
        inside = set_span_in_context(span)
        start = end - int(sum(stages or ()) * _NANO)
        for name, seconds in zip(_STAGES, stages or (), strict=False):
            stage = self._tracer.start_span(name, context=inside, start_time=start)
            start += int(seconds * _NANO)
            stage.end(start)
        span.end(end)

    @cached_property
    def _tracer(self) -> "Tracer":
        return (self._provider or _exporting(self._replica)).get_tracer("millrace")


def _exporting(replica: str) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "millrace", "service.instance.id": replica}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
