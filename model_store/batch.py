"""Rows on their way into an estimator, already of the schema's types."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from model_store.schema import Schema

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows whose values fit a schema.

    A homogeneous schema's rows are ``matrix``, C-ordered, of shape ``(rows, len(schema.columns))`` and of the columns'
    one dtype, unless whole numbers have gaps. Any other rows are ``columns``: one 1-D array of length ``rows`` for each
    schema column, in schema order. Strings, nullable bools, and whole numbers with gaps are object arrays with None for
    missing; missing floats are NaN, missing datetimes (in UTC) and timedeltas NaT.
    """

    rows: int
    matrix: Array | None = None
    columns: Mapping[str, Array] | None = None

    def column(self, schema: Schema, place: int) -> Array:
        """Return the values of the schema's column at ``place``, a 1-D array of ``rows`` entries."""
        if self.matrix is not None:
            values: Array = self.matrix[:, place]
            return values
        return (self.columns or {})[schema.columns[place].name]

    @classmethod
    def joined(cls, batches: Sequence["Batch"]) -> "Batch | None":
        """Return the rows of batches of one schema, one batch after the other, as if one request had brought them all.

        A column of whole numbers with a gap in one of the batches has objects in all rows then. None if some column
        cannot be joined: its values have types that one request does not bring together. Raises ValueError for no
        batches.
        """
        if all(batch.matrix is not None for batch in batches):
            matrix = _chained([batch.matrix for batch in batches if batch.matrix is not None])
            return None if matrix is None else cls(len(matrix), matrix=matrix)
        names = next(tuple(batch.columns) for batch in batches if batch.columns is not None)
        columns: dict[str, Array] = {}
        for place, name in enumerate(names):
            values = _chained([_at(batch, place, name) for batch in batches])
            if values is None:
                return None
            columns[name] = values
        return cls(sum(batch.rows for batch in batches), columns=columns)


def _at(batch: Batch, place: int, name: str) -> Array:
    if batch.matrix is not None:
        values: Array = batch.matrix[:, place]
        return values
    return (batch.columns or {})[name]


def _chained(arrays: Sequence[Array]) -> Array | None:
    """Return arrays one after the other, in C order, None if their types differ.

    Whole numbers next to objects, which are whole numbers with gaps, become Python's.
    """
    types = {array.dtype for array in arrays}
    kind = arrays[0].dtype if len(types) == 1 else np.dtype(object)
    others = types - {kind}
    if len(others) > 1 or any(other.kind not in "iu" for other in others) or not kind.isnative:
        return None
    made = np.empty((sum(map(len, arrays)), *arrays[0].shape[1:]), dtype=kind)
    return np.concatenate(arrays, out=made)


def split(answers: Mapping[str, Array], rows: Sequence[int]) -> list[dict[str, Array]]:
    """Return the answers to joined batches apart: for each batch, of so many ``rows``, one array for each output.

    They are views. Raises ValueError if an output has not as many entries as there are rows.
    """
    total = sum(rows)
    wrong = next((name for name, answer in answers.items() if len(answer) != total), None)
    if wrong is not None:
        raise ValueError(f"{wrong} has {len(answers[wrong])} entries: expected {total}, one for each row")
    ends = list(accumulate(rows))
    return [
        {name: answer[end - n : end] for name, answer in answers.items()} for n, end in zip(rows, ends, strict=True)
    ]


def batch_of(schema: Schema, values: Sequence[Array]) -> Batch:
    """Return the values of a schema's columns as a batch."""
    rows = len(values[0])
    if schema.homogeneous and all(array.dtype.kind != "O" for array in values):
        return Batch(rows, matrix=np.ascontiguousarray(np.column_stack(list(values))))
    return Batch(rows, columns=dict(zip(schema.names, values, strict=True)))


def take(batch: Batch, rows: Array) -> Batch:
    """Return the batch's rows at the given indices, in that order."""
    if batch.matrix is not None:
        return Batch(len(rows), matrix=batch.matrix[rows])
    columns = batch.columns or {}
    return Batch(len(rows), columns={name: values[rows] for name, values in columns.items()})


def spread(rows: int, most: int) -> Array:
    """Return the indices of at most ``most`` of so many rows, evenly over them, the first and the last among them."""
    return np.linspace(0, rows - 1, min(rows, most)).astype(int)


def estimator_input(schema: Schema, batch: Batch) -> Any:
    """Return what the estimator's methods take: a 2-D array, a DataFrame or a 1-D array, by the schema's layout.

    It is a copy, because steps such as ``StandardScaler(copy=False)`` write into it. What is predicted next, and who
    looks at the rows afterwards, sees them as they were sent. They lie in memory by the schema's order.
    """
    if schema.layout == "matrix" and batch.matrix is not None:
        return batch.matrix.copy(order=schema.order)
    if schema.layout == "series" and batch.columns is not None:
        return next(iter(batch.columns.values())).copy()
    return _frame(schema, batch)


def _frame(schema: Schema, batch: Batch) -> Any:
    import pandas as pd  # here, because models fitted on arrays never need it

    from model_store.held import held, labels

    names = labels(schema.columns)
    if batch.matrix is not None:
        return pd.DataFrame(batch.matrix.copy(order=schema.order), columns=names, copy=False)
    if batch.columns is None:
        raise ValueError("a batch has either a matrix or columns")
    columns = {i: held(column, batch.columns[column.name]) for i, column in enumerate(schema.columns)}
    frame = pd.DataFrame(columns, copy=False)
    frame.columns = pd.Index(names)
    return frame if schema.layout == "table" else np.asarray(frame)
