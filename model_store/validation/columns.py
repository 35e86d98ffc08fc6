"""Columns by name, and matrices, against a schema."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model_store.batch import Array, Batch
from model_store.request_errors import MOST_FAULTS, Fault, InvalidInput, refuse
from model_store.schema import Column, Schema
from model_store.validation.casts import cast_column
from model_store.validation.facts import Facts, facts_of
from model_store.validation.numbers import matrix_of, stacked
from model_store.validation.words import Locate, expected, rows_of, show


def from_columns(schema: Schema, columns: Mapping[str, Sequence[Any] | Array], locate: Locate | None = None) -> Batch:
    """Return a batch of columns by name, each a list of JSON values or a 1-D array.

    Columns that the schema does not know are ignored; optional ones that are not there are missing in every row. Raises
    InvalidInput.
    """
    numbers = numbers_by_column(schema, columns)
    if numbers is not None:
        return numbers
    facts = facts_of(schema)
    rows = _common_length(facts.names, columns)
    cast = _cast(schema, columns, rows, locate or rows_of(schema))
    if facts.homogeneous and all(values.dtype == facts.dtype for values in cast.values()):
        return Batch(rows, matrix=np.column_stack(list(cast.values())))
    return Batch(rows, columns=cast)


def numbers_by_column(schema: Schema, columns: Mapping[str, Sequence[Any] | Array]) -> Batch | None:
    """Return the batch of columns by name if all are there, of one length, and nothing but numbers and allowed gaps.

    None if a closer look is needed.
    """
    facts = facts_of(schema)
    if not facts.homogeneous or facts.closed:
        return None
    found: list[Any] = [columns.get(name) for name in facts.names]
    kinds = set(map(type, found))
    matrix = _listed(facts, found) if kinds == {list} else stacked(facts, found) if kinds == {np.ndarray} else None
    return None if matrix is None else Batch(len(matrix), matrix=matrix)


def _listed(facts: Facts, columns: Sequence[Any]) -> Array | None:
    if not columns[0] or len(set(map(len, columns))) > 1:
        return None
    return matrix_of(facts, list(zip(*columns, strict=True)))


def from_matrix(schema: Schema, matrix: Array, locate: Locate | None = None) -> Batch:
    """Return a batch of a 2-D array ``(rows, columns)`` by position, or of a 1-D one for a schema of one column.

    Raises InvalidInput.
    """
    facts = facts_of(schema)
    if matrix.ndim == 1 and facts.width == 1:
        matrix = matrix.reshape(-1, 1)
    if matrix.shape[1:] != (facts.width,):
        raise InvalidInput.of(Fault("shape", f"[rows, {facts.width}]", str(list(matrix.shape))))
    if facts.homogeneous and matrix.dtype == facts.dtype and not facts.closed and facts.allows(matrix):
        return Batch(len(matrix), matrix=np.ascontiguousarray(matrix))
    return from_columns(schema, {name: matrix[:, i] for i, name in enumerate(facts.names)}, locate)


def _cast(schema: Schema, columns: Mapping[str, Any], rows: int, where: Locate) -> dict[str, Array]:
    faults: list[Fault] = []
    cast: dict[str, Array] = {}
    for i, column in enumerate(schema.columns):
        values = _values(column, columns, rows)
        cast[column.name] = cast_column(column, values, lambda row, i=i: where(row, i), faults)  # type: ignore[misc]
        if len(faults) >= MOST_FAULTS:
            break
    refuse(faults)
    return cast


def _common_length(names: Sequence[str], columns: Mapping[str, Any]) -> int:
    found = {name: columns[name] for name in names if name in columns}
    refuse(Fault(name, "a list of values", show(values)) for name, values in found.items() if not _is_column(values))
    lengths = {name: len(values) for name, values in found.items()}
    longest = max(lengths.values(), default=0)
    wanted = f"{longest} values, as the longest column has"
    refuse(Fault(name, wanted, str(length)) for name, length in lengths.items() if length != longest)
    return longest


def _is_column(values: Any) -> bool:
    return values.ndim == 1 if isinstance(values, np.ndarray) else isinstance(values, (list, tuple))


def _values(column: Column, columns: Mapping[str, Any], rows: int) -> Any:
    if column.name in columns:
        return columns[column.name]
    if column.optional:
        return [None] * rows
    raise InvalidInput.of(Fault(column.name, expected(column), "no such column in the input"))
