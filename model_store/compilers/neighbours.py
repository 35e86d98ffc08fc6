"""Nearest neighbours of scikit-learn that a KDTree or BallTree finds."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse
from model_store.compilers.numeric.common import chosen, stored
from model_store.nearest.metrics import METRICS, MINKOWSKI
from model_store.nearest.packing import pack

_WEIGHTS = (None, "uniform", "distance")
_TREES = ("kd_tree", "ball_tree")


def _regressor(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    near, order = _near(compilation, estimator, rows)
    values = estimator._y  # noqa: SLF001 - it is said nowhere else
    if values.dtype.kind not in "biuf":
        refuse("what it says are no numbers")
    flat = values.ndim == 1
    kept, turned = stored(_in_order(values.reshape(-1, 1) if flat else values, order))
    dtype = values.dtype.name if near.dtype == "float64" and values.dtype.kind == "f" else "float64"
    settings = {"flat": flat, "turned": turned}
    known: dict[str, Any] = {"form": "vector" if flat else "matrix", "width": 1 if flat else values.shape[1]}
    known["dtype"] = "float64" if estimator.weights == "distance" else dtype
    return {"predict": compilation.add("mean_of_nearest", near, arrays={"values": kept}, settings=settings, **known)}


def _classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    if estimator.outputs_2d_:
        refuse("several labels a row")
    near, order = _near(compilation, estimator, rows, refusing=True)
    width = len(estimator.classes_)
    settings, arrays = {"width": width}, {"labels": estimator._y[order]}  # noqa: SLF001 - it is said nowhere else
    known: dict[str, Any] = {"arrays": arrays, "settings": settings, "width": width, "dtype": "float64"}
    votes = compilation.add("votes_of_nearest", near, **known)
    by_label = compilation.add("votes_by_label", near, **known) if estimator.weights == "distance" else votes
    return {
        "predict": chosen(compilation, by_label, estimator.classes_),
        "predict_proba": compilation.add("proportions", votes),
    }


def _near(compilation: Compilation, estimator: Any, rows: Value, *, refusing: bool = False) -> tuple[Value, Array]:
    """Add the search for the nearest points, and return the order in which it has them."""
    tree = _tree(estimator)
    if rows.form == "sparse":
        refuse("sparse rows")
    rows = compilation.cast(compilation.numbers(rows), "float64")
    arrays, order = pack(tree)
    settings = {
        "count": int(estimator.n_neighbors),
        "metric": str(estimator.effective_metric_),
        "power": float(estimator.effective_metric_params_.get("p", 2)),
        "first": int(np.flatnonzero(order == 0)[0]),
        "weighed": estimator.weights == "distance",
        "refusing": refusing,
    }
    return compilation.add("nearest", rows, arrays=arrays, settings=settings, width=settings["count"]), order


def _tree(estimator: Any) -> Any:
    if estimator._fit_method not in _TREES:  # noqa: SLF001 - it is said nowhere else
        refuse("it compares rows with all points at once (algorithm brute), in products of matrices")
    if estimator.weights not in _WEIGHTS:
        refuse("weights of your own")
    parameters = estimator.effective_metric_params_
    others = {name for name, value in parameters.items() if value is not None} - {"p"}
    if estimator.effective_metric_ not in METRICS or others:
        refuse(f"its metric is {estimator.effective_metric_} with {sorted(others)}")
    if estimator.effective_metric_ != MINKOWSKI and parameters:
        refuse(f"its metric has parameters: {sorted(parameters)}")
    return estimator._tree  # noqa: SLF001 - it is said nowhere else


def _in_order(values: Array, order: Array) -> Array:
    """Return values in another order of rows, which lie in memory as they did."""
    by_column = values.flags.f_contiguous and not values.flags.c_contiguous
    return np.asarray(values[order], order="F" if by_column else "C")


COMPILERS: Mapping[str, Compiler] = {
    "sklearn.neighbors._classification.KNeighborsClassifier": _classifier,
    "sklearn.neighbors._regression.KNeighborsRegressor": _regressor,
}
