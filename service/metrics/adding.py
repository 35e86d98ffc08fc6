"""Metrics that grow with every request, added to without prometheus_client's set-up for each value.

prometheus_client asks for the process's id, looks up where a value is in its file and packs a time stamp, whenever a
value grows. Twenty grow with a prediction, which takes longer than reading its row. A value's place changes only where
a process forks, so it is looked up once in each. The files hold the same.
"""

import os
import threading
from bisect import bisect_left
from collections.abc import Callable
from struct import Struct
from typing import Any

Add = Callable[[float], None]

_pack = Struct("d").pack


class _Process:
    """What is one process's own: a lock, and a mark that no other process has."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.lock = threading.Lock()
        self.mark = object()


_process = _Process()
os.register_at_fork(after_in_child=_process.renew)


def adder(counter: Any) -> Add:
    """Return what adds to a counter or gauge of prometheus_client; the gauge may not be one that is set elsewhere."""
    return _adder(counter._value)


def setter(gauge: Any) -> Add:
    """Return what sets a gauge of prometheus_client, whose values of several processes become one by their sizes."""
    return _adder(gauge._value, grows=False)


def observer(histogram: Any) -> Add:
    """Return what adds an observation to a histogram of prometheus_client."""
    bounds, total = histogram._upper_bounds, _adder(histogram._sum)
    counts = list(map(_adder, histogram._buckets))

    def observe(amount: float) -> None:
        total(amount)
        counts[bisect_left(bounds, amount)](1)

    return observe


def _adder(value: Any, *, grows: bool = True) -> Add:
    if not value._multiprocess:
        plain: Add = value.inc if grows else value.set
        return plain
    mark: Any = None
    file: Any = None
    start, end = 0, 0

    def add(amount: float) -> None:
        nonlocal mark, file, start, end
        process = _process
        with process.lock:
            if mark is not process.mark:
                value.inc(0)  # opens this process's file
                mark, file = process.mark, value._file
                start = file._positions[value._key]
                end = start + 8
            value._value = value._value + amount if grows else amount
            file._m[start:end] = _pack(value._value)

    return add
