"""Scalers of scikit-learn."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse
from model_store.compilers.numeric.common import scaled

_MODULE = "sklearn.preprocessing._data"


def _standard(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    if rows.form == "sparse":
        return {"transform": over_columns(compilation, rows, estimator.scale_ if estimator.with_std else None)}
    rows = compilation.floats(rows, nan=True)
    arrays = {}
    if estimator.with_mean:
        arrays["minus"] = estimator.mean_.astype(rows.dtype)
    if estimator.with_std:
        arrays["by"] = estimator.scale_.astype(rows.dtype)
    return {"transform": scaled(compilation, rows, **arrays)}


def over_columns(compilation: Compilation, rows: Value, by: Any) -> Value:
    """Divide the numbers of sparse rows, each by that of its column: as SciPy does, multiply by one over it."""
    if rows.dtype != "float64" or not rows.finite:
        refuse("sparse rows that are no finite numbers of float64")
    return rows if by is None else compilation.add("sparse_times", rows, arrays={"times": 1 / by})


def _min_max(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    rows = compilation.floats(rows, nan=True)
    moved = scaled(compilation, rows, times=estimator.scale_, plus=estimator.min_)
    return {"transform": _clipped(compilation, moved, *estimator.feature_range) if estimator.clip else moved}


def _max_abs(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    if rows.form == "sparse" and not estimator.clip:
        return {"transform": over_columns(compilation, rows, estimator.scale_)}
    moved = scaled(compilation, compilation.floats(rows, nan=True), by=estimator.scale_)
    return {"transform": _clipped(compilation, moved, -1.0, 1.0) if estimator.clip else moved}


def _clipped(compilation: Compilation, values: Value, least: float, most: float) -> Value:
    arrays = {"least": np.array(least, values.dtype), "most": np.array(most, values.dtype)}
    return compilation.add("clip", values, arrays=arrays)


def _robust(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    arrays = {}
    if estimator.with_centering:
        arrays["minus"] = estimator.center_
    if estimator.with_scaling:
        arrays["by"] = estimator.scale_
    return {"transform": scaled(compilation, compilation.floats(rows, nan=True), **arrays)}


def _normalizer(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return {"transform": compilation.add("normalise", compilation.floats(rows), settings={"norm": estimator.norm})}


def _binarizer(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return {"transform": binarised(compilation, compilation.numbers(rows), estimator.threshold)}


def binarised(compilation: Compilation, rows: Value, threshold: Any) -> Value:
    """Add 1 where a number is above the threshold, else 0. Raises NotCompiled for thresholds of other types."""
    if rows.form == "sparse":
        refuse("sparse rows")
    if type(threshold) not in (int, float):
        refuse(f"a threshold of type {type(threshold).__name__}")
    return compilation.add("binarise", rows, settings={"than": float(threshold)}, finite=True)


COMPILERS: Mapping[str, Compiler] = {
    f"{_MODULE}.StandardScaler": _standard,
    f"{_MODULE}.MinMaxScaler": _min_max,
    f"{_MODULE}.MaxAbsScaler": _max_abs,
    f"{_MODULE}.RobustScaler": _robust,
    f"{_MODULE}.Normalizer": _normalizer,
    f"{_MODULE}.Binarizer": _binarizer,
}
