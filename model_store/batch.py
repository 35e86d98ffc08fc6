"""Rows on their way into an estimator, already of the schema's types."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from model_store.schema import Schema

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows whose values fit a schema.

    A homogeneous schema's rows are ``matrix``, C-ordered, of shape ``(rows, len(schema.columns))`` and of the columns'
    one dtype. Any other schema's rows are ``columns``: one 1-D array of length ``rows`` for each schema column, in
    schema order; strings and nullable bools are object arrays with None for missing, missing floats are NaN, datetimes
    are ``datetime64[ns]`` with NaT for missing.
    """

    rows: int
    matrix: Array | None = None
    columns: Mapping[str, Array] | None = None


def estimator_input(schema: Schema, batch: Batch) -> Any:
    """What the estimator's methods are called with: a 2-D array, a DataFrame or a 1-D array, by the schema's layout."""
    if schema.layout == "matrix" and batch.matrix is not None:
        return batch.matrix
    if schema.layout == "series" and batch.columns is not None:
        return next(iter(batch.columns.values()))
    return _frame(schema, batch)


def _frame(schema: Schema, batch: Batch) -> Any:
    import pandas as pd  # here, because models fitted on arrays never need it

    if batch.matrix is not None:
        return pd.DataFrame(batch.matrix, columns=list(schema.names), copy=False)
    if batch.columns is None:
        raise ValueError("a batch has either a matrix or columns")
    frame = pd.DataFrame(dict(batch.columns), copy=False)
    return frame if schema.layout == "table" else np.asarray(frame)
