"""Metrics that grow with every request, added to without prometheus_client's set-up for each value.

prometheus_client asks for the process's id, looks up where a value is in its file and packs a time stamp, whenever a
value grows. Twenty grow with a prediction, which takes longer than reading its row. A value's place changes only where
a process forks, so it is looked up once in each. The files hold the same, as soon as an addition returns.
"""

import os
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from struct import Struct
from typing import Any

Add = Callable[[float], None]

_pack_into = Struct("d").pack_into


class _Process:
    """What is one process's own: a lock, and a mark that no other process has."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.lock = threading.Lock()
        self.mark = object()


_process = _Process()
os.register_at_fork(after_in_child=_process.renew)


def write_again(instruments: Iterable[Any]) -> None:
    """Write the values of prometheus_client's instruments at their places, after some have got another place."""
    _process.mark = object()
    for instrument in instruments:
        for one in list(instrument._metrics.values()) if instrument._labelnames else [instrument]:
            for value in (one._sum, *one._buckets) if hasattr(one, "_buckets") else (one._value,):
                with _process.lock:
                    value.inc(0)


class Instrument:
    """A function of one number that records it with a metric, from any thread; ``put`` is for who holds the lock."""

    __slots__ = ("put",)

    def __init__(self, put: Add) -> None:
        self.put = put

    def __call__(self, amount: float) -> None:
        """Record one number."""
        with _process.lock:
            self.put(amount)


def adder(counter: Any) -> Instrument:
    """Return what adds to a counter or gauge of prometheus_client; the gauge may not be one that is set elsewhere."""
    return Instrument(_putter(counter._value))


def setter(gauge: Any) -> Instrument:
    """Return what sets a gauge of prometheus_client, whose values of several processes become one by their sizes."""
    return Instrument(_putter(gauge._value, grows=False))


def observer(histogram: Any) -> Instrument:
    """Return what adds an observation to a histogram of prometheus_client."""
    total, counts = histogram._sum, histogram._buckets
    put = _observing_in_file if total._multiprocess else _observing
    return Instrument(put(histogram._upper_bounds, total, counts))


def together(*instruments: Instrument) -> Callable[..., None]:
    """Return a function of as many numbers as there are instruments: it records each with the one at its place."""
    puts = [instrument.put for instrument in instruments]

    def record(*amounts: float) -> None:
        with _process.lock:
            for put, amount in zip(puts, amounts, strict=True):
                put(amount)

    return record


def _observing(bounds: Sequence[float], total: Any, counts: Sequence[Any]) -> Add:
    def observe(amount: float) -> None:
        total.inc(amount)
        counts[bisect_left(bounds, amount)].inc(1)

    return observe


def _observing_in_file(bounds: Sequence[float], total: Any, counts: Sequence[Any]) -> Add:
    """Return what ``_observing`` returns: sum and counts are in one file."""
    mark: Any = None
    file: Any = None
    place = 0
    places: list[int] = []

    def observe(amount: float) -> None:
        nonlocal mark, file, place, places
        if mark is not _process.mark:
            for value in (total, *counts):
                value.inc(0)  # opens this process's file
            mark, file = _process.mark, total._file
            place, places = file._positions[total._key], [file._positions[value._key] for value in counts]
        at = bisect_left(bounds, amount)
        count = counts[at]
        total._value = seen = total._value + amount
        count._value = times = count._value + 1
        _pack_into(file._m, place, seen)
        _pack_into(file._m, places[at], times)

    return observe


def _putter(value: Any, *, grows: bool = True) -> Add:
    if not value._multiprocess:
        plain: Add = value.inc if grows else value.set
        return plain
    mark: Any = None
    file: Any = None
    place = 0

    def put(amount: float) -> None:
        nonlocal mark, file, place
        if mark is not _process.mark:
            value.inc(0)  # opens this process's file
            mark, file = _process.mark, value._file
            place = file._positions[value._key]
        total = value._value = value._value + amount if grows else amount
        _pack_into(file._m, place, total)

    return put
