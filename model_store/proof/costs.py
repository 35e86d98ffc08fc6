"""What engines cost: seconds of CPU for one call, by the number of its rows.

It is the clock of the calling thread, since the proof works on one thread: in a process with a limit on CPU time, Linux
moves that of the whole process from tick to tick only.
"""

import statistics
import time
from collections.abc import Mapping, Sequence

import numpy as np

from model_store.batch import Batch, take
from model_store.engines.engine import Engine

ROWS = (1, 10, 100, 1000)
_CALLS = 12
_SECONDS = 0.06
"""For all calls of one engine with one number of rows, but for the first."""
_LONGEST = 0.5
"""No more rows are tried if that would take longer, by the time of fewer."""
_GROWTH = 5
"""Ten times the rows take at least so many times as long, where rows are what takes the time."""


def measured(engines: Mapping[str, Engine], batch: Batch, output: str) -> dict[str, dict[str, float]]:
    """Return for each engine, by the number of rows as text, the median of some calls with different rows each."""
    found: dict[str, dict[str, float]] = {name: {} for name in engines}
    for rows in ROWS:
        batches = _batches(batch, rows)
        for name, engine in engines.items():
            if max(found[name].values(), default=0.0) * _GROWTH < _LONGEST:
                found[name][str(rows)] = _seconds(engine, batches, output)
    return found


def of_one_row(engine: Engine, batch: Batch, output: str) -> float:
    """Return the median of some calls with one row each."""
    return _seconds(engine, _batches(batch, 1), output)


def _batches(batch: Batch, rows: int) -> Sequence[Batch]:
    return [take(batch, (np.arange(rows) + call * rows) % batch.rows) for call in range(_CALLS)]


def _seconds(engine: Engine, batches: Sequence[Batch], output: str) -> float:
    times: list[float] = []
    for batch in (batches[-1], *batches):
        start = time.thread_time()
        engine.predict(batch, [output])
        times.append(time.thread_time() - start)
        if sum(times[1:]) > _SECONDS:
            break
    return statistics.median(times[1:] or times)
