"""scikit-learn's own tree kernels, called on nodes that are made here. Imported only without the extension."""

from collections.abc import Callable, Mapping

import numpy as np
from sklearn.ensemble._hist_gradient_boosting._predictor import _predict_from_raw_data
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.tree._tree import NODE_DTYPE, Tree

from model_store.batch import Array
from model_store.trees.nodes import CATEGORIES

Nodes = Mapping[str, Array]
"""One array each: left, right (-1 in leaves), feature, threshold, missing_left, categorical, number."""
Kernel = Callable[[Array], Array]
"""Takes rows, C-contiguous; returns the leaf number that each reaches, as int32."""


def of_float32(nodes: Nodes, _sets: Array, features: int) -> Kernel:
    """Return a kernel for rows of float32: the one of scikit-learn's trees and forests."""
    made = np.zeros(len(nodes["left"]), NODE_DTYPE)
    made["left_child"], made["right_child"] = nodes["left"], nodes["right"]
    made["feature"], made["threshold"] = nodes["feature"], nodes["threshold"]
    made["missing_go_to_left"] = nodes["missing_left"]
    tree = Tree(features, np.ones(1, np.intp), 1)
    values = np.zeros((len(made), 1, 1))
    tree.__setstate__({"max_depth": 0, "node_count": len(made), "nodes": made, "values": values})
    numbers = nodes["number"].astype(np.int32)
    return lambda rows: numbers.take(tree.apply(rows))


def of_float64(nodes: Nodes, sets: Array, features: int) -> Kernel:
    """Return a kernel for rows of float64: the one of histogram gradient boosting, whose leaves hold their numbers."""
    made = np.zeros(len(nodes["left"]), PREDICTOR_RECORD_DTYPE)
    made["left"], made["right"] = np.maximum(nodes["left"], 0), np.maximum(nodes["right"], 0)
    made["is_leaf"], made["value"] = nodes["left"] < 0, nodes["number"]
    made["feature_idx"], made["num_threshold"] = nodes["feature"], nodes["threshold"]
    made["missing_go_to_left"], made["is_categorical"] = nodes["missing_left"], nodes["categorical"]
    made["bitset_idx"] = np.where(nodes["categorical"], nodes["number"], 0)
    left, known = (~sets).view(np.uint32), np.full((1, 8), 0xFFFFFFFF, np.uint32)
    places = np.zeros(features, np.uint32)
    by_category = np.unique(nodes["feature"][nodes["categorical"]])

    def kernel(rows: Array) -> Array:
        out = np.empty(len(rows))
        _predict_from_raw_data(made, _known_only(rows, by_category), left, known, places, 1, out)
        return out.astype(np.int32)

    return kernel


def _known_only(rows: Array, by_category: Array) -> Array:
    """Return the rows with NaN for what is no category, which the kernel would take for another one."""
    if not len(by_category):
        return rows
    rows = rows.copy()
    values = rows[:, by_category]
    rows[:, by_category] = np.where((values >= 0) & (values < CATEGORIES), values, np.nan)
    return rows
