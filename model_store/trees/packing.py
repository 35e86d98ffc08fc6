"""From a library's trees to arrays that are walked, without a difference in any answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model_store.batch import Array
from model_store.trees import nodes
from model_store.trees.values import stored


@dataclass(frozen=True, slots=True)
class TreeArrays:
    """One tree, in scikit-learn's terms: node 0 is the root, and children have larger numbers than their parent.

    A row goes left if its value is at most ``threshold``, and ``missing_left`` says where NaN goes. ``left`` and
    ``right`` are negative in leaves, where nothing else than ``values`` is read. ``values`` has a row of one or more
    numbers for each node, float64 or float32; only those of leaves are kept. Nodes that split by category have a
    number of a row of ``sets`` in ``set_number``, the others -1.
    """

    left: Array
    right: Array
    feature: Array
    threshold: Array
    missing_left: Array
    values: Array
    set_number: Array | None = None
    sets: Array | None = None
    """Of shape (sets, 4), uint64: bit c is set if category c goes right, bit 255 if missing and unknown values do."""


def pack(trees: Sequence[TreeArrays], *, features: int, rows: str = "float32") -> dict[str, Array]:
    """Return the arrays that ``Trees`` walks: ``nodes``, ``starts``, ``firsts``, ``values`` and ``sets``.

    ``rows`` is the dtype of the rows that will be walked, "float32" or "float64"; thresholds are compared exactly, as
    if rows were widened to float64. Leaves of equal values may share a row of ``values``. Nodes take 8 bytes if rows
    are float32, there are at most 512 features and each tree has at most 4,194,304 nodes, else 16. Raises ValueError
    for arrays that are no such trees.
    """
    _check(trees, features, rows)
    is_wide = rows == "float64" or features > nodes.NARROW_FEATURES or _largest(trees) > nodes.NARROW_NODES
    most = nodes.WIDE_NODES if is_wide else nodes.NARROW_NODES
    values, numbers, firsts = stored([tree.values[tree.left < 0] for tree in trees], most)
    pack_tree = _wide if is_wide else _narrow
    packed = [pack_tree(*each) for each in zip(trees, numbers, _first_sets(trees), strict=True)]
    return {
        "nodes": np.concatenate(packed).view(np.uint64).reshape(-1, 2 if is_wide else 1),
        "starts": _starts([len(tree.left) for tree in trees]),
        "firsts": firsts,
        "values": values,
        "sets": np.concatenate([_sets(tree) for tree in trees]),
    }


def category_sets(left: Array, known: Array, missing_left: Array) -> Array:
    """Return sets for TreeArrays from those of HistGradientBoosting's nodes.

    ``left`` and ``known`` are uint32 of shape (sets, 8): the categories that go left, and those that training had.
    ``missing_left``, of shape (sets,), tells where missing and unknown categories go. The result is uint64 (sets, 4).
    """
    elsewhere = np.where(missing_left.astype(bool)[:, np.newaxis], np.uint32(0), ~known)
    right = np.ascontiguousarray((known | elsewhere) & ~left)
    last = np.uint32(1 << 31)
    right[:, -1] = np.where(missing_left.astype(bool), right[:, -1] & ~last, right[:, -1] | last)
    return right.view(np.uint64)


def rounded_down(thresholds: Array) -> Array:
    """Return the largest float32 that is not above each threshold: the same float32 values are at most as large."""
    with np.errstate(over="ignore"):
        nearest = thresholds.astype(np.float32)
    above = nearest > thresholds
    nearest[above] = np.nextafter(nearest[above], np.float32(-np.inf))
    return nearest


def _check(trees: Sequence[TreeArrays], features: int, rows: str) -> None:
    if rows not in {"float32", "float64"} or not trees or not 0 < features <= nodes.WIDE_FEATURES:
        raise ValueError(
            f"expected trees on rows of float32 or float64 and features, got {rows}, {len(trees)}, {features}"
        )
    if rows == "float32" and any(len(_sets(tree)) for tree in trees):
        raise ValueError("expected rows of float64, since trees split by category; got rows of float32")
    for number, tree in enumerate(trees):
        _check_tree(tree, features, f"tree {number}")


def _check_tree(tree: TreeArrays, features: int, name: str) -> None:
    split = np.flatnonzero(tree.left >= 0)
    count, left, right = len(tree.left), tree.left[split], tree.right[split]
    if not 0 < count == 2 * len(split) + 1 <= nodes.WIDE_NODES or len(tree.values) != count:
        raise ValueError(f"{name} has {count} nodes, {len(split)} with children, and {len(tree.values)} rows of values")
    if len(split) and (min((left - split).min(), (right - split).min()) < 1 or max(left.max(), right.max()) >= count):
        raise ValueError(f"{name} has a node whose children do not come after it")
    has_parent = np.zeros(count, bool)
    has_parent[left] = has_parent[right] = True
    if np.count_nonzero(has_parent) != count - 1:
        raise ValueError(f"{name} has a node with two parents")
    if len(split) and not 0 <= tree.feature[split].min() <= tree.feature[split].max() < features:
        raise ValueError(f"{name} splits by a feature that is not one of {features}")
    if np.isnan(tree.threshold[split][_set_numbers(tree)[split] < 0]).any():
        raise ValueError(f"{name} has a threshold that is NaN")


def _narrow(tree: TreeArrays, numbers: Array, _first_set: int) -> Array:
    is_leaf = tree.left < 0
    place, child = _places(tree, is_leaf)
    made = np.empty(len(is_leaf), nodes.NARROW)
    thresholds = rounded_down(np.where(is_leaf, 0, tree.threshold)).view(np.uint32)
    thresholds[is_leaf] = numbers + nodes.NARROW_LEAF
    made["threshold"][place] = thresholds.view(np.float32)
    missing = np.where(is_leaf | tree.missing_left.astype(bool), nodes.NARROW_MISSING_LEFT, 0)
    made["link"][place] = (
        child | missing | (np.where(is_leaf, 0, tree.feature).astype(np.int64) << nodes.NARROW_FEATURE)
    )
    return made


def _wide(tree: TreeArrays, numbers: Array, first_set: int) -> Array:
    is_leaf, sets = tree.left < 0, _set_numbers(tree)
    by_category = ~is_leaf & (sets >= 0)
    place, child = _places(tree, is_leaf)
    made = np.empty(len(is_leaf), nodes.WIDE)
    thresholds = tree.threshold.astype(np.float64).view(np.int64)
    thresholds[is_leaf] = numbers + nodes.WIDE_NUMBERED
    thresholds[by_category] = sets[by_category] + first_set + nodes.WIDE_NUMBERED
    made["threshold"][place] = thresholds.view(np.float64)
    made["child"][place] = child
    missing = np.where(is_leaf | tree.missing_left.astype(bool), nodes.WIDE_MISSING_LEFT, 0)
    made["link"][place] = np.where(is_leaf, 0, tree.feature) | missing | (by_category * nodes.WIDE_CATEGORICAL)
    return made


def _places(tree: TreeArrays, is_leaf: Array) -> tuple[Array, Array]:
    """Return each node's place and its left child's, a leaf's own: siblings together, in the order of their parents."""
    split = np.flatnonzero(~is_leaf)
    place = np.zeros(len(is_leaf), np.int64)
    place[tree.left[split]] = np.arange(1, len(is_leaf), 2)
    place[tree.right[split]] = np.arange(2, len(is_leaf), 2)
    child = place.copy()
    child[split] = place[tree.left[split]]
    return place, child


def _set_numbers(tree: TreeArrays) -> Array:
    return np.full(len(tree.left), -1) if tree.set_number is None else tree.set_number


def _sets(tree: TreeArrays) -> Array:
    return np.zeros((0, 4), np.uint64) if tree.sets is None else tree.sets


def _first_sets(trees: Sequence[TreeArrays]) -> Array:
    return _starts([len(_sets(tree)) for tree in trees])[:-1]


def _largest(trees: Sequence[TreeArrays]) -> int:
    return max(len(tree.left) for tree in trees)


def _starts(counts: list[int]) -> Array:
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
