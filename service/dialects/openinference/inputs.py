"""Input tensors against a schema: one tensor with a column for each feature, or a tensor for each column."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model_store.batch import Array, Batch
from model_store.remembered import remembered
from model_store.request_errors import MOST_FAULTS, Fault, InvalidInput, few, refuse
from model_store.schema import FLOATS, NUMBERS, Column, Schema
from model_store.validation.columns import from_columns, from_matrix
from service.dialects.openinference.metadata import datatype_of
from service.dialects.openinference.tensors import Tensor, held, objects, packed

_NOT_NUMBERS = frozenset({"BOOL", "BYTES"})
_FORM = {"name", "datatype", "shape", "data"}


def batch(schema: Schema, tensors: Sequence[Tensor]) -> Batch:
    """Return the rows that the tensors hold. Raises InvalidInput, with places such as ``inputs[0].data[7]``."""
    facts = _facts_of(schema)
    if len(tensors) == 1 and _holds_all_columns(facts, tensors[0]):
        return _from_one(facts, tensors[0])
    return _from_each(schema, tensors)


def plain(schema: Schema, documents: Sequence[Any], max_rows: int) -> Batch | None:
    """Return the rows of tensors of floats in JSON that say no more of themselves than they must.

    They are one for all columns, or one for each, and the model's columns are of one float type. None if a closer look
    is needed. Raises InvalidInput as ``batch`` does.
    """
    facts = _facts_of(schema)
    if facts.dtype is None or len(documents) not in {1, facts.width}:
        return None
    width = facts.width // len(documents)
    found = [_plain(document, width, max_rows) for document in documents]
    if any(values is None for values in found):
        return None
    if len(found) == 1:
        return _from_numbers(facts, found[0], "inputs[0]")
    places = {document["name"]: i for i, document in enumerate(documents)}
    if places.keys() != facts.names:
        return None
    columns = {name: found[i] for name, i in places.items()}
    return from_columns(schema, columns, lambda row, col: f"inputs[{places[schema.columns[col].name]}].data[{row}]")


def takes_floats(schema: Schema) -> bool:
    """Return whether the model's columns are of one float type."""
    return _facts_of(schema).dtype is not None


def is_plain(schema: Schema, documents: Sequence[Any], max_rows: int) -> bool:
    """Return whether ``plain`` takes a single tensor, whose data may be a flat array of float64 already."""
    single = takes_floats(schema) and len(documents) == 1
    return single and _plain(documents[0], len(schema.columns), max_rows) is not None


def _plain(document: Any, width: int, max_rows: int) -> Any:
    """Return a tensor's numbers as a flat array of float64; None if a closer look is needed."""
    if type(document) is not dict or document.keys() != _FORM or type(document["name"]) is not str:
        return None
    datatype, shape, data = document["datatype"], document["shape"], document["data"]
    if datatype not in ("FP32", "FP64") or type(shape) is not list or type(data) not in (list, np.ndarray):
        return None
    if shape[1:] != [width] and (width > 1 or len(shape) != 1):
        return None
    if set(map(type, shape)) != {int} or not 0 < shape[0] <= max_rows:
        return None
    return (packed if type(data) is list else held)(data, datatype, shape[0] * width)


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
    if tensor.datatype == "BOOL":
        return _from_bools(facts, tensor)
    return _from_numbers(facts, tensor.values, tensor.place)


def _from_bools(facts: _Facts, tensor: Tensor) -> Batch:
    """Return the rows of one tensor of bools, which columns of numbers take as 0 and 1."""
    width = facts.width
    flat = tensor.values.reshape(-1, width)
    columns = {column.name: _as_taken(column, flat[:, i]) for i, column in enumerate(facts.schema.columns)}
    return from_columns(facts.schema, columns, lambda row, col: f"{tensor.place}.data[{row * width + col}]")


def _as_taken(column: Column, values: Array) -> Array:
    """Return bools as whole numbers for a column of numbers, None for a missing one; other values as they are."""
    if column.dtype not in NUMBERS:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8)
    if values.dtype == object:
        return objects([int(value) if type(value) is bool else value for value in values.tolist()])
    return values


def _from_numbers(facts: _Facts, values: Array, place: str) -> Batch:
    width = facts.width
    matrix = values.reshape(-1, width)
    if facts.dtype is not None and matrix.dtype != facts.dtype:
        matrix = _cast(matrix, facts.dtype)
    return from_matrix(facts.schema, matrix, lambda row, col: f"{place}.data[{row * width + col}]")


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

    taken = {c.name: _as_taken(c, by_name[c.name].values) for c in schema.columns if c.name in by_name}
    return from_columns(schema, taken, locate)


def _check_names(schema: Schema, tensors: Sequence[Tensor], by_name: dict[str, Tensor]) -> None:
    again = (tensor for tensor in tensors if by_name[tensor.name] is not tensor)
    refuse(Fault(f"{t.place}.name", "each input once", f'"{t.name[:64]}" a second time') for t in again)
    known = ", ".join(schema.names[:MOST_FAULTS]) + (", …" if len(schema.names) > MOST_FAULTS else "")
    names = set(schema.names)
    unknown = few(tensor for tensor in tensors if tensor.name not in names)
    faults = [Fault(f"{t.place}.name", f"one of {known}", f'"{t.name[:64]}"') for t in unknown]
    if faults:
        raise InvalidInput(f"unexpected inference input '{faults[0].got[1:-1]}': the inputs are {known}", faults)


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
    if _kind(expected) == _kind(got) or (got == "BOOL" and column.dtype in NUMBERS):
        return
    raise InvalidInput(
        f"inference input '{tensor.name[:128]}' data-type is '{got}', but the model expects '{expected}'",
        [Fault(f"{tensor.place}.datatype", expected, got)],
    )


def _kind(datatype: str) -> str:
    return datatype if datatype in _NOT_NUMBERS else "number"
