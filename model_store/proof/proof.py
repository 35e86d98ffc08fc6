"""A plan next to its estimator, on the same rows."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from model_store.batch import Array, Batch, take
from model_store.engines.engine import Engine
from model_store.engines.equality import identical

SIZES = (1, 7, 32)
"""Rows at once: BLAS adds in another order for other sizes."""
REFUSALS = (ValueError, TypeError, KeyError)
"""What estimators raise when they do not like the rows."""
_ALONE = 64
"""Rows that are refused alone, before it is enough that others are refused together."""
Piece = tuple[int, Batch]
"""Rows of a larger batch, and the index that the first of them has there."""
_Outcome = Mapping[str, Array] | Exception


class Comparison:
    """Two engines on the same rows, for so many seconds of CPU; ``rows`` counts those that they were compared on."""

    def __init__(
        self, measure: Engine, candidate: Engine, outputs: Sequence[str], seconds: float = float("inf")
    ) -> None:
        """Begin to count the time."""
        self._measure = measure
        self._candidate = candidate
        self._outputs = tuple(outputs)
        self._end = time.thread_time() + seconds
        self._alone = 0
        self.rows = 0

    def difference(self, pieces: Iterable[Piece]) -> str:
        """Return on which row and output the candidate first answers otherwise, with both answers; empty if nowhere.

        What the measure refuses has to be refused: rows that are refused together are compared by halves, until some
        were refused alone. Pieces that come when the time is over are left out.
        """
        for start, batch in pieces:
            if time.thread_time() > self._end:
                break
            found = self._between(batch, start)
            if found:
                return found
        return ""

    def _between(self, batch: Batch, start: int) -> str:
        expected, got = _outcome(self._measure, batch, self._outputs), _outcome(self._candidate, batch, self._outputs)
        if isinstance(expected, Exception) and batch.rows > 1 and self._alone < _ALONE:
            half = batch.rows // 2
            parts = ((0, half), (half, batch.rows))
            return next(filter(None, (self._between(_cut(batch, a, b), start + a) for a, b in parts)), "")
        self.rows += batch.rows
        self._alone += isinstance(expected, Exception)
        if isinstance(expected, Exception) or isinstance(got, Exception):
            return _refused_by_one(expected, got, start)
        names = (name for name in self._outputs if not identical(expected[name], got[name]))
        return next((_told(name, expected[name], got[name], start) for name in names), "")


def pieces(batch: Batch, *, at_once: int = 0, most: int = 0, sizes: Sequence[int] = SIZES) -> Iterator[Piece]:
    """Yield a batch as a whole, then cut into pieces of each size, each with the index of its first row.

    If ``at_once`` is given, the whole comes in parts of so many rows; if ``most`` is, so many pieces of each size at
    most, evenly over the batch.
    """
    for size in (at_once or batch.rows, *sizes):
        starts = range(0, batch.rows, size)
        whole = size == at_once or not most
        for start in starts if whole else starts[:: -(-len(starts) // most)]:
            yield start, _cut(batch, start, min(start + size, batch.rows))


def _cut(batch: Batch, start: int, end: int) -> Batch:
    return take(batch, np.arange(start, end))


def _outcome(engine: Engine, batch: Batch, outputs: Sequence[str]) -> _Outcome:
    try:
        return engine.predict(batch, outputs)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - estimators raise anything
        return error


def _refused_by_one(expected: _Outcome, got: _Outcome, row: int) -> str:
    if isinstance(expected, Exception) and isinstance(got, Exception):
        alike = isinstance(got, REFUSALS) or not isinstance(expected, REFUSALS)
        return "" if alike else f"row {row}: {_words(got)} instead of {_words(expected)}"
    if isinstance(expected, Exception):
        return f"row {row}: an answer instead of {_words(expected)}"
    return f"row {row}: {_words(got)} instead of an answer"


def _words(error: object) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:100]}"


def _told(name: str, expected: Array, got: Array, start: int) -> str:
    if expected.dtype != got.dtype or expected.shape != got.shape:
        return f"{name}: {got.dtype}{list(got.shape)} instead of {expected.dtype}{list(expected.shape)}"
    for row, (one, other) in enumerate(
        zip(expected.reshape(len(expected), -1), got.reshape(len(got), -1), strict=True)
    ):
        for a, b in zip(one, other, strict=True):
            if not identical(np.asarray(a), np.asarray(b)):
                return f"row {start + row}: {name} is {_shown(b)} instead of {_shown(a)}"
    return f"{name}: answers that look alike"


def _shown(value: object) -> str:
    plain = getattr(value, "item", lambda: value)()
    return repr(plain)[:60]
