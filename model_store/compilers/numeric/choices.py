"""Columns chosen, and functions of numbers."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils import check_array

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse
from model_store.compilers.numeric.common import function, ufunc_name

_MODULE = "sklearn.feature_selection"


def _selector(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    if rows.form != "sparse":
        rows = compilation.matrix(rows)
    if not estimator.__sklearn_tags__().input_tags.allow_nan:
        rows = compilation.numbers(rows)
    columns = np.flatnonzero(estimator.get_support())
    if not len(columns):
        refuse("no column is chosen")
    kind = "sparse_pick" if rows.form == "sparse" else "pick"
    arrays, settings = {"columns": columns}, {"width": rows.width} if rows.form == "sparse" else {}
    return {"transform": compilation.add(kind, rows, arrays=arrays, settings=settings, width=len(columns))}


def _elimination(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    chosen = _selector(compilation, estimator, rows)
    return {**compilation.compile(estimator.estimator_, chosen["transform"]), **chosen}


def _function(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    if estimator.validate:
        rows = compilation.numbers(rows)
    if estimator.func is None:
        return {"transform": rows}
    if _only_casts(estimator.func):
        return {"transform": compilation.cast(rows, "float64")}
    name = ufunc_name(estimator.func) or refuse("its function is none of NumPy's that take one array")
    if estimator.kw_args or len({column.dtype for column in rows.columns}) > 1:
        refuse("its function takes more than the rows, or columns of several types")
    rows = compilation.matrix(rows)
    return {"transform": function(compilation, rows, name, estimator.func(np.ones(1, rows.dtype)).dtype.name)}


def _only_casts(given: Any) -> bool:
    """Return whether a function is how histogram gradient boosting takes its columns that are no categories."""
    if not isinstance(given, partial) or given.func is not check_array or given.args:
        return False
    return dict(given.keywords) == {"dtype": [np.float64], "ensure_all_finite": False}


_SELECTORS = (
    "_variance_threshold.VarianceThreshold",
    "_univariate_selection.SelectKBest",
    "_univariate_selection.SelectPercentile",
    "_univariate_selection.SelectFpr",
    "_univariate_selection.SelectFdr",
    "_univariate_selection.SelectFwe",
    "_univariate_selection.GenericUnivariateSelect",
    "_from_model.SelectFromModel",
    "_sequential.SequentialFeatureSelector",
)

COMPILERS: Mapping[str, Compiler] = {
    **{f"{_MODULE}.{name}": _selector for name in _SELECTORS},
    f"{_MODULE}._rfe.RFE": _elimination,
    f"{_MODULE}._rfe.RFECV": _elimination,
    "sklearn.preprocessing._function_transformer.FunctionTransformer": _function,
}
