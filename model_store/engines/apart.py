"""Rows whose whole numbers or bools have gaps are predicted apart from those that have none.

A column of whole numbers has no room for a gap: with one, pandas and NumPy hold all its values as floats, and "3" would
become "3.0" in every row of a request because another row has a gap. So each row is answered as if it came alone. That
takes one prediction for each pattern of gaps; if the estimator is known to answer floats as it answers integers, it
takes one for the rows without gaps, and one for all others.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from model_store.batch import Array, Batch, take
from model_store.engines.equality import identical
from model_store.missing import gaps, numbers
from model_store.request_errors import InvalidInput
from model_store.schema import INTEGERS, Column, Schema

log = logging.getLogger(__name__)
Answers = Callable[[Batch, Sequence[str]], Mapping[str, Array]]

_EXACT = 2**53
"""Whole numbers below are exact as float64, and no other becomes one of them."""
MOST_PARTS = 256
"""Predictions that one batch takes at most."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a batch: their indices, and the batch that they make."""

    rows: Array
    batch: Batch


class Apart:
    """Asks for the answers to rows, apart where their whole numbers or bools have gaps.

    ``answers`` takes a batch whose columns have gaps in all rows or in none, and the names of outputs. It is given with
    each call and not kept: an engine that is in a circle with what it holds leaves the memory late, or never.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._tight = tight_columns(schema)
        self._in_floats = False

    def compare_floats(self, answers: Answers, batch: Batch, given: Mapping[str, Array]) -> None:
        """Take whole numbers with gaps as floats from now on, if the answers ``given`` to the batch stay the same.

        That saves a prediction for each pattern of gaps.
        """
        asked = self._tight and given and not self._in_floats
        floats = in_floats(self._schema, self._tight, batch) if asked else None
        if floats is None:
            return
        try:
            made = answers(floats, tuple(given))
        except Exception:
            log.debug("whole numbers are not taken as floats", exc_info=True)
            return
        self._in_floats = all(identical(made[name], answer) for name, answer in given.items())

    def predict(self, answers: Answers, batch: Batch, outputs: Sequence[str]) -> Mapping[str, Array]:
        """Return the answers to all rows, in their order."""
        if not self._tight or batch.matrix is not None:
            return answers(batch, outputs)
        split = two_parts(self._schema, self._tight, batch) if self._in_floats else None
        split = split or parts(self._schema, self._tight, batch)
        found = [(part.rows, answers(part.batch, outputs)) for part in split]
        return found[0][1] if len(found) == 1 else _joined(found, outputs)


def _joined(found: Sequence[tuple[Array, Mapping[str, Array]]], outputs: Sequence[str]) -> dict[str, Array]:
    """Return the answers to all rows, in the order of the rows, from those to some of them each."""
    order = np.argsort(np.concatenate([rows for rows, _ in found]), kind="stable")
    return {name: np.concatenate([answer[name] for _, answer in found])[order] for name in outputs}


def tight_columns(schema: Schema) -> tuple[Column, ...]:
    """Return the columns that may have gaps and are held in a dtype without room for any."""
    return tuple(c for c in schema.columns if c.nullable and c.held == "array" and c.dtype in (*INTEGERS, "bool"))


def parts(schema: Schema, tight: Sequence[Column], batch: Batch) -> list[Part]:
    """Return the batch in parts: in each, a tight column has gaps in all rows or in none. The first rows come first.

    Raises InvalidInput for more parts than one request may take.
    """
    if batch.matrix is not None or batch.columns is None:
        return [Part(np.arange(batch.rows), batch)]
    missing: Array = np.column_stack([gaps(batch.columns[column.name]) for column in tight])
    if schema.layout == "matrix":
        missing = missing.any(axis=1, keepdims=True)  # type: ignore[assignment]  # one gap makes an array of floats
    _, first, which = np.unique(missing, axis=0, return_index=True, return_inverse=True)
    if len(first) > MOST_PARTS:
        raise InvalidInput(
            f"the rows have gaps in {len(first)} different groups of whole-number columns, which the model tells from "
            f"floats: at most {MOST_PARTS} are answered at once, so send fewer rows"
        )
    chosen = [np.flatnonzero(which.ravel() == pattern) for pattern in np.argsort(first)]
    return [Part(rows, _typed(schema, tight, take(batch, rows))) for rows in chosen]


def two_parts(schema: Schema, tight: Sequence[Column], batch: Batch) -> list[Part] | None:
    """Return the rows without a gap in a tight column as they are, and those with one in floats.

    None if there are no rows, or if floats do not hold those with a gap.
    """
    missing = np.any([gaps((batch.columns or {})[column.name]) for column in tight], axis=0)
    found = []
    for gap in (False, True):
        rows = np.flatnonzero(missing == gap)
        part = take(batch, rows)
        typed = in_floats(schema, tight, part) if gap else _typed(schema, tight, part)
        if typed is None:
            return None
        if len(rows):
            found.append(Part(rows, typed))
    return found or None


def in_floats(schema: Schema, tight: Sequence[Column], batch: Batch) -> Batch | None:
    """Return the batch with all tight columns as floats; None if some are bools, or numbers that floats do not hold."""
    made = {column.name: batch.column(schema, i) for i, column in enumerate(schema.columns)}
    for column in tight:
        values = numbers(made[column.name])
        if column.dtype == "bool" or np.any(np.abs(values.astype(np.float64)) >= _EXACT):
            return None
        made[column.name] = values.astype(np.float64)
    return _batch(schema, batch.rows, made)


def _typed(schema: Schema, tight: Sequence[Column], batch: Batch) -> Batch:
    columns = dict(batch.columns or {})
    for column in tight:
        values = columns[column.name]
        if not gaps(values).any():
            columns[column.name] = values.astype(column.dtype)
        elif column.dtype != "bool":
            columns[column.name] = numbers(values)
    return _batch(schema, batch.rows, columns)


def _batch(schema: Schema, rows: int, columns: Mapping[str, Array]) -> Batch:
    one_type = len({values.dtype for values in columns.values()}) == 1
    if schema.homogeneous and (one_type or schema.layout == "matrix"):
        return Batch(rows, matrix=np.ascontiguousarray(np.column_stack(list(columns.values()))))
    return Batch(rows, columns=columns)
