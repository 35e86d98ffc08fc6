"""One value at a time: the path of dates, of the unusual, and of faults."""

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.schema import DATETIMES, FLOATS, TIMEDELTAS, Column
from model_store.validation.ranges import limits

_NUMBERS = frozenset({int, float})
_DURATION = re.compile(
    r"-?P(?:-?\d{1,9}D)?(?:T(?:\d{1,9}H)?(?:\d{1,9}M)?(?:\d{1,9}(?:\.\d{1,9})?S)?)?"
    r"|-?\d{1,9} days?(?: [+-]?\d\d:\d\d:\d\d(?:\.\d{1,9})?)?",
    re.ASCII,
)
_ISO_8601 = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d(?::?\d\d(?::?\d\d(?:[.,]\d{1,9})?)?)?(?:Z|[+-]\d\d:?(?:\d\d)?)?)?", re.ASCII
)


def converter(column: Column) -> Callable[[Column, Any], Any]:
    """Return what makes a value of the column's dtype of a value that is there, or None of one that does not fit."""
    convert = _CONVERTERS.get(column.dtype, _float if column.dtype in FLOATS else _integer)
    return _within(convert, *limits(column)) if column.bounded else convert


def _within(convert: Callable[[Column, Any], Any], low: float, high: float) -> Callable[[Column, Any], Any]:
    def within(column: Column, value: Any) -> Any:
        number = convert(column, value)
        return number if number is not None and low <= number <= high else None

    return within


def listed(values: Array) -> list[Any]:
    """Return an array of strings, dates or objects as a list of plain Python values; dates stay NumPy's."""
    if values.dtype.kind in "Mm":
        return list(values)
    listed: list[Any] = values.tolist()
    return [value.item() if isinstance(value, (np.number, np.bool_, np.str_)) else value for value in listed]


def _float(column: Column, value: Any) -> float | None:
    if type(value) not in _NUMBERS:
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    if column.dtype == "float32":
        with np.errstate(over="ignore"):
            number = float(np.float32(number))
    return number if math.isfinite(number) else None


def _integer(column: Column, value: Any) -> int | None:
    if type(value) is float and value.is_integer():
        value = int(value)
    info = np.iinfo(column.dtype)
    return value if type(value) is int and info.min <= value <= info.max else None


def _bool(_column: Column, value: Any) -> bool | None:
    return value if type(value) is bool else None


def _string(_column: Column, value: Any) -> str | None:
    return value if type(value) is str else None


def _datetime(column: Column, value: Any) -> np.datetime64 | None:
    """Read a date or time, taken to UTC. It has to fit the column's unit: no fraction is cut off.

    One that was written without an offset is in UTC, and says too little for a column with a zone.
    """
    import pandas as pd  # here, because few models take dates

    written = isinstance(value, str) and _ISO_8601.fullmatch(value)
    if not written and not isinstance(value, (np.datetime64, dt.date)):
        return None
    try:
        stamp = pd.Timestamp(value)
        if column.zone and stamp.tzinfo is None and not isinstance(value, np.datetime64):
            return None
        stamp = stamp.tz_convert(None) if stamp.tzinfo else stamp
        return stamp.as_unit(column.time_unit, round_ok=False).to_datetime64()
    except (ValueError, OverflowError):
        return None


def _timedelta(column: Column, value: Any) -> np.timedelta64 | None:
    """Read a duration, as ISO 8601 or as pandas writes it. It has to fit the column's unit: no fraction is cut off."""
    import pandas as pd  # here, because few models take durations

    written = isinstance(value, str) and _DURATION.fullmatch(value)
    if not written and not isinstance(value, (np.timedelta64, dt.timedelta)):
        return None
    try:
        return pd.Timedelta(value).as_unit(column.time_unit, round_ok=False).to_timedelta64()
    except (ValueError, OverflowError):
        return None


_CONVERTERS: Mapping[str, Callable[[Column, Any], Any]] = {
    "bool": _bool,
    "string": _string,
    **dict.fromkeys(DATETIMES, _datetime),
    **dict.fromkeys(TIMEDELTAS, _timedelta),
}
