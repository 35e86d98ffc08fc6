"""Metrics of requests as such, of all routes alike. Predictions are counted in ``service.observers.counts``."""

from contextlib import suppress

from service.metrics.adding import adder, observer
from service.metrics.instruments import bounded, child

LONGEST_QUEUE = 60.0
"""Seconds that a request is said to have waited at most: clocks of two machines may differ."""


class RequestMetrics:
    """Counts the requests of a worker. Every method is cheap, and safe to call from any thread."""

    def __init__(self) -> None:
        self._in_flight = adder(child("millrace_in_flight"))
        self._queue = observer(child("millrace_queue_seconds"))

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

    def shed(self, reason: str) -> None:
        """Count a request turned away to protect the others."""
        child("millrace_shed_total", bounded("shed", reason)).inc()

    def refused(self, reason: str) -> None:
        """Count a request that authentication or authorization refused."""
        child("millrace_auth_refusals_total", bounded("auth", reason)).inc()
