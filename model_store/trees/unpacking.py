"""Packed trees taken apart again and checked, for the kernels of scikit-learn, which check nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from model_store.batch import Array
from model_store.trees import nodes


@dataclass(frozen=True, slots=True)
class Unpacked:
    """All nodes of all trees, one array for each fact.

    ``child`` is the left child's place in its tree (a leaf's own), the right one's is the next. ``number`` is a leaf's
    row of values, and the row of ``sets`` of nodes that are ``categorical``.
    """

    starts: Array
    child: Array
    is_leaf: Array
    feature: Array
    threshold: Array
    missing_left: Array
    categorical: Array
    number: Array
    sets: Array

    @property
    def count(self) -> int:
        """How many trees there are."""
        return len(self.starts) - 1


def unpack(arrays: Mapping[str, Array], features: int, rows: str) -> Unpacked:
    """Return what the arrays of ``pack`` hold. Raises ValueError if they are not what it makes."""
    words, starts, firsts = arrays["nodes"], arrays["starts"], arrays["firsts"]
    if words.dtype != np.uint64 or words.ndim != 2 or words.shape[1] not in ({2} if rows == "float64" else {1, 2}):  # noqa: PLR2004 - words of a node
        raise ValueError(f"expected nodes of one or two words for rows of {rows}, got {words.dtype} {words.shape}")
    _check_starts(starts, firsts, len(words))
    child, feature, missing_left, categorical, threshold, number = (_wide if words.shape[1] > 1 else _narrow)(words)
    sizes, within = np.diff(starts), np.arange(len(words)) - np.repeat(starts[:-1], np.diff(starts))
    is_leaf = child == within
    number = number + np.where(is_leaf, np.repeat(firsts, sizes), 0)
    sets = arrays["sets"]
    made = Unpacked(starts, child, is_leaf, feature, threshold, missing_left, categorical, number, sets)
    _check(made, np.repeat(sizes, sizes) - within, len(arrays["values"]), features)
    if len(sets):
        missing_left[categorical] = (sets[number[categorical], 3] >> np.uint64(63)) == 0
    return made


def _narrow(words: Array) -> tuple[Array, ...]:
    packed = np.ascontiguousarray(words).view(nodes.NARROW)[:, 0]
    link = packed["link"].astype(np.int64)
    child, feature = link & (nodes.NARROW_NODES - 1), link >> nodes.NARROW_FEATURE
    number = packed["threshold"].view(np.uint32).astype(np.int64) & (nodes.NARROW_NODES - 1)
    missing_left = (link & nodes.NARROW_MISSING_LEFT) != 0
    return child, feature, missing_left, np.zeros(len(link), bool), packed["threshold"].astype(np.float64), number


def _wide(words: Array) -> tuple[Array, ...]:
    packed = np.ascontiguousarray(words).view(nodes.WIDE)[:, 0]
    link = packed["link"].astype(np.int64)
    number = packed["threshold"].view(np.int64) & (nodes.WIDE_NODES - 1)
    missing_left, categorical = (link & nodes.WIDE_MISSING_LEFT) != 0, (link & nodes.WIDE_CATEGORICAL) != 0
    feature = link & (nodes.WIDE_FEATURES - 1)
    return packed["child"].astype(np.int64), feature, missing_left, categorical, packed["threshold"].copy(), number


def _check_starts(starts: Array, firsts: Array, count: int) -> None:
    is_right = starts.dtype == firsts.dtype == np.int64 and starts.ndim == firsts.ndim == 1 and len(starts) > 1
    if not is_right or starts[0] != 0 or starts[-1] != count or (np.diff(starts) < 1).any():
        raise ValueError(f"expected int64 numbers that rise from 0 to {count}, one more than there are trees")
    if len(firsts) != len(starts) - 1 or firsts.min() < 0:
        raise ValueError(f"expected the number of a first row of values for each of {len(starts) - 1} trees")


def _check(made: Unpacked, left_over: Array, values: int, features: int) -> None:
    """Check each node; ``left_over`` tells how many nodes of its tree there are from it on, itself included."""
    is_leaf, is_nan = made.is_leaf, np.isnan(made.threshold)
    ahead = made.child - np.arange(len(made.child)) + np.repeat(made.starts[:-1], np.diff(made.starts))
    limit = np.where(is_leaf, values, len(made.sets))
    wrong = (
        (made.feature >= features)
        | (~is_leaf & ((ahead < 1) | (ahead + 1 >= left_over)))
        | (is_nan != (is_leaf | made.categorical))
        | (is_leaf & (made.categorical | ~made.missing_left))
        | (is_nan & (made.number >= limit))
    )
    if wrong.any():
        raise ValueError(f"node {np.flatnonzero(wrong)[0]} of the trees is not one that can be walked")
