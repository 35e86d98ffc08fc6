"""Rows that have chosen values in some columns, and a sample's in all others."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from model_store.batch import Array, Batch, batch_of, take
from model_store.proof.splits import Setting
from model_store.schema import INTEGERS, Column, Schema


def settled(schema: Schema, base: Batch, settings: Sequence[Setting]) -> Batch:
    """Return one row for each setting; the values that it does not say come from the base's rows, one after the other.

    A value that a column cannot hold, such as a missing one where none may be, is left out.
    """
    rows = take(base, np.arange(len(settings)) % base.rows)
    chosen: dict[int, list[tuple[int, Any]]] = {}
    for row, setting in enumerate(settings):
        for place, value in setting.items():
            chosen.setdefault(place, []).append((row, value))
    columns = enumerate(schema.columns)
    return batch_of(schema, [_set(c, rows.column(schema, place), chosen.get(place, ())) for place, c in columns])


def _set(column: Column, values: Array, chosen: Sequence[tuple[int, Any]]) -> Array:
    fitting = [(row, held) for row, value in chosen if (held := _held(column, value)) is not _NOTHING]
    if not fitting:
        return values
    made = values.copy()
    if made.dtype.kind != "O" and any(value is None for _, value in fitting):
        made = made.astype(object)
    with np.errstate(over="ignore"):
        made[[row for row, _ in fitting]] = _array([value for _, value in fitting], made.dtype)
    return made


def _array(values: list[Any], dtype: Any) -> Array:
    if dtype.kind != "O":
        return np.array(values).astype(dtype)
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


_NOTHING = object()


def _held(column: Column, value: Any) -> Any:
    """Return a value as a batch holds it in a column, _NOTHING if it cannot."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return _missing(column)
    if column.dtype == "string":
        return value if isinstance(value, str) else _NOTHING
    if column.dtype == "bool":
        return bool(value) if value in (0, 1) else _NOTHING
    if column.time_unit or isinstance(value, str):
        return _NOTHING
    return _whole(column, value) if column.dtype in INTEGERS else float(value)


def _missing(column: Column) -> Any:
    if not column.nullable or column.time_unit:
        return _NOTHING
    return math.nan if column.dtype.startswith("float") else None


def _whole(column: Column, value: float) -> Any:
    if not math.isfinite(value):
        return _NOTHING
    limits = np.iinfo(column.dtype)
    return math.floor(value) if limits.min <= value <= limits.max else _NOTHING
