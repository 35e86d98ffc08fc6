"""What could not be written, most often because a disk is full: dropped, counted, and never an error of a request."""

import os

from service.metrics import whole
from service.metrics.adding import write_again
from service.metrics.instruments import all_but_latest, child

METRIC, RECENT, PAYLOAD, SPAN, RECORD = "metric", "recent_prediction", "payload", "span", "record"
"""What may be dropped."""


class _Told:
    """How many of this process's dropped values are in the metric already."""

    def __init__(self) -> None:
        self.count = 0

    def renew(self) -> None:
        self.count = whole.dropped()


_told = _Told()
os.register_at_fork(after_in_child=_told.renew)


def count(what: str, times: int = 1) -> None:
    """Count something that was dropped."""
    child("millrace_unwritten_total", what).inc(times)


def settle() -> None:
    """Write the values that were dropped if there is room now, and count those that were. Call it every few seconds."""
    if whole.retry():
        write_again(all_but_latest())
    dropped = whole.dropped()
    if dropped > _told.count:
        count(METRIC, dropped - _told.count)
        _told.count = dropped
