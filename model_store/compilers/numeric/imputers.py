"""Missing numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.compilers.columns.imputed_texts import impute_texts, is_text
from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse


def _missing(estimator: Any) -> float | int | None:
    """Return what stands for a missing number, None for NaN. Raises NotCompiled for what is no plain number."""
    missing = estimator.missing_values
    if type(missing) not in (int, float):
        refuse(f"missing values are {missing!r}")
    return None if missing != missing else missing  # noqa: PLR0124 - NaN alone differs from itself


def _simple(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    if is_text(rows):
        return impute_texts(estimator, rows)
    missing, any_kind = _missing(estimator), estimator.strategy in ("most_frequent", "constant")
    if estimator._fit_dtype.kind not in "iuf" or estimator.strategy not in _STRATEGIES:  # noqa: SLF001
        refuse("it was fitted on texts, or has a strategy of its own")
    rows = (compilation.numbers if any_kind else compilation.floats)(rows, nan=missing is None)
    fill, kept = _fill(estimator, np.dtype(rows.dtype))
    arrays = {"with": fill} if kept is None else {"with": fill, "kept": kept}
    indicated = np.asarray(estimator.indicator_.features_ if estimator.add_indicator else [], np.intp)
    if len(indicated) < rows.width:
        arrays["indicated"] = indicated
    return {
        "transform": compilation.add(
            "fill",
            rows,
            arrays=arrays,
            settings={"missing": missing, "indicate": bool(estimator.add_indicator)},
            width=len(fill) + len(indicated),
            dtype=rows.dtype,
            finite=bool(np.isfinite(fill).all()),
        )
    }


_STRATEGIES = ("mean", "median", "most_frequent", "constant")


def _fill(estimator: Any, dtype: np.dtype[Any]) -> tuple[Array, Array | None]:
    """Return what is filled in, and into which columns; None for all. Raises NotCompiled."""
    known = estimator._fill_dtype  # noqa: SLF001 - it is said nowhere else
    if dtype.kind == "b" or not np.can_cast(known, dtype, casting="same_kind"):
        refuse(f"what is filled in is {known}, and the numbers are {dtype}")
    statistics = np.asarray(estimator.statistics_)
    empty = np.array([value != value for value in statistics.tolist()])  # noqa: PLR0124 - NaN alone differs
    if estimator.keep_empty_features or not empty.any():
        return statistics.astype(known).astype(dtype), None
    return statistics[~empty].astype(known).astype(dtype), np.flatnonzero(~empty)


def _indicator(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    missing = _missing(estimator)
    if estimator.sparse is True:
        refuse("a sparse answer")
    rows = compilation.numbers(rows, nan=missing is None)
    if rows.dtype == "bool":
        refuse("bools")
    some = estimator.features == "missing-only"
    features = np.asarray(estimator.features_, np.intp)
    arrays = {"indicated": features} if some and len(features) < rows.width else {}
    settings = {
        "missing": missing,
        "width": rows.width,
        "error_on_new": bool(some and estimator.error_on_new and arrays),
    }
    found = compilation.add(
        "missing", rows, arrays=arrays, settings=settings, dtype="bool", width=len(features), finite=True
    )
    return {"transform": found}


COMPILERS: Mapping[str, Compiler] = {
    "sklearn.impute._base.SimpleImputer": _simple,
    "sklearn.impute._base.MissingIndicator": _indicator,
}
