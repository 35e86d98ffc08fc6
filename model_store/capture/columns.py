"""From a sample's columns to a schema's, each with its values."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from model_store.batch import Array, Batch
from model_store.capture.samples import Rows
from model_store.errors import BadSample
from model_store.schema import INTEGERS, NUMBERS, Column, Held, Layout, Schema, Value


def read_columns(layout: Layout, rows: Rows) -> tuple[tuple[Column, ...], list[Array]]:
    """Return a sample's columns and the values of each, as a batch holds them. Raises BadSample."""
    frame = _frame_of(layout, rows)
    if len(set(map(str, frame.columns))) != frame.shape[1]:
        raise BadSample("two columns of the sample have the same name")
    read = [_column(str(frame.columns[i]), frame.iloc[:, i]) for i in range(frame.shape[1])]
    return tuple(column for column, _ in read), [values for _, values in read]


def batch_of(schema: Schema, values: Sequence[Array]) -> Batch:
    """Return the values of a schema's columns as a batch."""
    rows = len(values[0])
    if schema.homogeneous:
        return Batch(rows, matrix=np.ascontiguousarray(np.column_stack(list(values))))
    return Batch(rows, columns=dict(zip(schema.names, values, strict=True)))


def _frame_of(layout: Layout, rows: Rows) -> pd.DataFrame:
    if isinstance(rows, pd.DataFrame):
        if layout != "matrix":
            return rows
        return pd.DataFrame(np.asarray(rows), columns=[str(name) for name in rows.columns])
    if layout == "series":
        return pd.DataFrame({"text": pd.Series(rows, dtype=object)})
    names = [f"x{i}" for i in range(rows.shape[1])]
    return pd.DataFrame({name: pd.Series(rows[:, i], dtype=rows.dtype) for i, name in enumerate(names)})


def _column(name: str, series: "pd.Series[Any]") -> tuple[Column, Array]:
    if isinstance(series.dtype, pd.CategoricalDtype):
        return _categorical(name, series)
    gaps = series.isna().to_numpy()
    if pd.api.types.is_object_dtype(series.dtype) or pd.api.types.is_string_dtype(series.dtype):
        return _objects(name, series, gaps)
    nullable = bool(gaps.any())
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        plain = series.dt.tz_convert(None) if isinstance(series.dtype, pd.DatetimeTZDtype) else series
        return Column(name, "datetime64[ns]", nullable), plain.to_numpy().astype("datetime64[ns]")
    if pd.api.types.is_bool_dtype(series.dtype):
        return _bools(name, series, gaps)
    if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_complex_dtype(series.dtype):
        return _numbers(name, series, nullable=nullable)
    raise BadSample(f"column {name!r} is of type {series.dtype}, which no request can carry")


def _numbers(name: str, series: "pd.Series[Any]", *, nullable: bool) -> tuple[Column, Array]:
    dtype = str(series.dtype).lower()
    if dtype not in NUMBERS or (nullable and dtype in INTEGERS):
        dtype = "float32" if dtype == "float16" else "float64"
    values = series.to_numpy(dtype=dtype, na_value=np.nan) if nullable else series.to_numpy().astype(dtype)
    low, high = _range(values)
    return Column(name, dtype, nullable, low, high), values


def _bools(name: str, series: "pd.Series[Any]", gaps: Array) -> tuple[Column, Array]:
    if not gaps.any():
        return Column(name, "bool"), series.to_numpy().astype(bool)
    return Column(name, "bool", nullable=True, held="object"), np.where(gaps, None, series.to_numpy(dtype=object))  # type: ignore[call-overload]


def _objects(name: str, series: "pd.Series[Any]", gaps: Array) -> tuple[Column, Array]:
    """Read strings or objects: all strings, all bools, all numbers or all dates. Raises BadSample for anything else."""
    there = series.to_numpy(dtype=object)[~gaps].tolist()
    kinds = {type(value) for value in there}
    if kinds <= {str}:
        return _held_objects(name, "string", series, gaps)
    if kinds <= {bool, np.bool_}:
        return _held_objects(name, "bool", series, gaps)
    if all(issubclass(kind, (int, float, np.number)) and kind is not bool for kind in kinds):
        return _numbers(name, pd.to_numeric(series), nullable=bool(gaps.any()))
    if all(hasattr(value, "isoformat") for value in there):
        return _dates(name, series)
    words = ", ".join(sorted(kind.__name__ for kind in kinds)[:4])
    raise BadSample(f"column {name!r} holds values of type {words}: expected strings, bools, numbers or dates alone")


def _held_objects(name: str, dtype: str, series: "pd.Series[Any]", gaps: Array) -> tuple[Column, Array]:
    """Read strings or bools as pandas held them: encoders and imputers tell None from NaN."""
    raw = series.to_numpy(dtype=object)
    held: Held = "object" if series.dtype == object else "str"
    missing: Literal["nan", "none"] = "none" if any(value is None for value in raw.tolist()) else "nan"
    if dtype == "bool" and not gaps.any():
        return Column(name, dtype, held=held), raw.astype(bool)
    return Column(name, dtype, bool(gaps.any()), held=held, missing=missing), np.where(gaps, None, raw)  # type: ignore[call-overload]


def _dates(name: str, series: "pd.Series[Any]") -> tuple[Column, Array]:
    try:
        return _column(name, pd.to_datetime(series))
    except (ValueError, TypeError) as error:
        raise BadSample(f"column {name!r} holds dates that cannot be read: {error}") from error


def _categorical(name: str, series: "pd.Series[Any]") -> tuple[Column, Array]:
    column, values = _column(name, pd.Series(series.to_numpy(), name=name))
    categories = tuple(_plain(value) for value in series.cat.categories.tolist())
    return replace(column, held="category", categories=categories), values


def _plain(value: Any) -> Value:
    return value if isinstance(value, (str, bool, int, float)) else str(value)


def _range(values: Array) -> tuple[float | None, float | None]:
    there = values[np.isfinite(values)]
    return (float(there.min()), float(there.max())) if len(there) else (None, None)
