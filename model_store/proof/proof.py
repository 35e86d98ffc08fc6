"""A plan next to its estimator, on the same rows."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from model_store.batch import Array, Batch, take
from model_store.engines.engine import Engine
from model_store.engines.equality import identical

SIZES = (1, 7, 32)
"""Rows at once: BLAS adds in another order for other sizes."""


def difference(measure: Engine, candidate: Engine, batches: Iterable[Batch], outputs: Sequence[str]) -> str:
    """Return the first output on which a candidate does not answer as the measure does; empty if there is none.

    What the measure refuses with ValueError has to be refused so.
    """
    for batch in batches:
        expected, got = _answers(measure, batch, outputs), _answers(candidate, batch, outputs)
        for name in outputs:
            if not _equal(expected.get(name), got.get(name)):
                return name
    return ""


def in_sizes(batch: Batch, sizes: Sequence[int] = SIZES) -> Iterable[Batch]:
    """Yield a batch as a whole, then cut into pieces of each size, the last of which may be smaller."""
    yield batch
    for size in sizes:
        for start in range(0, batch.rows, size):
            yield take(batch, np.arange(start, min(start + size, batch.rows)))


def _answers(engine: Engine, batch: Batch, outputs: Sequence[str]) -> Mapping[str, Array]:
    try:
        return engine.predict(batch, outputs)
    except ValueError:
        return {}


def _equal(expected: Array | None, got: Array | None) -> bool:
    if expected is None or got is None:
        return expected is got
    return identical(expected, got)
