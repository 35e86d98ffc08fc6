"""Spans of requests and their stages for OpenTelemetry; the extra `tracing`, off by default.

A request's spans are made after it was answered, from the times that are measured anyway: nothing is added to the
stages themselves, and nothing at all if tracing is off. Where spans go is said by OpenTelemetry's own variables, such
as OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_TRACES_SAMPLER.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from service.disk.room import Room
from service.metrics import unwritten
from service.observers.observer import Prediction

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

_STAGES = ("decode", "predict", "encode")
_FIRST_FAILURE = 500
_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """A request that was answered, and its prediction if it had one. ``rule`` is the route's pattern."""

    method: str
    rule: str
    status: int
    seconds: float
    request_id: str
    traceparent: str | None
    prediction: Prediction | None = None


class Spans:
    """Makes spans of answered requests.

    ``provider`` is made at the first request, in the worker, unless one is given; ``clock`` tells nanoseconds since
    1970. While there is a shortage of ``room``, spans are dropped and counted.
    """

    def __init__(
        self,
        replica: str,
        provider: "TracerProvider | None" = None,
        clock: Callable[[], int] = time.time_ns,
        room: Room | None = None,
    ) -> None:
        self._replica = replica
        self._room = room
        self._provider = provider
        self._clock = clock

    def answered(self, request: AnsweredRequest) -> None:
        """Make the request's span, and one for each stage below it; the last stage ended when the request did."""
        if self._room is not None and self._room.shortage():
            unwritten.count(unwritten.SPAN)
            return
        end = self._clock()
        span = self._request_span(request, end)
        if request.prediction:
            self._make_stages(span, request.prediction, end)
        span.end(end)

    def _request_span(self, request: AnsweredRequest, end: int) -> "Span":
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        span = self._tracer.start_span(
            f"{request.method} {request.rule}",
            context=TraceContextTextMapPropagator().extract({"traceparent": request.traceparent or ""}),
            kind=SpanKind.SERVER,
            start_time=end - int(request.seconds * _NANO),
            attributes=_attributes(request),
        )
        if request.status >= _FIRST_FAILURE:
            span.set_status(Status(StatusCode.ERROR))
        return span

    def _make_stages(self, parent: "Span", prediction: Prediction, end: int) -> None:
        from opentelemetry.trace import set_span_in_context

        inside = set_span_in_context(parent)
        stages = (prediction.decode, prediction.predict, prediction.encode)
        start = end - int(sum(stages) * _NANO)
        for name, seconds in zip(_STAGES, stages, strict=True):
            stage = self._tracer.start_span(name, context=inside, start_time=start)
            start += int(seconds * _NANO)
            stage.end(start)

    @cached_property
    def _tracer(self) -> "Tracer":
        return (self._provider or _exporting(self._replica)).get_tracer("millrace")


def _attributes(request: AnsweredRequest) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {
        "http.request.method": request.method,
        "http.route": request.rule,
        "http.response.status_code": request.status,
        "millrace.request_id": request.request_id,
    }
    if request.prediction:
        model = request.prediction.model
        attributes |= {"millrace.model": model.name, "millrace.version": model.version}
    return attributes


def _exporting(replica: str) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "millrace", "service.instance.id": replica}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
