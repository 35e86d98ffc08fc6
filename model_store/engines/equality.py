"""When two answers are equal: to the last bit among engines, within rounding across processors and batch sizes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.missing import is_missing
from model_store.reference.golden import Golden

FLOAT64_TOLERANCE = 1e-9
FLOAT32_TOLERANCE = 1e-5


def identical(one: Array, other: Array) -> bool:
    """Return whether two arrays have the same dtype, shape and values, bit for bit; NaN equals NaN."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype == object:
        return bool(np.all([a is b or a == b for a, b in zip(one.flat, other.flat, strict=True)]))
    return one.tobytes() == other.tobytes()


def same(a: Array, b: Array, tolerance: float = 0.0) -> bool:
    """Return whether two answers are equal for golden replay.

    Shapes and kinds must agree. Strings, bools, integers and datetimes must be equal; missing equals missing. Floats
    may differ by rounding that another processor or batch size brings: 1e-9 (float64) or 1e-5 (float32), or
    ``tolerance`` if that is more, relative to each value and to the largest magnitude in the array.
    """
    if a.shape != b.shape or a.dtype.kind != b.dtype.kind:
        return False
    if a.dtype.kind == "O":
        return bool(all(_same_object(x, y) for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)))
    if a.dtype.kind == "f":
        allowed = max(tolerance, default_tolerance(a), default_tolerance(b))
        return bool(np.allclose(a, b, rtol=allowed, atol=allowed * _scale(a), equal_nan=True))
    return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "M"))


def unlike(given: Mapping[str, Array], golden: Golden) -> str:
    """Return the first output whose answers are not the golden ones, or are not given; empty if all are the same."""
    for name, stored in golden.answers.items():
        if name not in given or not same(given[name], stored, golden.tolerance(name)):
            return name
    return ""


def default_tolerance(answer: Array) -> float:
    """Return how far answers of that dtype may differ by rounding alone, relative to their magnitude."""
    if answer.dtype.kind != "f":
        return 0.0
    return FLOAT32_TOLERANCE if answer.dtype.itemsize < np.dtype("float64").itemsize else FLOAT64_TOLERANCE


def distances(a: Array, b: Array) -> Array:
    """Return for each row of two answers of one shape how far they are apart, as ``same`` measures it, as float64.

    It is infinite where values differ that cannot differ by rounding.
    """
    furthest: Array = _apart(a, b).reshape(len(a), -1).max(axis=1, initial=0.0)
    return furthest


def _apart(a: Array, b: Array) -> Array:
    if a.dtype.kind == "f":
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            apart = np.where(_alike(a, b), 0.0, np.abs(a - b) / (np.abs(b) + _scale(a)))
        return np.where(np.isnan(apart), np.inf, apart)
    return np.where(_alike(a, b), 0.0, np.inf)


def _alike(a: Array, b: Array) -> Array:
    if a.dtype.kind == "O":
        pairs = zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)
        return np.array([_same_object(x, y) for x, y in pairs], dtype=bool).reshape(a.shape)
    return np.asarray((a == b) | ((a != a) & (b != b)))  # noqa: PLR0124 - NaN and NaT alone differ from themselves


def _scale(a: Array) -> float:
    finite = np.abs(a[np.isfinite(a)])
    return float(finite.max()) if finite.size else 0.0


def _same_object(a: Any, b: Any) -> bool:
    return bool(a == b) or (is_missing(a) and is_missing(b))
