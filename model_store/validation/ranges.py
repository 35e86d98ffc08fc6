"""Declared ranges: what lies outside of a column's least and largest number is refused."""

import numpy as np
import numpy.typing as npt

from model_store.batch import Array
from model_store.schema import FLOATS, Column


def limits(column: Column) -> tuple[float, float]:
    """Return the least and the largest number that the column takes, as its own float type holds them.

    They are infinite where nothing is declared. A limit of 0.1 is compared in float32 if the column is: the 0.1 of a
    request is that number too.
    """
    low = -np.inf if column.minimum is None or not column.bounded else column.minimum
    high = np.inf if column.maximum is None or not column.bounded else column.maximum
    if column.dtype in FLOATS:
        of_type = np.dtype(column.dtype).type
        with np.errstate(over="ignore"):
            return float(of_type(low)), float(of_type(high))
    return low, high


def outside(values: Array, low: float | Array, high: float | Array) -> npt.NDArray[np.bool_]:
    """Return where numbers are outside of a range, in the shape of ``values``; NaN is not."""
    found: npt.NDArray[np.bool_] = (values < low) | (values > high)
    return found
