"""Points whose nearest to a row are found: by the C extension, or without it by scikit-learn's own trees."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.extension.loader import kernels
from model_store.nearest.metrics import EUCLIDEAN, METRICS, MINKOWSKI


class Points:
    """Points that ``pack`` made arrays of: checked once, here, so that no rows can make them read elsewhere.

    ``metric`` is one of METRICS, ``power`` the one of ``minkowski``, and ``first`` the place of the point that
    scikit-learn was given first: it stands where no distance is finite. Raises ValueError for other arrays and
    settings. The arrays are held as they are, read-only, so that memory-mapped ones stay shared.
    """

    def __init__(self, arrays: Mapping[str, Array], *, metric: str, power: float, first: int) -> None:
        fixed = {name: _read_only(arrays[name]) for name in ("points", "ranges", "bounds", "radii")}
        self._searcher, self._rooted = _searcher(fixed, metric, power, first)

    def search(self, rows: Array, count: int) -> tuple[Array, Array]:
        """Return distances and places of the nearest points, each of shape (rows, ``count``), the nearest first.

        ``rows`` are finite float64 (rows, columns), distances float64, places int64. Equal distances are in the order
        that scikit-learn has them in. Raises ValueError for rows of another shape or dtype, and for more points than
        there are.
        """
        shape = len(rows), count
        distances, places = np.empty(shape), np.empty(shape, np.int64)
        self._searcher.search(np.ascontiguousarray(rows), distances, places)
        return self._rooted(distances), places


def _searcher(arrays: Mapping[str, Array], metric: str, power: float, first: int) -> tuple[Any, Callable[..., Any]]:
    """Return what searches, and what makes distances of those that it writes."""
    module = kernels()
    if module is not None:
        own = module.Points(**arrays, metric=METRICS.index(metric), power=power, first=first)
        return own, _root(metric, power)
    from model_store.nearest.fallback import (
        Fallback,
    )  # it imports scikit-learn, which a worker with the extension need not

    return Fallback(arrays, metric, power, first), _root("", power)


def _root(metric: str, power: float) -> Callable[..., Any]:
    if metric == EUCLIDEAN:
        return np.sqrt
    return (lambda distances: distances ** (1.0 / power)) if metric == MINKOWSKI else np.asarray


def _read_only(array: Array) -> Array:
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
