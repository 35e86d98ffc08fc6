"""From scikit-learn's KDTree or BallTree to arrays that are searched, without a difference in any answer."""

from typing import Any

import numpy as np

from model_store.batch import Array

BOXES = 2


def pack(tree: Any) -> tuple[dict[str, Array], Array]:
    """Return the arrays that ``Points`` searches, and the order in which they have the points that the tree was given.

    ``tree`` is a KDTree or BallTree. The arrays: ``points`` (points, columns), float64, in the order of the leaves;
    ``ranges`` (nodes, 2), int64, the first point of a leaf and the one behind its last, -1 for other nodes; ``bounds``
    (corners or 1, nodes, columns); ``radii`` (nodes,) of balls, (0,) of boxes.
    """
    data, order, nodes, bounds = (np.asarray(array) for array in tree.get_arrays())
    ranges = np.stack([nodes["idx_start"], nodes["idx_end"]], axis=1).astype(np.int64)
    ranges[_split(nodes["is_leaf"])] = -1
    radii = np.zeros(0) if len(bounds) == BOXES else nodes["radius"]
    arrays = {"points": data[order], "ranges": ranges, "bounds": bounds, "radii": radii}
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}, order


def _split(is_leaf: Array) -> Array:
    """Return which nodes have children. What is below a leaf is never reached, and may say that it has some."""
    return np.asarray((is_leaf == 0) & (2 * np.arange(len(is_leaf)) + BOXES < len(is_leaf)))
