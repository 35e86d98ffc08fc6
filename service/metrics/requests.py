"""Metrics of requests as such, of all routes alike. Predictions are counted in ``service.observers.counts``."""

from contextlib import suppress

from service.metrics.adding import Instrument, adder, observer
from service.metrics.instruments import MOST_LABEL_VALUES, bounded, child

_CLIENT, _UNKNOWN = "client", "unknown"

LONGEST_QUEUE = 60.0
"""Seconds that a request is said to have waited at most: clocks of two machines may differ."""


class RequestMetrics:
    """Counts the requests of a worker. Every method is cheap, and safe to call from any thread."""

    def __init__(self) -> None:
        self._in_flight = adder(child("millrace_in_flight"))
        self._queue = observer(child("millrace_queue_seconds"))
        self._callers: dict[str, Instrument] = {}

    def queued(self, start: str | None, now: float) -> None:
        """Observe the queue time from Nginx's ``X-Request-Start`` (``t=`` and seconds since 1970) to ``now``."""
        if start:
            with suppress(ValueError):
                waited = now - float(start.removeprefix("t="))
                self._queue(min(max(0.0, waited), LONGEST_QUEUE))  # in this order NaN is 0

    def entered(self) -> None:
        """Count one more request in flight."""
        self._in_flight(1)

    def left(self) -> None:
        """Count one less request in flight."""
        self._in_flight(-1)

    def asked_by(self, subject: str | None) -> None:
        """Count a request of a caller; None where no credentials were read, or they were refused.

        A person, who an identity provider knows, is counted as that provider: names of people are no labels.
        """
        who, colon, _ = (subject or _UNKNOWN).partition(":")
        caller = subject if who == _CLIENT and subject else who + colon + "*" if colon else who
        (self._callers.get(caller) or self._caller(caller))(1)

    def _caller(self, caller: str) -> Instrument:
        counted = adder(child("millrace_caller_requests_total", bounded("caller", caller)))
        if len(self._callers) < MOST_LABEL_VALUES:
            self._callers[caller] = counted
        return counted

    def shed(self, reason: str) -> None:
        """Count a request turned away to protect the others."""
        child("millrace_shed_total", bounded("shed", reason)).inc()

    def refused(self, reason: str) -> None:
        """Count a request that authentication or authorization refused."""
        child("millrace_auth_refusals_total", bounded("auth", reason)).inc()
