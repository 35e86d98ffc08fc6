"""Types, values and places in words, as errors say them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from model_store.missing import is_missing
from model_store.request_errors import Fault, RefusedGap
from model_store.schema import FLOATS, INTEGERS, TIMEDELTAS, Column, Schema

Locate = Callable[[int, int], str]
"""Names a place for people, from a row's index and a column's index in the schema."""

_PRECISION = {"s": " in whole seconds", "ms": " to the millisecond", "us": " to the microsecond"}
_SHOWN = 64
_EXACT = 2**53
_SHOWN_CATEGORIES = 10


def expected(column: Column) -> str:
    """Return the column's type in words, for a fault."""
    if column.closed:
        shown = ", ".join(show(c) for c in column.categories[:_SHOWN_CATEGORIES])
        more = ", …" if len(column.categories) > _SHOWN_CATEGORIES else ""
        words = f"one of {shown}{more}"
    elif column.dtype in FLOATS:
        words = f"a finite number{_range(column)}"
    elif column.dtype in INTEGERS:
        info = np.iinfo(column.dtype)
        words = f"a whole number{_range(column, info.min, info.max)}"
    else:
        words = {"bool": "true or false", "string": "a string"}.get(column.dtype) or _time_in_words(column)
    return words + (" or null" if column.nullable else "")


def misfit(column: Column, location: str, value: Any) -> Fault:
    """Return the fault of a value that the column does not take."""
    gap = is_missing(value)
    kind = RefusedGap if gap and not column.nullable else Fault
    return kind(location, expected(column), show(value if not gap or isinstance(value, float) else None))


def _range(column: Column, least: int | None = None, most: int | None = None) -> str:
    """Return the declared range in words, else that of the type."""
    low = least if column.minimum is None or not column.bounded else column.minimum
    high = most if column.maximum is None or not column.bounded else column.maximum
    if low is None:
        return "" if high is None else f" up to {plain(high)}"
    return f" from {plain(low)}" + ("" if high is None else f" to {plain(high)}")


def plain(number: float) -> str:
    """Return a number as people write it: whole numbers without a point."""
    return str(int(number)) if abs(number) < _EXACT and float(number).is_integer() else str(number)


def _time_in_words(column: Column) -> str:
    precision = _PRECISION.get(column.time_unit, "")
    if column.dtype in TIMEDELTAS:
        return f"an ISO 8601 duration{precision}, such as P1DT2H"
    if column.zone:
        return f"an ISO 8601 date and time{precision} with an offset, such as 2026-01-31T12:00:00+01:00"
    return f"an ISO 8601 date or time{precision}"


def show(value: Any) -> str:
    """Return a value as an error may quote it: as JSON would write it, and cut short."""
    if value is None:
        text = "null"
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, (dict, list, tuple)):
        return "an object" if isinstance(value, dict) else f"a list of {len(value)}"
    elif isinstance(value, str):
        text = f'"{value[:_SHOWN]}{"" if len(value) > _SHOWN else chr(34)}'
    else:
        text = "a huge number" if isinstance(value, int) and abs(value) >= 10**_SHOWN else str(value)
    text = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return text.encode("utf-8", "backslashreplace").decode()  # half of a surrogate pair cannot be written


def rows_of(schema: Schema) -> Locate:
    """Return the usual names of places: the row's number and the column's name."""
    return lambda row, column: f"row {row}, column {schema.columns[column].name}"
