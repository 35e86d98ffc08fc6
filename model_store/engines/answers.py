"""The forms that answers take: an estimator's many, and the schema's one."""

from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.missing import is_missing
from model_store.schema import DATETIMES, NUMBERS

METHODS = ("predict", "predict_proba", "decision_function", "transform", "score_samples")
"""The methods that are outputs, the default answer first: predict, or what comes next for estimators without it."""

NUMBER_TYPES = (bool, int, float, np.bool_, np.integer, np.floating)


def plain(answer: Any) -> Array:
    """Return an estimator's answer (array, list, sparse matrix, DataFrame, Series) as a dense array.

    What a masked array masks is missing.
    """
    if type(answer) is np.ndarray:
        return answer
    if isinstance(answer, np.ma.MaskedArray):
        return _unmasked(answer)
    if hasattr(answer, "toarray"):
        return np.asarray(answer.toarray())
    if hasattr(answer, "to_numpy"):
        return np.asarray(answer.to_numpy())
    return np.asarray(answer)


def _unmasked(answer: Any) -> Array:
    if not np.ma.is_masked(answer):
        return np.asarray(answer.data)
    made: Array = answer.data.astype(object)
    made[answer.mask] = None
    return made


def as_dtype(array: Array, dtype: str) -> Array:
    """Return the array in a schema's dtype as release 0.1.0 cast it: NaN and fractions are lost in integers."""
    return texts(array) if dtype == "string" else array.astype(dtype, copy=False)


def texts(array: Array) -> Array:
    """Return an object array of str, None for a missing one."""
    if array.dtype.kind != "O":
        return array.astype(str).astype(object)
    flat = [None if is_missing(value) else value if isinstance(value, str) else str(value) for value in array.ravel()]
    made = np.empty(len(flat), dtype=object)
    made[:] = flat
    return made.reshape(array.shape)


def dtype_of(array: Array) -> str:
    """Return the schema's name for an answer's dtype; numbers in object arrays are looked at one by one."""
    if array.dtype.kind == "O":
        return _dtype_of_objects(array)
    if array.dtype.name in (*NUMBERS, "bool", *DATETIMES):
        return array.dtype.name
    if array.dtype.kind == "f":
        return "float32" if array.dtype.itemsize < np.dtype("float32").itemsize else "float64"
    return "datetime64[ns]" if array.dtype.kind == "M" else "string"


def _dtype_of_objects(array: Array) -> str:
    listed = array.ravel().tolist()
    found = as_numbers(array)
    if found is None or all(value is None for value in listed):
        return "string"
    is_bool = [isinstance(value, (bool, np.bool_)) for value in listed]
    return dtype_of(found) if all(is_bool) or not any(is_bool) else "string"


def as_numbers(array: Array) -> Array | None:
    """Return an object array as an array of numbers or bools that holds each exactly, NaN for a missing one.

    None if there is no such array.
    """
    listed = [np.nan if is_missing(value) else value for value in array.ravel().tolist()]
    if not all(isinstance(value, NUMBER_TYPES) for value in listed):
        return None
    made = np.array(listed)
    if made.dtype.kind not in "biuf":
        return None
    exact = all(new == old or old != old for new, old in zip(made.tolist(), listed, strict=True))  # noqa: PLR0124 - NaN
    return made.reshape(array.shape) if exact else None
