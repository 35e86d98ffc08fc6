"""Which columns may have gaps, beyond those that have some in the sample: tried with the estimator."""

from dataclasses import replace
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.capture.columns import batch_of
from model_store.engines.estimator import answers
from model_store.estimators import SEQUENCES, parts
from model_store.schema import FLOATS, INTEGERS, NUMBERS, Column, Schema

TRIAL_ROWS = 8
"""Rows that an estimator is tried with."""

_IMPUTERS = ("SimpleImputer", "KNNImputer", "IterativeImputer")
_TAKES_NAN = ("HistGradientBoosting", "XGB", "LGBM")


def with_gaps(estimator: Any, schema: Schema, values: list[Array]) -> tuple[Schema, list[Array]]:
    """Return the schema, and its values, with the columns nullable whose gaps the estimator takes.

    It takes them if it has a part that is made for gaps, and answers in a trial.
    """
    if not any(_takes_missing(part) for part in parts(estimator, SEQUENCES)):
        return schema, values
    columns, arrays = list(schema.columns), list(values)
    for place, column in enumerate(schema.columns):
        opened = _opened(column)
        if opened is not None and _takes_gap(estimator, schema, values, place, opened):
            columns[place] = opened
            arrays[place] = values[place].astype(opened.dtype) if opened.dtype in FLOATS else values[place]
    if schema.layout == "matrix" and schema.homogeneous and len({column.dtype for column in columns}) > 1:
        columns = [replace(column, dtype="float64") for column in columns]
        arrays = [array.astype("float64") for array in arrays]
    return replace(schema, columns=tuple(columns)), arrays


def _opened(column: Column) -> Column | None:
    """Return the column with room for gaps: integers become floats. None if it has room already, or cannot have any."""
    if column.nullable or column.dtype not in (*NUMBERS, "string"):
        return None
    return replace(column, dtype="float64" if column.dtype in INTEGERS else column.dtype, nullable=True)


def _takes_gap(estimator: Any, schema: Schema, values: list[Array], place: int, opened: Column) -> bool:
    few = [array[:TRIAL_ROWS].copy() for array in values]
    few[place] = _with_gap(opened, few[place])
    columns = (*schema.columns[:place], opened, *schema.columns[place + 1 :])
    return _answers(estimator, replace(schema, columns=columns), few)


def _with_gap(column: Column, values: Array) -> Array:
    holed = values.copy() if column.dtype == "string" else values.astype(column.dtype)
    holed[0] = None if column.dtype == "string" else np.nan
    return holed


def _answers(estimator: Any, schema: Schema, values: list[Array]) -> bool:
    name = schema.outputs[0].name
    try:
        answer = answers(estimator, schema, batch_of(schema, values), [name])[name]
    except Exception:  # noqa: BLE001 - whatever it raises, it does not take the gap
        return False
    return answer.dtype.kind != "f" or bool(np.isfinite(answer[0]).all())


def _takes_missing(part: Any) -> bool:
    kind = type(part).__name__
    return kind in _IMPUTERS or kind.startswith(_TAKES_NAN)
