"""Rows alone, and then among others: a trial of whether answers depend on the company that a row is in."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from model_store.batch import Array, Batch, take
from model_store.engines.engine import Engine
from model_store.engines.equality import distances, identical

ROWS = 512
"""That an engine answers alone and in each of the sizes."""
SIZES = (2, 3, 5, 7, 8, 31, 32, 33, 64, 128, 256)
"""Rows at once. BLAS and vector code handle the last few rows of a batch apart, and small batches otherwise."""
MOST = 256
"""No more rows at once are tried, so no more are proven."""
_OTHER_SIZES = 4
"""So many times the rows are cut into pieces of random sizes as well."""
_FIRST = 32
"""Rows that are compared before all others: most engines that depend on the company show it with them."""
_REFUSED = 8
_COMPANIES = (2, 33)
"""Rows among which a refused row is to be refused."""


@dataclass(slots=True)
class Finding:
    """What a trial shows of one output.

    ``rows`` answered the same alone and in the company of others, in all sizes if the trial is ``complete``.
    ``differs_at`` are the numbers of rows at once at which one did not, and ``apart`` is how far its answers were apart
    at most, relative to their magnitude (see ``model_store.engines.equality.distances``): infinite if it is no
    rounding.
    """

    rows: int = 0
    complete: bool = False
    differs_at: set[int] = field(default_factory=set)
    apart: float = 0.0


class Trial:
    """Compares an engine's answers to rows alone with those to the same rows at random positions among random others.

    It ends after ``seconds`` of CPU of the calling thread. An output is given up when it has differed once, unless all
    that differs is to be ``measured``. ``company`` answers several rows at once, if that is not the engine itself.
    """

    def __init__(
        self,
        engine: Engine,
        outputs: Sequence[str],
        seconds: float,
        *,
        measured: bool = False,
        company: Engine | None = None,
    ) -> None:
        """Begin to count the time."""
        self._engine = engine
        self._in_company = company or engine
        self._measured = measured
        self._end = time.thread_time() + seconds
        self._rng = np.random.default_rng(0)
        self._found = {name: Finding() for name in outputs}
        self._rows: list[int] = []
        self._refused: list[int] = []
        self._alone: dict[str, list[Array]] = {name: [] for name in outputs}

    def run(self, batch: Batch) -> Mapping[str, Finding]:
        """Return what comes of it, by output. Rows that the engine refuses alone have to be refused in company."""
        places = iter(range(batch.rows))
        done = all(self._ask(batch, places, most) and self._compare(batch) for most in (_FIRST, ROWS))
        done = done and self._compare_refused(batch)
        for finding in self._found.values():
            finding.rows = len(self._rows)
            finding.complete = done and len(self._rows) == ROWS
        return self._found

    def _open(self) -> list[str]:
        """Return the outputs that are still asked for."""
        return [name for name, found in self._found.items() if self._measured or not found.differs_at]

    def _in_time(self) -> bool:
        return time.thread_time() < self._end

    def _ask(self, batch: Batch, places: Iterator[int], most: int) -> bool:
        outputs = self._open()
        while outputs and len(self._rows) < most and self._in_time():
            place = next(places, None)
            if place is None:
                break
            self._ask_alone(batch, place, outputs)
        return bool(outputs) and self._in_time()

    def _ask_alone(self, batch: Batch, place: int, outputs: Sequence[str]) -> None:
        try:
            answers = self._engine.predict(take(batch, np.array([place])), outputs)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - estimators raise anything
            self._refused.append(place)
            return
        self._rows.append(place)
        for name in outputs:
            self._alone[name].append(answers[name])

    def _compare(self, batch: Batch) -> bool:
        """Return whether all sizes were compared for some output, before the time was over."""
        alone = {name: np.concatenate(self._alone[name]) for name in self._open() if self._rows}
        for company in self._companies():
            if not self._in_time() or not self._open():
                return False
            self._compare_company(batch, company, alone)
        return True

    def _companies(self) -> Iterator[Array]:
        count = len(self._rows)
        if count <= _FIRST:
            yield from np.arange(count).reshape(-1, 1)  # alone, once more
        for size in SIZES:
            yield from self._pieces(np.full(count // size + 1, size))
        for _ in range(_OTHER_SIZES):
            yield from self._pieces(self._rng.integers(2, MOST + 1, count))

    def _pieces(self, sizes: Array) -> Iterator[Array]:
        order = self._rng.permutation(len(self._rows))
        return (piece for piece in np.split(order, np.cumsum(sizes)) if len(piece))

    def _compare_company(self, batch: Batch, company: Array, alone: Mapping[str, Array]) -> None:
        outputs = self._open()
        try:
            answers = self._in_company.predict(take(batch, np.array(self._rows)[company]), outputs)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - what was answered alone is refused in company
            for name in outputs:
                self._note(name, len(company), float("inf"))
            return
        for name in outputs:
            expected = alone[name][company]
            if not identical(answers[name], expected):
                self._note(name, len(company), _apart(answers[name], expected))

    def _compare_refused(self, batch: Batch) -> bool:
        for place in self._refused[:_REFUSED] if self._rows else ():
            for size in _COMPANIES:
                company = [*self._rng.choice(self._rows, size - 1).tolist(), place]
                if self._answered(take(batch, self._rng.permutation(company))):
                    for name in self._open():
                        self._note(name, size, float("inf"))
        return self._in_time()

    def _answered(self, batch: Batch) -> bool:
        try:
            self._in_company.predict(batch, self._open())
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - as it should be
            return False
        return True

    def _note(self, name: str, size: int, apart: float) -> None:
        self._found[name].differs_at.add(size)
        self._found[name].apart = max(self._found[name].apart, apart)


def _apart(answer: Array, expected: Array) -> float:
    if answer.shape != expected.shape or answer.dtype != expected.dtype:
        return float("inf")
    return float(distances(answer, expected).max(initial=0.0))
