"""Which columns may have gaps, beyond those that have some in the sample: learned by the estimator, then tried."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from model_store.batch import Array, batch_of
from model_store.capture.learned.places import Gaps
from model_store.capture.sample.samples import Rows
from model_store.engines.estimator import answers
from model_store.missing import with_gap
from model_store.schema import NUMBERS, Column, Schema

TRIAL_ROWS = 8
"""Rows that an estimator is tried with."""
_MOST_TRIALS = 64
"""Predictions that are spent on finding the columns whose gaps the estimator does not take after all."""


def marked(columns: Sequence[Column], learned: Gaps) -> tuple[Column, ...]:
    """Return columns of objects with the markers that were learned: None and NaN differ to encoders and imputers."""
    return tuple(_marked(column, learned.get(i)) for i, column in enumerate(columns))


def with_gaps(estimator: Any, schema: Schema, values: list[Array], learned: Gaps) -> tuple[Schema, list[Array]]:
    """Return the schema, and its values, with the columns nullable whose gaps the estimator learned and takes.

    All are tried in one prediction, and only if that fails in halves.
    """
    taken = _taken(estimator, schema, values, _candidates(schema, learned))
    return _opened(schema, values, taken)


def with_learned_markers(schema: Schema, rows: Rows) -> Rows:
    """Return sample rows in which the gaps of strings that can have NaN alone are what the estimator was fitted with.

    CSV, Parquet and pandas' own strings do not tell None from NaN.
    """
    if not isinstance(rows, pd.DataFrame):
        return rows
    marked = rows.copy(deep=False)
    for i, column in enumerate(schema.columns):
        if column.missing == "none" and column.nullable and not pd.api.types.is_object_dtype(rows.dtypes.iloc[i]):
            values = rows.iloc[:, i].astype(object)
            marked[rows.columns[i]] = values.where(values.notna(), None)
    return marked


def _candidates(schema: Schema, learned: Gaps) -> list[int]:
    there = enumerate(schema.columns)
    return [i for i, column in there if i in learned and not column.nullable and column.dtype in _MAY_HAVE_GAPS]


def _marked(column: Column, marker: Any) -> Column:
    """Return the column with the marker of its gaps: strings that are no objects can have NaN alone."""
    if marker == "none" and column.held in {"str", "object"}:
        return replace(column, held="object", missing="none")
    return replace(column, missing=marker) if marker and column.held == "object" else column


def _taken(estimator: Any, schema: Schema, values: list[Array], candidates: Sequence[int]) -> list[int]:
    """Return the candidates whose gaps the estimator takes: all at once, else each half by itself, and so on."""
    taken: list[int] = []
    groups = [list(candidates)] if candidates else []
    for _ in range(_MOST_TRIALS):
        if not groups:
            break
        group = groups.pop()
        if _answers(estimator, *_holed(schema, values, group)):
            taken += group
        elif len(group) > 1:
            groups += [group[: len(group) // 2], group[len(group) // 2 :]]
    return sorted(taken)


def _holed(schema: Schema, values: list[Array], group: Sequence[int]) -> tuple[Schema, list[Array]]:
    """Return a few rows, of which the first has a gap in each column of the group."""
    opened, few = _opened(schema, [array[:TRIAL_ROWS] for array in values], group)
    for place in group:
        few[place] = with_gap(few[place])
    return opened, few


def _opened(schema: Schema, values: list[Array], places: Sequence[int]) -> tuple[Schema, list[Array]]:
    """Return schema and values with room for gaps in some columns."""
    columns, arrays = list(schema.columns), list(values)
    for place in places:
        columns[place], arrays[place] = _with_room(columns[place], arrays[place])
    return replace(schema, columns=tuple(columns)), arrays


def _with_room(column: Column, values: Array) -> tuple[Column, Array]:
    """Return a column and its values with room for gaps: bools become objects."""
    if column.dtype != "bool":
        return replace(column, nullable=True), values
    held = "object" if column.held == "array" else column.held
    return replace(column, nullable=True, held=held), values.astype(object)


def _answers(estimator: Any, schema: Schema, values: list[Array]) -> bool:
    """Return whether each output is answered; only a transformer may answer the first row's gaps with gaps."""
    names = [output.name for output in schema.outputs]
    try:
        found = answers(estimator, schema, batch_of(schema, values), names)
    except Exception:  # noqa: BLE001 - of any kind: it does not take the gaps
        return False
    return all(name == "transform" or _is_finite(answer[0]) for name, answer in found.items())


def _is_finite(answer: Any) -> bool:
    array = np.asarray(answer)
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


_MAY_HAVE_GAPS = (*NUMBERS, "bool", "string")
