"""A set of trees that rows are walked down: by the C extension, or without it by scikit-learn's own kernels."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from model_store.batch import Array
from model_store.extension.loader import kernels


class Walker(Protocol):
    """What walks: the extension's Trees, or its fallback."""

    def sum(self, rows: Array, out: Array, /) -> None:
        """Add each tree's values to ``out``."""

    def leaves(self, rows: Array, out: Array, /) -> None:
        """Write the row of values that each row reaches in each tree to ``out``."""


class Trees:
    """Trees that ``pack`` made arrays of: checked once, here, so that no rows can make them read elsewhere.

    ``features`` and ``rows`` are what ``pack`` was given. ``columns`` is how many sums each row has: as many as a leaf
    has values, or if a leaf has one, any number, and the sum that tree t adds to is t % columns, as in boosting.
    Raises ValueError if the arrays are not what ``pack`` makes. The arrays are held as they are, read-only, so that
    memory-mapped ones stay shared.
    """

    def __init__(self, arrays: Mapping[str, Array], *, features: int, columns: int = 1, rows: str = "float32") -> None:
        fixed = {name: _read_only(arrays[name]) for name in ("nodes", "starts", "firsts", "values", "sets")}
        self.values = fixed["values"]
        self._trees = len(fixed["starts"]) - 1
        self._walker = _walker(fixed, features, columns, rows)

    def sum(self, rows: Array, out: Array) -> None:
        """Add the values of the leaf that each row reaches to ``out``, one tree after the other, in their order.

        ``rows`` is C-contiguous, of shape (n, features) and of the dtype that was said, and ``out`` of shape (n,
        columns), C-contiguous, holding what is added to (a base, or zeros). It is float64, or float32 if values are:
        then all sums are float32. NaN goes where each node says, and what rows may hold is the caller's to check.
        Raises ValueError for arrays of another shape, dtype or layout.
        """
        self._walker.sum(rows, out)

    def leaves(self, rows: Array) -> Array:
        """Return what each row reaches in each tree, int32 of shape (n, trees): the number of a row of ``values``.

        ``rows`` is as for ``sum``. Raises ValueError for rows of another shape, dtype or layout.
        """
        out = np.empty((len(rows), self._trees), np.int32)
        self._walker.leaves(rows, out)
        return out


def _walker(arrays: Mapping[str, Array], features: int, columns: int, rows: str) -> Walker:
    module = kernels()
    if module is not None:
        walker: Walker = module.Trees(**arrays, features=features, columns=columns, float64=rows == "float64")
        return walker
    from model_store.trees.fallback import (
        Fallback,
    )  # it imports scikit-learn, which a worker with the extension need not

    return Fallback(arrays, features, columns, rows)


def _read_only(array: Array) -> Array:
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
