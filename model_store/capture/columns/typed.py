"""Columns of one dtype, of NumPy, pandas or Arrow."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from model_store.batch import Array
from model_store.capture.columns.objects import read_objects
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
from model_store.held import ARROW, SPARSE
from model_store.schema import Column, Value

_UNCARRIED = "which no request can carry: turn it into numbers, text or times"


def read_column(name: str, series: "pd.Series[Any]") -> Read:
    """Read one column. Raises BadSample if no request can carry its values."""
    dtype: Any = series.dtype
    reader = next((read for kind, read in _READERS if isinstance(dtype, kind)), None)
    if reader is None or dtype.kind == "c":
        raise unfit(name, f"is of type {dtype}, {_UNCARRIED}")
    return reader(name, series)


def _plain(name: str, series: "pd.Series[Any]") -> Read:
    """Read a column of one of NumPy's dtypes."""
    values = series.to_numpy()
    if values.dtype.kind == "O":
        return read_objects(name, series)
    if values.dtype.kind in "Mm":
        return Column(name, time_dtype(name, values.dtype), bool(np.isnat(values).any())), values
    if values.dtype.kind == "b":
        return Column(name, "bool"), values
    if values.dtype.kind in "fiu":
        return read_numbers(name, values)
    raise unfit(name, f"is of type {series.dtype}, {_UNCARRIED}")


def _masked(name: str, series: "pd.Series[Any]") -> Read:
    """Read one of pandas' own nullable dtypes."""
    extension, missing = str(series.dtype), series.isna().to_numpy()
    held: dict[str, Any] = {"held": "extension", "extension": extension}
    if series.dtype.kind == "b":
        return Column(name, "bool", bool(missing.any()), **held), bools(series.to_numpy(dtype=object), missing)
    if series.dtype.kind == "f":
        return read_numbers(name, series.to_numpy(dtype=extension.lower(), na_value=np.nan), **held)
    return read_whole(name, extension.lower(), series.to_numpy(dtype=object), missing, **held)


def _strings(name: str, series: "pd.Series[Any]") -> Read:
    dtype: Any = series.dtype
    missing = series.isna().to_numpy()
    values = opened(series.to_numpy(dtype=object), missing)
    if dtype.na_value is pd.NA:
        extension = f"string[{dtype.storage}]"
        return Column(name, "string", bool(missing.any()), held="extension", extension=extension), values
    return Column(name, "string", bool(missing.any()), held="str"), values


def _sparse(name: str, series: "pd.Series[Any]") -> Read:
    dtype: Any = series.dtype
    column, values = read_column(name, pd.Series(np.asarray(series), name=name))
    return replace(column, held="extension", extension=f"{SPARSE}{dtype.fill_value}"), values


def _zoned(name: str, series: "pd.Series[Any]") -> Read:
    dtype: Any = series.dtype
    named = zone_name(name, str(dtype.tz))
    values = series.dt.tz_convert(None).to_numpy()
    return Column(name, time_dtype(name, values.dtype), bool(np.isnat(values).any()), zone=named), values


def _arrow(name: str, series: "pd.Series[Any]") -> Read:
    """Read a column that Arrow holds: numbers, bools, text, times and dates."""
    kind: Any = series.dtype.pyarrow_dtype  # type: ignore[union-attr]
    missing = series.isna().to_numpy()
    held: dict[str, Any] = {"held": "extension", "extension": f"{ARROW}{kind}"}
    if pa.types.is_boolean(kind):
        return Column(name, "bool", bool(missing.any()), **held), bools(series.to_numpy(dtype=object), missing)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        values = opened(series.to_numpy(dtype=object), missing)
        return Column(name, "string", bool(missing.any()), **held), values
    if pa.types.is_integer(kind):
        whole = series.to_numpy(dtype=object)
        return read_whole(name, str(kind), whole, missing, **held)
    if pa.types.is_floating(kind) and kind != pa.float16():
        dtype = "float32" if kind == pa.float32() else "float64"
        return read_numbers(name, series.to_numpy(dtype=dtype, na_value=np.nan), **held)
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind) or kind == pa.date32():
        return _arrow_times(name, series, kind)
    raise unfit(name, f"is of Arrow's type {kind}, {_UNCARRIED}")


def _arrow_times(name: str, series: "pd.Series[Any]", kind: Any) -> Read:
    unit = "s" if kind == pa.date32() else kind.unit
    named = "date32" if kind == pa.date32() else "timestamp" if pa.types.is_timestamp(kind) else "duration"
    plain = pa.array(series.array, kind).cast(pa.duration(unit) if named == "duration" else pa.timestamp(unit))
    values = plain.to_numpy(zero_copy_only=False)
    zone = zone_name(name, kind.tz) if named == "timestamp" and kind.tz else ""
    held: dict[str, Any] = {"held": "extension", "extension": f"{ARROW}{named}", "zone": zone}
    return Column(name, time_dtype(name, values.dtype), bool(np.isnat(values).any()), **held), values


def _categorical(name: str, series: "pd.Series[Any]") -> Read:
    """Read a category column: its values are those of its categories, in the categories' own type."""
    index = series.cat.categories
    if not len(index):
        raise unfit(name, "has no categories")
    inner, known = read_column(name, pd.Series(index))
    codes = series.cat.codes.to_numpy()
    categories = tuple(_value(name, value) for value in index.tolist())
    times = inner.dtype.startswith("datetime64")
    extension = "" if times or index.dtype == pd.Index(list(categories)).dtype else str(index.dtype)
    ordered, nullable = bool(series.cat.ordered), bool((codes < 0).any())
    made = Column(name, inner.dtype, nullable, inner.minimum, inner.maximum, categories, zone=inner.zone)
    return replace(made, held="category", ordered=ordered, extension=extension), _taken(known, codes)


def _taken(known: Array, codes: Array) -> Array:
    """Return the categories that the codes stand for, as a batch holds them; -1 stands for a gap."""
    missing = codes < 0
    values: Array = known[np.maximum(codes, 0)]
    if not missing.any():
        return values
    if values.dtype.kind in "fMm":
        values[missing] = np.array("NaT" if values.dtype.kind in "Mm" else np.nan, dtype=values.dtype)
        return values
    return opened(values, missing)


def _value(name: str, value: Any) -> Value:
    if isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    raise unfit(name, f"has categories of type {type(value).__name__}, which no request can carry")


_MASKED = (
    *(pd.Int8Dtype, pd.Int16Dtype, pd.Int32Dtype, pd.Int64Dtype),
    *(pd.UInt8Dtype, pd.UInt16Dtype, pd.UInt32Dtype, pd.UInt64Dtype),
    *(pd.Float32Dtype, pd.Float64Dtype, pd.BooleanDtype),
)
_READERS: Sequence[tuple[Any, Callable[[str, "pd.Series[Any]"], Read]]] = (
    (np.dtype, _plain),
    (pd.CategoricalDtype, _categorical),
    (pd.StringDtype, _strings),
    (pd.DatetimeTZDtype, _zoned),
    (pd.ArrowDtype, _arrow),
    (pd.SparseDtype, _sparse),
    (_MASKED, _masked),
)
