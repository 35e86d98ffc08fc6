"""Rows drawn from a sample: each column on its own, and numbers between and beyond the sample's."""

import numpy as np

from model_store.batch import Array, Batch, batch_of
from model_store.schema import Column, Schema

BETWEEN = 0.3
_BEYOND = 0.5
"""How far they lie beyond two of the sample's numbers, in units of the distance between these."""


def drawn(schema: Schema, sample: Batch, rows: int, rng: np.random.Generator, *, between: float = BETWEEN) -> Batch:
    """Return so many rows of values that the sample's columns have, independent of each other.

    ``between`` is the share of numbers that the sample does not have.
    """
    columns = enumerate(schema.columns)
    return batch_of(schema, [_drawn(c, sample.column(schema, i), rows, rng, between) for i, c in columns])


def _drawn(column: Column, values: Array, rows: int, rng: np.random.Generator, between: float) -> Array:
    made = values[rng.integers(0, len(values), rows)]
    if made.dtype.kind not in "iuf" or column.categories or not between:
        return made
    other = values[rng.integers(0, len(values), rows)]
    share = rng.uniform(-_BEYOND, 1 + _BEYOND, rows)
    with np.errstate(over="ignore", invalid="ignore"):
        other = made.astype(np.float64) + (other.astype(np.float64) - made.astype(np.float64)) * share
    return np.where(rng.random(rows) < between, _as(made.dtype, other, made), made)


def _as(dtype: np.dtype[np.generic], between: Array, instead: Array) -> Array:
    """Return numbers in a dtype; where it does not hold one, another instead."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return between.astype(dtype)
    limits = np.iinfo(dtype.name)
    fits = (between > limits.min) & (between < limits.max)
    return np.where(fits, np.rint(np.where(fits, between, 0)).astype(dtype), instead)
