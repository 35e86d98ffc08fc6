"""Columns of Python objects: all text, all bools, all whole numbers, all numbers or all times."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from model_store.capture.columns.reading import (
    Read,
    bools,
    opened,
    read_numbers,
    read_whole,
    time_dtype,
    unfit,
    zone_name,
)
from model_store.schema import Column, Missing

_WHOLE = (int, np.integer)
_NUMBERS = (int, float, np.integer, np.floating)
_BOOLS = (bool, np.bool_)


def read_objects(name: str, series: "pd.Series[Any]") -> Read:
    """Read a column of objects. Raises BadSample if they are of several kinds, or of one that no request carries."""
    raw, missing = series.to_numpy(dtype=object), series.isna().to_numpy()
    kinds = {type(value) for value in raw[~missing].tolist()}
    held: dict[str, Any] = {"held": "object", "missing": _marker(raw[missing].tolist())}
    if all(issubclass(kind, str) for kind in kinds):
        return Column(name, "string", bool(missing.any()), **held), _texts(name, raw, missing)
    if all(issubclass(kind, _BOOLS) for kind in kinds):
        return Column(name, "bool", bool(missing.any()), **held), bools(raw, missing)
    if not any(issubclass(kind, _BOOLS) for kind in kinds):
        if all(issubclass(kind, _WHOLE) for kind in kinds):
            return read_whole(name, _width(name, raw[~missing].tolist()), raw, missing, **held)
        if all(issubclass(kind, _NUMBERS) for kind in kinds):
            return read_numbers(name, _floats(raw, missing), **held)
    return _times(name, series, kinds, held)


def _texts(name: str, raw: "np.ndarray[Any, Any]", missing: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    there = [str(value) for value in raw[~missing].tolist()]
    try:
        "".join(there).encode()
    except UnicodeEncodeError as error:
        raise unfit(name, f"holds text that is no Unicode, such as half of a surrogate pair: {error.reason}") from error
    made = opened(raw, missing)
    made[~missing] = there
    return made


def _times(name: str, series: "pd.Series[Any]", kinds: set[type], held: Mapping[str, Any]) -> Read:
    known = next((named for named, kind in _TIME_OBJECTS if kinds == {kind}), None)
    if known is None:
        words = ", ".join(sorted(kind.__name__ for kind in kinds)[:4])
        raise unfit(
            name,
            f"holds values of type {words}: expected text, bools, numbers or times alone. Make them of one type before "
            "the estimator is fitted, such as text by astype(str)",
        )
    try:
        made: Any = pd.to_timedelta(series) if known.lower() == "timedelta" else pd.to_datetime(series)
        named = zone_name(name, str(made.dt.tz)) if isinstance(made.dtype, pd.DatetimeTZDtype) else ""
        values = (made.dt.tz_convert(None) if named else made).to_numpy()
    except (ValueError, TypeError, AttributeError) as error:
        raise unfit(name, f"holds times that cannot be read: {error}") from error
    nullable = bool(np.isnat(values).any())
    return Column(name, time_dtype(name, values.dtype), nullable, zone=named, extension=known, **held), values


def _width(name: str, whole: Sequence[Any]) -> str:
    low, high = min(whole, default=0), max(whole, default=0)
    for dtype in ("int64", "uint64"):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return dtype
    raise unfit(name, "holds whole numbers beyond 64 bits: turn them into text")


def _floats(raw: "np.ndarray[Any, Any]", missing: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    made = raw.copy()
    made[missing] = np.nan
    return made.astype(np.float64)


def _marker(gaps: Sequence[Any]) -> Missing:
    """Return which marker of a missing value most of the column's gaps have."""
    return max(_MARKERS, key=lambda marker: sum(_MARKERS[marker](gap) for gap in gaps))


_TIME_OBJECTS: tuple[tuple[str, type], ...] = (
    ("Timestamp", pd.Timestamp),
    ("datetime", dt.datetime),
    ("date", dt.date),
    ("Timedelta", pd.Timedelta),
    ("timedelta", dt.timedelta),
)
_MARKERS: Mapping[Missing, Callable[[Any], bool]] = {
    "nan": lambda gap: isinstance(gap, float),
    "none": lambda gap: gap is None,
    "na": lambda gap: gap is pd.NA,
    "nat": lambda gap: gap is pd.NaT,
}
