"""The forms that answers take: an estimator's many, and the schema's one."""

from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.schema import NUMBERS

METHODS = ("predict", "predict_proba", "decision_function", "transform", "score_samples")
"""The methods that are outputs, the default answer first: predict, or what comes next for estimators without it."""


def plain(answer: Any) -> Array:
    """Return an estimator's answer (array, list, sparse matrix, DataFrame, Series) as a dense array."""
    if isinstance(answer, np.ndarray):
        return answer
    if hasattr(answer, "toarray"):
        return np.asarray(answer.toarray())
    if hasattr(answer, "to_numpy"):
        return np.asarray(answer.to_numpy())
    return np.asarray(answer)


def as_dtype(array: Array, dtype: str) -> Array:
    """Return the array in a schema's dtype; strings become an object array of str, None for a missing one."""
    if dtype != "string":
        return array.astype(dtype, copy=False)
    if array.dtype.kind != "O":
        return array.astype(str).astype(object)
    flat = [None if is_missing(value) else value if isinstance(value, str) else str(value) for value in array.ravel()]
    texts = np.empty(len(flat), dtype=object)
    texts[:] = flat
    return texts.reshape(array.shape)


def dtype_of(array: Array) -> str:
    """Return the schema's name for an answer's dtype; numbers in object arrays are looked at one by one."""
    if array.dtype.kind == "O":
        guess = np.asarray(array.tolist())
        return dtype_of(guess) if guess.dtype.kind in "biuf" and guess.shape == array.shape else "string"
    if array.dtype.name in (*NUMBERS, "bool"):
        return array.dtype.name
    if array.dtype.kind == "f":
        return "float32" if array.dtype.itemsize < np.dtype("float32").itemsize else "float64"
    return "datetime64[ns]" if array.dtype.kind == "M" else "string"


def is_missing(value: Any) -> bool:
    """Return whether an entry of an object array is missing: None or NaN."""
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124 - NaN alone differs from itself
