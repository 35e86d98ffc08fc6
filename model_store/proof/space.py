"""The rows that a proof takes: which, how many, and in pieces of which sizes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from model_store.batch import Array, Batch, take
from model_store.missing import is_missing
from model_store.proof.drawn import drawn
from model_store.proof.edges import Edges
from model_store.proof.grown import trees_of
from model_store.proof.hard import alone, together, wild
from model_store.proof.known import near
from model_store.proof.proof import Comparison, Piece, pieces
from model_store.proof.settled import settled
from model_store.proof.splits import Setting, on_splits
from model_store.schema import Schema

MOST_ROWS = 20_000
"""Rows of one kind."""
_CELLS = 4_000_000
"""Values of the rows of one kind, and of the answers to them."""
_AT_ONCE = 4096
PIECES = 8
"""Of 1, 7 and 32 rows each, at most."""
_WILD = 96
_ALONE = 512
_DRAWN = 2000
_TOGETHER = 500
_A_SPLIT = 9
"""Rows at most that stand on one split."""


@dataclass(frozen=True, slots=True)
class Space:
    """What rows an estimator takes: a schema, and some rows of it.

    ``trees`` is an estimator whose trees see the schema's columns, None if there is none; ``edges`` are the values of
    these columns at which answers may change; ``known`` are rows that others are compared with.
    """

    schema: Schema
    base: Batch
    edges: Edges = field(default_factory=dict)
    trees: Any = None
    known: Array | None = None

    def kinds(self) -> Mapping[str, tuple[float, Callable[[np.random.Generator], Iterator[Piece]]]]:
        """Return by name, for a message, what share of the time each kind of rows gets, and what makes them.

        They come in pieces that are compared each at once.
        """
        return {
            "rows on splits": (0.4, self._on_splits),
            "rows near known ones": (0.4, self._near_known),
            "single hard values": (0.2, self._wild),
            "hard values": (0.2, self._hard),
            "drawn rows": (0.2, self._drawn),
        }

    def most(self) -> int:
        """Return how many rows of one kind there may be: fewer if rows or answers are wide."""
        answers = sum(int(np.prod(output.shape, initial=1)) for output in self.schema.outputs)
        return max(32, min(MOST_ROWS, _CELLS // max(len(self.schema.columns), answers)))

    def _pieces(self, batch: Batch) -> Iterator[Piece]:
        return pieces(batch, at_once=max(1, min(_AT_ONCE, batch.rows, self.most())), most=PIECES)

    def _on_splits(self, rng: np.random.Generator) -> Iterator[Piece]:
        if self.trees is None:
            return
        count = sum(1 for _ in trees_of(self.trees) or ())
        each = max(1, self.most() // (_A_SPLIT * max(1, count)))
        settings = list(islice(on_splits(trees_of(self.trees) or (), each, rng), self.most()))
        for chosen in ([s for s in settings if not _has_gap(s)], [s for s in settings if _has_gap(s)]):
            if chosen:
                yield from self._pieces(settled(self.schema, self.base, chosen))

    def _near_known(self, rng: np.random.Generator) -> Iterator[Piece]:
        settings = [] if self.known is None else list(near(self.known, self.most(), rng))
        if settings:
            yield from self._pieces(settled(self.schema, self.base, settings))

    def _wild(self, rng: np.random.Generator) -> Iterator[Piece]:
        batch = settled(self.schema, self.base, wild(self.schema, min(_WILD, self.most())))
        for row in rng.permutation(batch.rows).tolist():
            yield row, take(batch, np.array([row]))

    def _hard(self, rng: np.random.Generator) -> Iterator[Piece]:
        for settings in (
            alone(self.schema, self.edges, min(_ALONE, self.most())),
            list(together(self.schema, self.edges, min(_TOGETHER, self.most()), rng)),
        ):
            if settings:
                yield from self._pieces(settled(self.schema, self.base, settings))

    def _drawn(self, rng: np.random.Generator) -> Iterator[Piece]:
        yield from self._pieces(drawn(self.schema, self.base, min(_DRAWN, self.most()), rng))


def _has_gap(setting: Setting) -> bool:
    """Return whether a value is missing; many estimators refuse all such rows."""
    return any(is_missing(value) for value in setting.values())


def difference(space: Space, make: Callable[[float], Comparison], seconds: float, seed: int = 0) -> tuple[str, int]:
    """Compare on all kinds of rows, each for its share of the time; returns the first difference, and the rows.

    ``make`` begins a comparison of so many seconds of CPU.
    """
    rows = 0
    for name, (share, made) in space.kinds().items():
        comparison = make(seconds * share)
        found = comparison.difference(made(np.random.default_rng(seed)))
        rows += comparison.rows
        if found:
            return f"{name}: {found}", rows
    return "", rows
