"""Rows whose whole numbers or bools have gaps are predicted apart from those that have none.

A column of whole numbers has no room for a gap: with one, pandas and NumPy hold all its values as floats, and "3" would
become "3.0" in every row of a request because another row has a gap. So each row is answered as if it came alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model_store.batch import Array, Batch, take
from model_store.missing import gaps, numbers
from model_store.schema import INTEGERS, Column, Schema


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a batch: their indices, and the batch that they make."""

    rows: Array
    batch: Batch


def tight_columns(schema: Schema) -> tuple[Column, ...]:
    """Return the columns that may have gaps and are held in a dtype without room for any."""
    return tuple(c for c in schema.columns if c.nullable and c.held == "array" and c.dtype in (*INTEGERS, "bool"))


def parts(schema: Schema, tight: Sequence[Column], batch: Batch) -> list[Part]:
    """Return the batch in parts: in each, a tight column has gaps in all rows or in none. The first rows come first."""
    if batch.matrix is not None or batch.columns is None:
        return [Part(np.arange(batch.rows), batch)]
    missing: Array = np.column_stack([gaps(batch.columns[column.name]) for column in tight])
    if schema.layout == "matrix":
        missing = np.asarray(
            missing.any(axis=1, keepdims=True)
        )  # an array is of one dtype: a gap anywhere makes it one of floats
    _, first, which = np.unique(missing, axis=0, return_index=True, return_inverse=True)
    chosen = [np.flatnonzero(which.ravel() == pattern) for pattern in np.argsort(first)]
    return [Part(rows, _typed(schema, tight, take(batch, rows))) for rows in chosen]


def _typed(schema: Schema, tight: Sequence[Column], batch: Batch) -> Batch:
    columns = dict(batch.columns or {})
    for column in tight:
        values = columns[column.name]
        if not gaps(values).any():
            columns[column.name] = values.astype(column.dtype)
        elif column.dtype != "bool":
            columns[column.name] = numbers(values)
    plain = {values.dtype for values in columns.values()}
    if schema.homogeneous and (len(plain) == 1 or schema.layout == "matrix"):
        return Batch(batch.rows, matrix=np.ascontiguousarray(np.column_stack(list(columns.values()))))
    return Batch(batch.rows, columns=columns)
