"""What metrics, the log and spans record of each request: when it comes in, and what came of it."""

import logging
import re
import time
from typing import Any

from service import logs
from service.errors import Overloaded
from service.http.exchange import SUCCESS, Exchange
from service.http.red_metrics import Observe
from service.metrics import unwritten
from service.metrics.requests import RequestMetrics
from service.observers.spans import AnsweredRequest, Spans

log = logging.getLogger(__name__)

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_UNAUTHORIZED, _FORBIDDEN = 401, 403


class Recorder:
    """Tells metrics, the access log and, with tracing, spans.

    The requests that Flask dispatches are counted by its own exporter; ``observed`` counts all others. What cannot be
    recorded is logged and counted, and the answer is sent all the same.
    """

    def __init__(self, metrics: RequestMetrics, observed: Observe, spans: Spans | None = None) -> None:
        self._metrics = metrics
        self._observed = observed
        self._spans = spans

    def begin(self, exchange: Exchange) -> None:
        """Take note that a request has come in: its ids go on every log line until it is answered."""
        environ = exchange.environ
        traceparent = environ.get("HTTP_TRACEPARENT")
        if traceparent is not None and (parts := _TRACEPARENT.fullmatch(traceparent)):
            exchange.trace_id = parts[1]
        logs.bind(exchange.request_id, exchange.trace_id)
        with _harmless():
            self._metrics.queued(environ.get("HTTP_X_REQUEST_START"), time.time())
            self._metrics.entered()

    def end(self, *exchanges: Exchange, counted: bool = False) -> None:
        """Take note that they are answered; ``counted`` if Flask's exporter has counted them already."""
        for exchange in exchanges:
            with _harmless():
                self._end(exchange, counted=counted)
        with _harmless():
            logs.access(*(_access_line(one) for one in exchanges if logs.wanted(one.status, one.seconds)))
        logs.bind(None)

    def _end(self, exchange: Exchange, *, counted: bool) -> None:
        self._metrics.left()
        self._metrics.asked_by(getattr(exchange.principal, "subject", None))
        if not counted:
            self._observed(exchange.rule, exchange.environ["REQUEST_METHOD"], exchange.status, exchange.seconds)
        if exchange.status in {_UNAUTHORIZED, _FORBIDDEN}:
            self._metrics.refused(exchange.code)
        elif exchange.code == Overloaded.code:
            self._metrics.shed(exchange.code)
        if self._spans:
            self._spans.answered(_answered(exchange))


class _harmless:  # noqa: N801 - read as a word after `with`; a generator's costs twenty times as much, for each request
    """Log and count what is raised inside."""

    __slots__ = ()

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _frames: object) -> bool:
        if kind is None or not issubclass(kind, Exception):
            return False
        unwritten.count(unwritten.RECORD)
        log.error("a request could not be recorded", exc_info=error)
        return True


def _answered(exchange: Exchange) -> AnsweredRequest:
    return AnsweredRequest(
        method=exchange.environ["REQUEST_METHOD"],
        rule=exchange.rule,
        status=exchange.status,
        seconds=exchange.seconds,
        request_id=exchange.request_id,
        traceparent=exchange.environ.get("HTTP_TRACEPARENT"),
        prediction=exchange.prediction,
    )


def _access_line(exchange: Exchange) -> logs.AccessLine:
    environ, prediction = exchange.environ, exchange.prediction
    model = prediction.model if prediction else None
    return logs.AccessLine(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        status=exchange.status,
        seconds=exchange.seconds,
        request_bytes=_whole(environ.get("CONTENT_LENGTH")),
        response_bytes=exchange.sent_bytes,
        rows=prediction.rows if prediction else 0,
        request_id=exchange.request_id,
        trace_id=exchange.trace_id,
        principal=getattr(exchange.principal, "subject", None),
        model=model.name if model else None,
        version=model.version if model else None,
        channel=prediction.channel if prediction else None,
        dialect=exchange.dialect or None,
        code=exchange.code or SUCCESS,
        reason=exchange.reason,
    )


def _whole(text: Any) -> int:
    return int(text) if text and text.isdecimal() else 0
