"""Input tensors against a schema: one tensor with a column for each feature, or a tensor for each column."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model_store.batch import Array, Batch
from model_store.remembered import remembered
from model_store.request_errors import MOST_FAULTS, Fault, InvalidInput, few, refuse
from model_store.schema import FLOATS, Column, Schema
from model_store.validation.columns import from_columns, from_matrix
from service.dialects.openinference.metadata import datatype_of
from service.dialects.openinference.tensors import Tensor

_NOT_NUMBERS = frozenset({"BOOL", "BYTES"})


def batch(schema: Schema, tensors: Sequence[Tensor]) -> Batch:
    """Return the rows that the tensors hold. Raises InvalidInput, with places such as ``inputs[0].data[7]``."""
    facts = _facts_of(schema)
    if len(tensors) == 1 and _holds_all_columns(facts, tensors[0]):
        return _from_one(facts, tensors[0])
    return _from_each(schema, tensors)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is worth knowing about a schema at every request. ``dtype`` is the one float type of all columns, if any."""

    schema: Schema
    width: int
    names: frozenset[str]
    representatives: tuple[Column, ...]
    dtype: np.dtype[Any] | None


@remembered
def _facts_of(schema: Schema) -> _Facts:
    one_float = schema.homogeneous and schema.columns[0].dtype in FLOATS
    return _Facts(
        schema=schema,
        width=len(schema.columns),
        names=frozenset(schema.names),
        representatives=tuple({datatype_of(column.dtype): column for column in schema.columns}.values()),
        dtype=np.dtype(schema.columns[0].dtype) if one_float else None,
    )


def _holds_all_columns(facts: _Facts, tensor: Tensor) -> bool:
    width = facts.width
    wide = len(tensor.shape) == 2 and tensor.shape[1] == width  # noqa: PLR2004 - rows and columns
    return wide or width == 1 or (facts.schema.layout == "matrix" and tensor.name not in facts.names)


def _from_one(facts: _Facts, tensor: Tensor) -> Batch:
    width = facts.width
    if tensor.shape != (len(tensor.values),) or width > 1:
        _check_shape(tensor, width)
    for column in facts.representatives:
        _check_datatype(column, tensor)
    matrix = tensor.values.reshape(-1, width)
    if facts.dtype is not None and matrix.dtype != facts.dtype:
        matrix = _cast(matrix, facts.dtype)
    return from_matrix(facts.schema, matrix, lambda row, col: f"{tensor.place}.data[{row * width + col}]")


def _cast(matrix: Array, dtype: np.dtype[Any]) -> Array:
    """Return numbers in the model's float type if all of them have a place in it; else as they are, to be refused."""
    if matrix.dtype.kind not in "fiu":
        return matrix
    with np.errstate(over="ignore"):
        cast: Array = matrix.astype(dtype)
    return cast if np.isfinite(cast).all() else matrix


def _from_each(schema: Schema, tensors: Sequence[Tensor]) -> Batch:
    by_name: dict[str, Tensor] = {}
    for tensor in tensors:
        by_name.setdefault(tensor.name, tensor)
    _check_names(schema, tensors, by_name)
    for column in schema.columns:
        if column.name in by_name:
            _check_datatype(column, by_name[column.name])
    for tensor in tensors:
        if tensor.shape != (len(tensor.values),):
            _check_shape(tensor, 1)

    def locate(row: int, col: int) -> str:
        return f"{by_name[schema.columns[col].name].place}.data[{row}]"

    return from_columns(schema, {name: tensor.values for name, tensor in by_name.items()}, locate)


def _check_names(schema: Schema, tensors: Sequence[Tensor], by_name: dict[str, Tensor]) -> None:
    known = ", ".join(schema.names[:MOST_FAULTS]) + (", …" if len(schema.names) > MOST_FAULTS else "")
    names = set(schema.names)
    unknown = few(tensor for tensor in tensors if tensor.name not in names)
    faults = [Fault(f"{t.place}.name", f"one of {known}", f'"{t.name[:64]}"') for t in unknown]
    if faults:
        raise InvalidInput(f"unexpected inference input '{faults[0].got[1:-1]}': the inputs are {known}", faults)
    again = (tensor for tensor in tensors if by_name[tensor.name] is not tensor)
    refuse(Fault(f"{t.place}.name", "each input once", f'"{t.name[:64]}"') for t in again)


def _check_shape(tensor: Tensor, width: int) -> None:
    if len(tensor.shape) == 2 and tensor.shape[1] == width:  # noqa: PLR2004 - rows and columns
        return
    expected, got = f"[-1,{width}]", "[" + ",".join(map(str, tensor.shape)) + "]"
    raise InvalidInput(
        f"unexpected shape for input '{tensor.name[:128]}'. Expected {expected}, got {got}",
        [Fault(f"{tensor.place}.shape", expected, got)],
    )


def _check_datatype(column: Column, tensor: Tensor) -> None:
    expected, got = datatype_of(column.dtype), tensor.datatype
    if _kind(expected) == _kind(got):
        return
    raise InvalidInput(
        f"inference input '{tensor.name[:128]}' data-type is '{got}', but the model expects '{expected}'",
        [Fault(f"{tensor.place}.datatype", expected, got)],
    )


def _kind(datatype: str) -> str:
    return datatype if datatype in _NOT_NUMBERS else "number"
