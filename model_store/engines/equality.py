"""When two answers are equal: to the last bit among engines, within rounding across processors and batch sizes."""

from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.engines.answers import is_missing

FLOAT64_TOLERANCE = 1e-9
FLOAT32_TOLERANCE = 1e-5


def identical(one: Array, other: Array) -> bool:
    """Return whether two arrays have the same dtype, shape and values, bit for bit; NaN equals NaN."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype == object:
        return bool(np.all([a is b or a == b for a, b in zip(one.flat, other.flat, strict=True)]))
    return one.tobytes() == other.tobytes()


def same(a: Array, b: Array) -> bool:
    """Return whether two answers are equal for golden replay.

    Shapes and kinds must agree. Strings, bools, integers and datetimes must be equal; missing equals missing. Floats
    may differ by rounding that another processor or batch size brings: 1e-9 (float64) or 1e-5 (float32), relative to
    each value and to the largest magnitude in the array.
    """
    if a.shape != b.shape or a.dtype.kind != b.dtype.kind:
        return False
    if a.dtype.kind == "O":
        return bool(all(_same_object(x, y) for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)))
    if a.dtype.kind == "f":
        return _close(a, b)
    return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "M"))


def _close(a: Array, b: Array) -> bool:
    half = min(a.dtype.itemsize, b.dtype.itemsize) < np.dtype("float64").itemsize
    tolerance = FLOAT32_TOLERANCE if half else FLOAT64_TOLERANCE
    finite = np.abs(a[np.isfinite(a)])
    scale = float(finite.max()) if finite.size else 0.0
    return bool(np.allclose(a, b, rtol=tolerance, atol=tolerance * scale, equal_nan=True))


def _same_object(a: Any, b: Any) -> bool:
    return bool(a == b) or (is_missing(a) and is_missing(b))
