"""The values of a batch as pandas held them when the estimator was fitted: encoders tell None from NaN, "3" from "3.0".

``model_store.capture.columns.table`` reads a sample the other way round.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from model_store.missing import Array, gaps, numbers
from model_store.remembered import remembered
from model_store.schema import FLOATS, INTEGERS, Column

ARROW, SPARSE = "arrow:", "sparse:"
"""How the names of Arrow's and of sparse dtypes begin in a column's ``extension``."""
TIMES: Mapping[str, Callable[[Any], Any]] = {
    "Timestamp": lambda index: index.astype(object).to_numpy(),
    "datetime": lambda index: index.to_pydatetime(),
    "date": lambda index: [time.date() for time in index],
}
"""Objects that datetimes may be held as, by the name in ``extension``, and how they are made of a DatetimeIndex."""


def held(column: Column, values: Array) -> Any:
    """Return a column's values as the estimator's frame has them: a new array, never the batch's own.

    ``values`` is what a Batch holds for the column, a 1-D array.
    """
    return _HOLDERS[column.held](column, values)


def labels(columns: tuple[Column, ...]) -> list[str | int]:
    """Return the labels of the frame's columns."""
    return [column.name if column.label is None else column.label for column in columns]


def _array(column: Column, values: Array) -> Any:
    if column.zone:
        return _datetimes(column, values)
    if column.dtype in INTEGERS:
        values = numbers(values)
    return values.astype(column.extension) if column.extension else values.copy()


def _datetimes(column: Column, values: Array) -> pd.DatetimeIndex:
    index = pd.DatetimeIndex(values)
    return index.tz_localize("UTC").tz_convert(column.zone) if column.zone else index


def _str(_column: Column, values: Array) -> Any:
    return pd.array(values, dtype="str")


def _object(column: Column, values: Array) -> Any:
    there = _objects(column, values)
    marker = _MARKERS[column.missing]
    missing = gaps(values)
    if missing.any() and not (marker is None and column.dtype in {"string", "bool", *INTEGERS}):
        there[missing] = marker
    return pd.Series(there, dtype=object)


def _objects(column: Column, values: Array) -> Array:
    made = np.empty(len(values), dtype=object)
    if values.dtype.kind == "M":
        made[:] = TIMES[column.extension or "Timestamp"](_datetimes(column, values))
    elif values.dtype.kind == "m":
        made[:] = list(pd.TimedeltaIndex(values)) if column.extension != "timedelta" else values.astype(object)
    else:
        made[:] = values.tolist()
    return made


def _category(column: Column, values: Array) -> Any:
    dtype, places = _categories(column), _places(column)
    if values.dtype.kind == "M":
        codes: Any = dtype.categories.get_indexer(_datetimes(column, values))
    else:
        codes = np.fromiter((places.get(value, -1) for value in values.tolist()), np.intp, len(values))
    return pd.Categorical.from_codes(codes, dtype=dtype, validate=False)  # -1 stands for a gap, and for what is unknown


@remembered
def _places(column: Column) -> dict[Any, int]:
    return {value: place for place, value in enumerate(column.categories)}


@remembered
def _categories(column: Column) -> pd.CategoricalDtype:
    known: Any = list(column.categories)
    if column.dtype.startswith("datetime64"):
        known = _datetimes(column, pd.to_datetime(known, utc=True).tz_localize(None).to_numpy().astype(column.dtype))
    index = pd.Index(known, dtype=column.extension) if column.extension else pd.Index(known)
    return pd.CategoricalDtype(index, ordered=column.ordered)


def _extension(column: Column, values: Array) -> Any:
    name: Any = column.extension
    if name == f"{ARROW}date32":
        values = values.astype("datetime64[D]")
    if name.startswith(ARROW):
        return pd.arrays.ArrowExtensionArray(pa.array(values, _arrow_type(column), from_pandas=True))
    if name.startswith(SPARSE):
        return pd.arrays.SparseArray(values, fill_value=_fill(name.removeprefix(SPARSE)))
    if column.dtype == "string":
        return pd.array(values, dtype=name)
    return _masked(column, values)


def _fill(named: str) -> Any:
    """Return a sparse column's commonest value, which is not kept for each row, as Python has it."""
    if named in {"True", "False"}:
        return named == "True"
    return int(named) if named.lstrip("-").isdigit() else float(named)


def _masked(column: Column, values: Array) -> Any:
    missing = gaps(values)
    if column.dtype == "bool":
        return pd.arrays.BooleanArray(np.where(missing, False, values).astype(bool), missing)
    plain = np.where(missing, 0, values).astype(column.dtype)
    made = pd.arrays.FloatingArray if column.dtype in FLOATS else pd.arrays.IntegerArray
    return made(plain, missing)


@remembered
def _arrow_type(column: Column) -> Any:
    name = column.extension.removeprefix(ARROW)
    if name == "timestamp":
        return pa.timestamp(column.time_unit, column.zone or None)
    return pa.duration(column.time_unit) if name == "duration" else pa.type_for_alias(name)


_MARKERS: Mapping[str, Any] = {"none": None, "nan": np.nan, "na": pd.NA, "nat": pd.NaT}
_HOLDERS: Mapping[str, Callable[[Column, Array], Any]] = {
    "array": _array,
    "str": _str,
    "object": _object,
    "category": _category,
    "extension": _extension,
}
