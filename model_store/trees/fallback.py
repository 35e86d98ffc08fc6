"""Packed trees walked by scikit-learn's own kernels, for machines without the extension: the same leaves, more slowly.

A *grove* is all trees in one tree under a router, which splits on an added column, the tree's number: n rows and T
trees are n * T rows and one call. That is best for few rows. For many, a *loop* calls the kernel tree by tree.
"""

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from model_store.batch import Array
from model_store.extension.numbers import added_in_order
from model_store.trees.kernels_of_sklearn import Kernel, of_float32, of_float64
from model_store.trees.unpacking import Unpacked, unpack

GROVE_WALKS = 6000
"""Up to so many rows times trees a grove is faster."""


class Fallback:
    """What the extension's Trees does, in the same words. Raises ValueError for arrays that ``pack`` did not make."""

    def __init__(self, arrays: Mapping[str, Array], features: int, columns: int, rows: str) -> None:
        self._trees = unpack(arrays, features, rows)
        self._values = arrays["values"]
        self._features, self._columns, self._rows = features, columns, rows
        self._kernel = of_float64 if rows == "float64" else of_float32
        width = self._values.shape[1]
        if columns < 1 or width not in {1, columns}:
            raise ValueError(f"expected a value for each leaf, or one for each of {columns} columns, got {width}")

    def sum(self, rows: Array, out: Array, /) -> None:
        """Add each tree's values to ``out``. See Trees.sum. Raises ValueError as that does."""
        sums = {"float64", self._values.dtype.name}
        _check(rows, self._rows, self._features)
        _check_out(out, (len(rows), self._columns), sums)
        if self._is_few(rows):
            self._add_at_once(self._of_grove(rows), out)
            return
        for tree, kernel in enumerate(self._loop):
            out[:, self._columns_of(tree)] += self._values.take(kernel(rows), axis=0)

    def leaves(self, rows: Array, out: Array, /) -> None:
        """Write leaf numbers to ``out``. See Trees.leaves. Raises ValueError as that does."""
        _check(rows, self._rows, self._features)
        _check_out(out, (len(rows), self._trees.count), {"int32"})
        if self._is_few(rows):
            out[:] = self._of_grove(rows).T
            return
        for tree, kernel in enumerate(self._loop):
            out[:, tree] = kernel(rows)

    def _is_few(self, rows: Array) -> bool:
        return len(rows) * self._trees.count <= GROVE_WALKS

    def _columns_of(self, tree: int) -> slice:
        """Return which columns of the sums a tree adds to."""
        if self._values.shape[1] > 1:
            return slice(None)
        column = tree % self._columns
        return slice(column, column + 1)

    def _add_at_once(self, leaves: Array, out: Array) -> None:
        values = self._values.take(leaves, axis=0).astype(out.dtype, copy=False)
        step = self._columns if self._values.shape[1] == 1 else 1
        for tree in range(min(step, len(leaves))):
            into = out[:, self._columns_of(tree)]
            into[:] = _in_order(into, values[tree::step])

    def _of_grove(self, rows: Array) -> Array:
        """Return the leaf of each tree and row, int32 of shape (trees, rows)."""
        trees, count = self._trees.count, len(rows)
        tall = np.empty((trees, count, self._features + 1), rows.dtype)
        tall[:, :, :-1] = rows
        tall[:, :, -1] = np.arange(trees)[:, np.newaxis]
        return self._grove(tall.reshape(trees * count, self._features + 1)).reshape(trees, count)

    @cached_property
    def _grove(self) -> Kernel:
        trees, routers = self._trees, _routers(self._trees, self._features)
        own = _nodes(trees, np.repeat(trees.starts[:-1] + len(routers["left"]), np.diff(trees.starts)))
        together = {name: np.concatenate((routers[name], own[name])) for name in own}
        return self._kernel(together, trees.sets, self._features + 1)

    @cached_property
    def _loop(self) -> list[Kernel]:
        trees, every = self._trees, _nodes(self._trees, np.zeros(1, np.int64))
        parts = [slice(start, stop) for start, stop in zip(trees.starts[:-1], trees.starts[1:], strict=True)]
        own = [{name: array[part] for name, array in every.items()} for part in parts]
        return [self._kernel(nodes, trees.sets, self._features) for nodes in own]


def _nodes(trees: Unpacked, moved: Array) -> dict[str, Array]:
    """Return the nodes of all trees as kernels take them, each tree's children moved by a number of places."""
    left = np.where(trees.is_leaf, -1, trees.child + moved)
    return {
        "left": left,
        "right": np.where(trees.is_leaf, -1, left + 1),
        "feature": trees.feature,
        "threshold": trees.threshold,
        "missing_left": trees.missing_left,
        "categorical": trees.categorical,
        "number": trees.number,
    }


def _routers(trees: Unpacked, feature: int) -> dict[str, Array]:
    """Return one node less than there are trees: a balanced search for the tree whose number is in a column."""
    roots = trees.starts[:-1] + trees.count - 1
    left, right, threshold = [], [], []
    waiting = [(0, trees.count)] if trees.count > 1 else []
    for start, stop in waiting:  # it grows while it is walked
        middle = (start + stop) // 2
        children = []
        for part in ((start, middle), (middle, stop)):
            is_tree = part[1] - part[0] == 1
            children.append(roots[part[0]] if is_tree else len(waiting))
            if not is_tree:
                waiting.append(part)
        left.append(children[0])
        right.append(children[1])
        threshold.append(middle - 0.5)
    zeros = np.zeros(len(left), np.int64)
    return {
        "left": np.array(left, np.int64),
        "right": np.array(right, np.int64),
        "feature": zeros + feature,
        "threshold": np.array(threshold, np.float64),
        "missing_left": zeros.astype(bool),
        "categorical": zeros.astype(bool),
        "number": zeros,
    }


def _in_order(base: Array, terms: Array) -> Array:
    """Return a base plus terms of its shape, added one after the other."""
    return added_in_order(np.concatenate((base[np.newaxis], terms)))


def _check(rows: Array, dtype: str, features: int) -> None:
    if rows.dtype != dtype or rows.ndim != 2 or rows.shape[1] != features or not rows.flags.c_contiguous:  # noqa: PLR2004 - a table
        raise ValueError(f"expected C-contiguous rows of {features} columns of {dtype}, got {rows.dtype} {rows.shape}")


def _check_out(out: Array, shape: tuple[int, int], dtypes: set[str]) -> None:
    if out.shape != shape or out.dtype.name not in dtypes or not out.flags.c_contiguous or not out.flags.writeable:
        raise ValueError(f"expected out to be C-contiguous, of {shape} and {dtypes}, got {out.dtype} {out.shape}")
