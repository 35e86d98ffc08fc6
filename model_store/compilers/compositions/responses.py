"""What an estimator asks of the ones inside it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import is_regressor

from model_store.compilers.compilation import Compilation, Methods, Value, refuse

_NUMBERS = "biuf"
_TWO = 2


def asked(estimator: Any, methods: Sequence[str]) -> str:
    """Return the first of some methods that a fitted estimator has. Raises NotCompiled if it has none."""
    found = next((name for name in methods if hasattr(estimator, name)), "")
    return found or refuse(f"{type(estimator).__name__} has none of {', '.join(methods)}")


def answer(compiled: Methods, method: str) -> Value:
    """Return what a method answers. Raises NotCompiled if there are no steps for it."""
    return compiled[method] if method in compiled else refuse(f"there are no steps for {method}")


def labels(compiled: Methods, estimator: Any) -> Value:
    """Return what a classifier's ``predict`` answers, as values of its labels' dtype."""
    dtype = estimator.classes_.dtype
    return replace(answer(compiled, "predict"), dtype=dtype.name if dtype.kind in _NUMBERS else "object")


def numbers(compiled: Methods, estimator: Any) -> Value:
    """Return what ``predict`` answers. Raises NotCompiled for labels that are no numbers."""
    if not hasattr(estimator, "classes_"):
        return answer(compiled, "predict")
    if np.asarray(estimator.classes_).dtype.kind not in _NUMBERS:
        refuse("labels that are no numbers are used as numbers")
    return labels(compiled, estimator)


def score(compilation: Compilation, compiled: Methods, estimator: Any, method: str, positive: Any = None) -> Value:
    """Return a classifier's ``decision_function`` or ``predict_proba``: of two classes, the score of one as a vector.

    That is the ``positive`` one, the second if it is None.
    """
    found = answer(compiled, method)
    if len(estimator.classes_) != _TWO:
        return found
    place = 1 if positive is None else int(np.flatnonzero(estimator.classes_ == positive)[0])
    if method == "predict_proba":
        return nth_column(compilation, found, place)
    return found if place else compilation.add("times", found, settings={"by": -1})


def nth_column(compilation: Compilation, value: Value, place: int) -> Value:
    """Return one column of a matrix as a vector."""
    return compilation.add("one_column", value, settings={"column": place}, form="vector", width=1)


def binary_score(compilation: Compilation, compiled: Methods, estimator: Any) -> Value:
    """Return one number a row: how much a regressor or a classifier of two classes is for the second."""
    if is_regressor(estimator):
        return answer(compiled, "predict")
    if hasattr(estimator, "decision_function"):
        return flat(compilation, answer(compiled, "decision_function"))
    return nth_column(compilation, answer(compiled, "predict_proba"), 1)


def flat(compilation: Compilation, value: Value) -> Value:
    """Return a matrix of one column as a vector; a vector as it is."""
    if value.form == "vector":
        return value
    return compilation.add("reshaped", value, settings={"shape": [-1]}, form="vector", width=1)


def as_columns(compilation: Compilation, value: Value) -> Value:
    """Return a vector as a matrix of one column; all else as a matrix."""
    if value.form != "vector":
        return compilation.dense(value)
    return compilation.add("reshaped", value, settings={"shape": [-1, 1]}, form="matrix", width=1)


def beside(compilation: Compilation, values: Sequence[Value]) -> Value:
    """Return matrices and vectors as one matrix, from left to right."""
    parts = [as_columns(compilation, value) for value in values]
    known: Mapping[str, Any] = {"dtype": common_dtype(parts), "width": sum(part.width for part in parts)}
    return compilation.add("beside", *parts, form="matrix", **known)


def common_dtype(values: Sequence[Value]) -> str:
    """Return the dtype that NumPy gives to numbers of several. Raises NotCompiled for texts."""
    dtypes = [np.dtype(value.dtype) for value in values]
    if any(dtype.kind not in _NUMBERS for dtype in dtypes):
        refuse("numbers and texts are put together")
    return str(np.result_type(*dtypes))
