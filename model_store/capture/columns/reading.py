"""What a sample's column becomes: a schema's column, and its values as a batch holds them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from model_store.batch import Array
from model_store.errors import BadSample
from model_store.missing import numbers
from model_store.schema import DTYPES, NUMBERS, Column

Read = tuple[Column, Array]


def read_numbers(name: str, values: Array, **held: Any) -> Read:
    """Read an array of numbers; of those that no schema has, such as float16, the next wider."""
    dtype, extension = values.dtype.name, ""
    if dtype not in NUMBERS:  # float16 and long double
        dtype, extension = ("float32" if values.dtype.itemsize < np.dtype("f4").itemsize else "float64"), dtype
    made = values.astype(dtype, copy=False)
    low, high = _range(made)
    nullable = made.dtype.kind == "f" and bool(np.isnan(made).any())
    return Column(name, dtype, nullable, low, high, **{"extension": extension, **held}), made


def read_whole(name: str, dtype: str, raw: Array, gone: Array, **held: Any) -> Read:
    """Read whole numbers, of which some are ``gone``: then as objects, so that they stay whole."""
    if not gone.any():
        return read_numbers(name, raw.astype(dtype), **held)
    made = object_array([None if absent else int(value) for value, absent in zip(raw.tolist(), gone, strict=True)])
    low, high = _range(numbers(made))
    return Column(name, dtype, nullable=True, minimum=low, maximum=high, **held), made


def bools(raw: Array, missing: Array) -> Array:
    """Return bools: objects with None if some are missing."""
    return opened(raw, missing) if missing.any() else raw.astype(bool)


def opened(raw: Array, missing: Array) -> Array:
    """Return the values as objects, with None for what is missing."""
    made: Array = raw.astype(object)
    made[missing] = None
    return made


def time_dtype(name: str, dtype: np.dtype[Any]) -> str:
    """Return the schema's dtype of times or durations. Raises BadSample for a unit that it has not."""
    if dtype.name not in DTYPES:
        raise unfit(name, f"is of type {dtype}: use seconds, milliseconds, microseconds or nanoseconds")
    return dtype.name


def zone_name(name: str, zone: str) -> str:
    """Return a time zone's name. Raises BadSample if it has none that reads back."""
    try:
        pd.DatetimeIndex([], tz="UTC").tz_convert(zone)
    except Exception as error:
        raise unfit(
            name, f"has the time zone {zone!r}, which no name stands for: convert it to a named zone"
        ) from error
    return zone


def object_array(values: Sequence[Any]) -> Array:
    """Return a 1-D array of objects, lists among them too."""
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def unfit(name: str, words: str) -> BadSample:
    """Return the error for a column that no request can carry."""
    return BadSample(f"column {name!r} {words}")


def _range(values: Array) -> tuple[float | None, float | None]:
    there = values[np.isfinite(values)]
    return (float(there.min()), float(there.max())) if len(there) else (None, None)
