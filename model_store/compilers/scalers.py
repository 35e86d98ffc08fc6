"""Scalers of scikit-learn."""

from collections.abc import Mapping
from typing import Any

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value


def _standard(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    rows = compilation.floats(rows, nan=True)
    arrays = {}
    if estimator.with_mean:
        arrays["minus"] = estimator.mean_.astype(rows.dtype)
    if estimator.with_std:
        arrays["by"] = estimator.scale_.astype(rows.dtype)
    return {"transform": compilation.add("scale", rows, arrays=arrays) if arrays else rows}


COMPILERS: Mapping[str, Compiler] = {"sklearn.preprocessing._data.StandardScaler": _standard}
