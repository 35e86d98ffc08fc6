"""Rows that stand on the splits of trees, made from the trees as the estimator has them.

For a split, a row is built that reaches it; then its feature is put on the threshold, and on the numbers next to it. A
threshold that was rounded the wrong way, a missing value that is sent the wrong way: random rows do not show them.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from model_store.batch import Array

Setting = Mapping[int, Any]
"""By column, the value that a row has there; all other columns are as they come."""
_CATEGORIES = 8


@dataclass(frozen=True, slots=True)
class Tree:
    """A fitted tree: 1-D arrays with an entry for each node.

    ``left`` and ``right`` are nodes, those of a leaf are of no matter; ``splits`` are the nodes that are none.
    ``feature`` is a column of the rows. ``sides`` are for splits by category: what goes left, and what goes right.
    """

    left: Array
    right: Array
    feature: Array
    threshold: Array
    splits: Array
    sides: Mapping[int, tuple[Sequence[Any], Sequence[Any]]] = field(default_factory=dict)


def on_splits(trees: Iterable[Tree], most: int, rng: np.random.Generator) -> Iterator[Setting]:
    """Yield settings of rows that reach at most ``most`` splits of each tree and stand on them."""
    for tree in trees:
        parents = _parents(tree)
        chosen = tree.splits if len(tree.splits) <= most else rng.choice(tree.splits, most, replace=False)
        for split in chosen.tolist():
            reached = _reaching(tree, _path(tree, parents, split), rng)
            column = int(tree.feature[split])
            for value in _on(tree, split, rng):
                yield {**reached, column: value}


def around(number: float) -> list[float]:
    """Return a number, its neighbours in float64 and float32, and the next whole number, all as float64."""
    with np.errstate(over="ignore"):
        near = np.float32(number)
        narrow = [near, *(np.nextafter(near, np.float32(end)) for end in (-np.inf, np.inf))]
    wide = [number, *(np.nextafter(number, end) for end in (-np.inf, np.inf))]
    whole = [math.floor(number) + 1] if math.isfinite(number) else []
    return list(dict.fromkeys(float(value) for value in (*wide, *narrow, *whole)))


def _parents(tree: Tree) -> Array:
    parents = np.full(len(tree.left), -1, dtype=np.int64)
    parents[tree.left[tree.splits]] = tree.splits
    parents[tree.right[tree.splits]] = tree.splits
    return parents


def _path(tree: Tree, parents: Array, node: int) -> list[tuple[int, bool]]:
    """Return the splits above a node, and whether the way goes left there."""
    path = []
    while (parent := int(parents[node])) >= 0:
        path.append((parent, int(tree.left[parent]) == node))
        node = parent
    return path


def _reaching(tree: Tree, path: Iterable[tuple[int, bool]], rng: np.random.Generator) -> dict[int, Any]:
    low: dict[int, float] = {}
    high: dict[int, float] = {}
    made: dict[int, Any] = {}
    for node, left in path:
        column, threshold = int(tree.feature[node]), float(tree.threshold[node])
        if node in tree.sides:
            side = tree.sides[node][0 if left else 1]
            made.setdefault(column, side[int(rng.integers(len(side)))] if len(side) else None)
        elif left:
            high[column] = min(high.get(column, math.inf), threshold)
        else:
            low[column] = max(low.get(column, -math.inf), threshold)
    return {column: _within(low.get(column), high.get(column)) for column in low | high} | made


def _within(low: float | None, high: float | None) -> float:
    """Return a float32 above ``low`` and, if there is room, below ``high``; NaN if only that is above ``low``."""
    if low is not None and low == math.inf:
        return math.nan
    if low is None or high is None:
        return _next(low, math.inf) if low is not None else _next(high or 0.0, -math.inf)
    middle = float(np.float32(low / 2 + high / 2)) if math.isfinite(high) else _next(low, math.inf)
    return middle if low < middle < high else high


def _next(number: float, end: float) -> float:
    """Return the float32 next to a number, in the direction of ``end``."""
    with np.errstate(over="ignore"):
        return float(np.nextafter(np.float32(number), np.float32(end)))


def _on(tree: Tree, split: int, rng: np.random.Generator) -> list[Any]:
    if split not in tree.sides:
        return [*around(float(tree.threshold[split])), math.nan]
    sides = [value for side in tree.sides[split] for value in side]
    some = rng.permutation(len(sides))[:_CATEGORIES].tolist()
    return [*(sides[i] for i in some), None]
