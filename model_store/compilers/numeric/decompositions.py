"""Projections on fewer columns: components, random directions, and points that stand for all."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse
from model_store.compilers.numeric.common import function, scaled, stored, weighed


def _components(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    rows = compilation.floats(rows)
    found = weighed(compilation, rows, estimator.components_.T, centre=estimator.mean_)
    if estimator.whiten:
        scale = np.sqrt(estimator.explained_variance_)
        scale[scale < np.finfo(scale.dtype).eps] = np.finfo(scale.dtype).eps
        found = scaled(compilation, found, by=scale)
    return {"transform": found}


def _principal(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    methods, rows = _components(compilation, estimator, rows), compilation.floats(rows)
    precision = estimator.get_precision()
    size, determinant = np.linalg.slogdet(precision)
    minus = 0.5 * (rows.width * math.log(2.0 * np.pi) - (determinant if size > 0 else -np.inf))
    kept, turned = stored(precision)
    arrays = {"mean": estimator.mean_, "precision": kept, "minus": np.asarray(minus)}
    dtype = np.result_type(np.dtype(rows.dtype), estimator.mean_.dtype, precision.dtype).name
    scores = compilation.add(
        "normal", rows, arrays=arrays, settings={"turned": turned}, form="vector", width=1, dtype=dtype
    )
    return {**methods, "score_samples": scores}


def _truncated(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return {"transform": weighed(compilation, compilation.numbers(rows), estimator.components_.T)}


def _random_directions(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return {"transform": weighed(compilation, compilation.floats(rows), estimator.components_.T)}


def _independent(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    rows = compilation.floats(rows)
    rows = scaled(compilation, rows, minus=estimator.mean_) if estimator.whiten else rows
    return {"transform": weighed(compilation, rows, estimator.components_.T)}


def _partial_least_squares(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    moved = scaled(compilation, compilation.floats(rows), minus=estimator._x_mean)  # noqa: SLF001 - only there
    flat = bool(estimator._predict_1d)  # noqa: SLF001
    answer = weighed(compilation, moved, estimator.coef_.T, plus=estimator.intercept_, flat=flat)
    stretched = scaled(compilation, moved, by=estimator._x_std)  # noqa: SLF001
    return {"predict": answer, "transform": weighed(compilation, stretched, estimator.x_rotations_)}


def _fourier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    moved = weighed(compilation, compilation.numbers(rows), estimator.random_weights_, plus=estimator.random_offset_)
    waves = function(compilation, moved, "cos")
    times = np.array((2.0 / estimator.n_components) ** 0.5, waves.dtype)
    return {"transform": scaled(compilation, waves, times=times)}


def _landmarks(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    if estimator.kernel_params:
        refuse("its kernel has other parameters")
    if estimator.n_jobs not in (None, 1):
        refuse("its kernel is computed in parts")
    alike = _similarity(compilation, estimator, rows, estimator.components_)
    return {"transform": weighed(compilation, alike, estimator.normalization_.T)}


def _kernel_ridge(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    alike = _similarity(compilation, estimator, rows, estimator.X_fit_)
    return {"predict": weighed(compilation, alike, estimator.dual_coef_)}


_DEFAULTS = {"degree": 3, "coef0": 1}
"""What the kernels take for parameters that an estimator leaves out."""


def _similarity(compilation: Compilation, estimator: Any, rows: Value, points: Any) -> Value:
    rows = compilation.numbers(rows)
    if np.float32 in (np.dtype(rows.dtype), points.dtype):
        refuse("its kernel takes float32")
    rows = compilation.floats(rows)
    given = {name: getattr(estimator, name) for name in ("gamma", "degree", "coef0")}
    settings = {name: _DEFAULTS.get(name) if value is None else value for name, value in given.items()}
    settings["gamma"] = 1.0 / rows.width if settings["gamma"] is None else settings["gamma"]
    if estimator.kernel not in ("linear", "poly", "polynomial", "sigmoid", "rbf"):
        refuse(f"its kernel is {estimator.kernel}")
    if any(type(value) not in (int, float) for value in settings.values()):
        refuse("a parameter of its kernel is no plain number")
    kept, turned = stored(points)
    return compilation.add(
        "similarity",
        rows,
        arrays={"points": kept},
        settings={**settings, "name": estimator.kernel, "turned": turned},
        dtype="float64",
        width=len(points),
    )


def _centres(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    rows, known = _to_centres(compilation, estimator, rows)
    return {"transform": compilation.add("distances", rows, **known, width=len(estimator.cluster_centers_))}


def _clusters(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    methods = _centres(compilation, estimator, rows)
    rows, known = _to_centres(compilation, estimator, rows)
    nearest = compilation.add("nearest_centre", rows, **{**known, "dtype": "int32"}, form="vector", width=1)
    return {**methods, "predict": nearest}


def _to_centres(compilation: Compilation, estimator: Any, rows: Value) -> tuple[Value, dict[str, Any]]:
    """Return rows as they are compared with centres, and what a step that does so is added with."""
    rows = compilation.floats(rows)
    if np.float32 in (np.dtype(rows.dtype), estimator.cluster_centers_.dtype):
        refuse("distances of float32")
    kept, turned = stored(estimator.cluster_centers_)
    by_row = compilation.add("by_row", rows, finite=True)
    return by_row, {"arrays": {"points": kept}, "settings": {"turned": turned}, "dtype": "float64"}


_MODULE = "sklearn.decomposition"

COMPILERS: Mapping[str, Compiler] = {
    f"{_MODULE}._pca.PCA": _principal,
    f"{_MODULE}._incremental_pca.IncrementalPCA": _components,
    f"{_MODULE}._truncated_svd.TruncatedSVD": _truncated,
    f"{_MODULE}._fastica.FastICA": _independent,
    "sklearn.random_projection.GaussianRandomProjection": _random_directions,
    "sklearn.cross_decomposition._pls.PLSRegression": _partial_least_squares,
    "sklearn.cross_decomposition._pls.PLSCanonical": _partial_least_squares,
    "sklearn.cross_decomposition._pls.CCA": _partial_least_squares,
    "sklearn.kernel_approximation.RBFSampler": _fourier,
    "sklearn.kernel_approximation.Nystroem": _landmarks,
    "sklearn.kernel_ridge.KernelRidge": _kernel_ridge,
    "sklearn.cluster._kmeans.KMeans": _clusters,
    "sklearn.cluster._kmeans.MiniBatchKMeans": _clusters,
    "sklearn.cluster._bisect_k_means.BisectingKMeans": _centres,
}
