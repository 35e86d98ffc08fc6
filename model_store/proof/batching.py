"""Whether the answer for a row depends on the rows that it comes with."""

import time
from collections.abc import Mapping, Sequence

import numpy as np

from model_store.batch import Array, Batch, take
from model_store.engines.engine import Engine
from model_store.engines.equality import identical

SIZES = (1, 2, 3, 4, 5, 7, 8, 31, 32, 33, 101)
"""Rows at once: BLAS handles the last few rows of a batch apart, by how many rows it computes together."""
Answers = Mapping[str, Array]
_ROWS = 202
_CALLS = 12
_SECONDS = 0.25


def depends_at(engine: Engine, batch: Batch, outputs: Sequence[str]) -> list[int]:
    """Return the numbers of rows at once that give some row another answer than all rows at once do, to the last bit.

    It is what this processor shows: another may add in another order.
    """
    some = take(batch, np.arange(min(_ROWS, batch.rows)))
    together = engine.predict(some, outputs)
    end = time.thread_time() + _SECONDS
    return [size for size in SIZES if time.thread_time() < end and _differs(engine, some, outputs, size, together)]


def _differs(engine: Engine, batch: Batch, outputs: Sequence[str], size: int, together: Answers) -> bool:
    starts = range(0, batch.rows - size + 1, size)
    for start in starts[:: max(1, -(-len(starts) // _CALLS))]:
        rows = np.arange(start, start + size)
        given = engine.predict(take(batch, rows), outputs)
        if not all(identical(given[name], together[name][rows]) for name in outputs):
            return True
    return False
