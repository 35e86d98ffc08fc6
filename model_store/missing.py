"""Missing values, among those that a batch holds for a column, and among those of a request."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def gaps(values: Array) -> Array:
    """Return which of a batch's values are missing: None, NaN or NaT."""
    if values.dtype.kind == "O":
        return np.fromiter((value is None for value in values.tolist()), bool, len(values))
    return np.asarray(values != values)  # noqa: PLR0124 - NaN and NaT alone differ from themselves


def numbers(values: Array) -> Array:
    """Return whole numbers with gaps, objects, as float64 with NaN; other values as they are."""
    if values.dtype.kind != "O":
        return values
    return np.array([np.nan if value is None else value for value in values.tolist()], dtype=np.float64)


def with_gap(values: Array) -> Array:
    """Return a column's values with a gap in place of the first: NaN, NaT, or None among objects."""
    made = values.astype(values.dtype if values.dtype.kind in "fmM" else object)
    made[0] = None
    return made


def is_missing(value: Any) -> bool:
    """Return whether it is None, NaN, or what NumPy and pandas have for missing."""
    if value is None:
        return True
    if isinstance(value, (float, np.floating)):
        return math.isnan(value)
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    return type(value).__name__ in {"NAType", "NaTType"}
