"""Packed points searched by scikit-learn's own trees, for machines without the extension."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.metrics import DistanceMetric
from sklearn.neighbors import BallTree, KDTree

from model_store.batch import Array
from model_store.nearest.metrics import MINKOWSKI
from model_store.nearest.packing import BOXES

_NODE = np.dtype([("idx_start", np.intp), ("idx_end", np.intp), ("is_leaf", np.intp), ("radius", np.float64)])


class Fallback:
    """What the extension's Points does. Raises ValueError for arrays that ``pack`` did not make."""

    def __init__(self, arrays: Mapping[str, Array], metric: str, power: float, first: int) -> None:
        _check(arrays, first)
        if not 0 < power < np.inf:
            raise ValueError(f"expected a power above 0, got {power}")
        points, ranges, bounds = arrays["points"], arrays["ranges"], arrays["bounds"]
        settings = {"p": power} if metric == MINKOWSKI else {}
        nodes = np.zeros(len(ranges), _NODE)
        nodes["idx_start"], nodes["idx_end"] = np.maximum(ranges, 0).T
        nodes["is_leaf"] = ranges[:, 0] >= 0
        nodes["radius"] = arrays["radii"] if len(arrays["radii"]) else 0.0
        measure = DistanceMetric.get_metric(metric, **settings)
        kind = KDTree if len(bounds) == BOXES else BallTree
        self._tree: Any = kind.__new__(kind)
        order, levels = np.arange(len(points), dtype=np.intp), len(nodes).bit_length()
        self._tree.__setstate__((points, order, nodes, bounds, 1, levels, len(nodes), 0, 0, 0, 0, measure, None))
        self._first = first

    def search(self, rows: Array, distances: Array, places: Array, /) -> None:
        """Write distances and places. See Points.search. Raises ValueError as that does."""
        if rows.dtype != np.float64:
            raise ValueError(f"expected rows of float64, got {rows.dtype}")
        distances[:], where = self._tree.query(rows, distances.shape[1])
        places[:] = np.where(np.isinf(distances), self._first, where)


def _check(arrays: Mapping[str, Array], first: int) -> None:
    points, ranges, bounds, radii = (arrays[name] for name in ("points", "ranges", "bounds", "radii"))
    if (points.ndim, ranges.ndim, bounds.ndim, radii.ndim) != (2, 2, 3, 1) or not points.size:
        raise ValueError("expected points and nodes with bounds")
    balls = len(ranges) if len(bounds) == 1 else 0
    if bounds.shape[1:] != (len(ranges), points.shape[1]) or len(bounds) not in {1, BOXES} or len(radii) != balls:
        raise ValueError(f"expected bounds of {len(ranges)} nodes, got {bounds.shape} and {radii.shape}")
    if {array.dtype.name for array in (points, bounds, radii)} != {"float64"} or ranges.dtype != np.int64:
        raise ValueError("expected float64, and ranges of int64")
    _check_ranges(ranges, len(points), first)


def _check_ranges(ranges: Array, count: int, first: int) -> None:
    if ranges.shape[1] != BOXES or not len(ranges) or not 0 <= first < count:
        raise ValueError(f"expected ranges of two numbers, and the first of {count} points, got {first}")
    start, stop = ranges.T
    has_children = 2 * np.arange(len(ranges)) + 2 < len(ranges)
    if not np.where(start < 0, has_children, (start <= stop) & (stop <= count)).all():
        raise ValueError("a node has children or points that are not there")
