"""The rows of a trial: drawn from a sample, or from what is kept of one with a version."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from model_store.batch import Array, Batch, batch_of, take
from model_store.missing import numbers
from model_store.proof.drawn import drawn
from model_store.proof.settled import settled
from model_store.schema import INTEGERS, NUMBERS, Column, Schema

_SPARE = 128
"""More rows than are needed are drawn, for some may be refused."""
_GAPPED = 0.25
"""The share of rows that get a gap, where the schema takes any."""
_OF_PROFILE = 256


def trial_rows(schema: Schema, sample: Batch, rows: int) -> Batch:
    """Return more than so many rows: the first have a sample's values, each column's on its own, others, and gaps.

    Behind them come as many of the sample's own rows, in any order, for estimators that refuse values that do not come
    together in the sample.
    """
    rng = np.random.default_rng(0)
    half = (rows + _SPARE) // 2
    parts = [drawn(schema, sample, half, rng, between=0.0), drawn(schema, sample, half, rng)]
    mixed = _joined(parts, rng.permutation(2 * half))
    gapped = settled(schema, mixed, _gaps(schema, mixed.rows, rng))
    return _joined([gapped, take(sample, rng.integers(0, sample.rows, rows))])


def _joined(parts: list[Batch], order: Array | None = None) -> Batch:
    joined = Batch.joined(parts)
    if joined is None:
        raise ValueError("rows of one sample have values of other types")
    return joined if order is None else take(joined, order)


def _gaps(schema: Schema, rows: int, rng: np.random.Generator) -> list[Mapping[int, Any]]:
    places = [place for place, column in enumerate(schema.columns) if column.nullable]
    gapped = rng.random(rows) < (_GAPPED if places else 0)
    return [{places[int(rng.integers(len(places)))]: None} if gap else {} for gap in gapped.tolist()]


def known_rows(schema: Schema, golden: Batch, profile: Mapping[str, Any]) -> Batch:
    """Return the golden rows of a version, and rows of values that its profile has.

    They are between the least and the greatest decile, or one of the known categories; golden values where the profile
    has none.
    """
    rng = np.random.default_rng(1)
    features = profile.get("features", {})
    columns = []
    for place, column in enumerate(schema.columns):
        values = golden.column(schema, place)
        more = _of_profile(column, features.get(column.name, {}), rng)
        others = values[rng.integers(0, len(values), _OF_PROFILE)] if more is None else more
        columns.append(np.concatenate([values, others]))
    return batch_of(schema, columns)


def _of_profile(column: Column, entry: Mapping[str, Any], rng: np.random.Generator) -> Array | None:
    edges = entry.get("edges", ())
    if entry.get("kind") == "numeric" and column.dtype in NUMBERS and not column.categories and len(edges) > 1:
        made = rng.uniform(edges[0], edges[-1], _OF_PROFILE)
        return (np.rint(made) if column.dtype in INTEGERS else made).astype(column.dtype)
    known = [value for value, _ in entry.get("values", ())]
    if entry.get("kind") != "categorical" or not known or column.time_unit:
        return None
    chosen = rng.integers(0, len(known), _OF_PROFILE)
    made = np.empty(len(known), dtype=object)
    made[:] = known
    return numbers(made[chosen]).astype(column.dtype) if column.dtype in NUMBERS else _flags(column, made[chosen])


def _flags(column: Column, values: Array) -> Array:
    return values.astype(bool) if column.dtype == "bool" and not column.nullable else values
