"""TensorFlow Serving's own sentences about a value that does not fit, each made from the one row that it is about.

``model_store.validation`` finds what is wrong and where. These are the words that clients know for it from TensorFlow
Serving; if that would find nothing wrong, they are None, and validation's own words stand.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from math import prod
from typing import Any

from model_store.codecs.json import dumps
from model_store.schema import FLOATS, INTEGERS, Column
from service.dialects.tfserving.signatures import type_name

MOST_QUOTED_BYTES = 256
_MOST_LEVELS = 32
_MOST_WALKED = 10_000
"""How many values of a row are looked at for one that stands on the wrong level."""
_TYPES = {dict: "Object", list: "Array", str: "String", type(None): "Null"}


def of_row(rows: Sequence[Any], row: int, column: Column, place: int) -> str | None:
    """Return what is wrong with a row that is one tensor and has to agree with the first.

    ``place`` is where the row has the column's value.
    """
    first, shape = _shape(rows[0]), _shape(rows[row])
    return _misplaced(rows[row], 0, shape) or _disagreement(first, shape) or _mistyped(rows[row], column, place)


def of_column(rows: Sequence[Any], row: int, column: Column, place: int) -> str | None:
    """Return what is wrong with a row where all rows together are one tensor."""
    return _misplaced(rows[row], 1, _shape(rows)) or _mistyped(rows[row], column, place)


def of_element(rows: str, row: int, key: str, said: str) -> str:
    """Return what is said about one row of ``rows`` (``instances``); ``key`` names the input in it."""
    return f"Failed to process element: {row}{key} of '{rows}' list. Error: INVALID_ARGUMENT: {said}"


def json_type(value: Any) -> str:
    """Return what TensorFlow Serving calls a JSON value's type."""
    return str(value) if isinstance(value, bool) else _TYPES.get(type(value), "Number")


def quoted(value: Any) -> str:
    """Return a value as JSON for an error message, cut at 256 bytes."""
    try:
        text = dumps(value, nan="token")
    except (TypeError, RecursionError):  # nested deeper than orjson writes
        return f"({json_type(value)})"
    return cut(text.decode())


def cut(text: str) -> str:
    """Return a text, or as much of it as an error message quotes."""
    if len(text) <= MOST_QUOTED_BYTES // 4:
        return text
    return text.encode()[:MOST_QUOTED_BYTES].decode(errors="ignore")


def _shape(value: Any) -> list[int]:
    """Return the sizes along the first element at each level, as TensorFlow Serving guesses a tensor's shape."""
    shape: list[int] = []
    while isinstance(value, list) and len(shape) < _MOST_LEVELS:
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return shape


def _disagreement(first: list[int], shape: list[int]) -> str | None:
    if prod(first) != prod(shape):
        return f"Expecting tensor size: {prod(first)} but got: {prod(shape)}"
    if first != shape:
        return f"Expecting shape {_written(first)} but got: {_written(shape)}"
    return None


def _written(shape: list[int]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _misplaced(value: Any, level: int, shape: list[int]) -> str | None:
    """Return the first value or list that is not where the shape has it."""
    return next(filter(None, islice(_walk(value, level, shape), _MOST_WALKED)), None)


def _walk(value: Any, level: int, shape: list[int]) -> Iterator[str | None]:
    if not isinstance(value, list):
        yield (
            None
            if level == len(shape)
            else (
                f"JSON Value: {quoted(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                f"Expected at level: {len(shape)}"
            )
        )
    elif level >= len(shape):
        yield f"Encountered list at unexpected level: {level} expected < {len(shape)}"
    elif len(value) != shape[level]:
        yield f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
    else:
        yield None
        for inner in value:
            yield from _walk(inner, level + 1, shape)


def _mistyped(row: Any, column: Column, place: int) -> str | None:
    value = row[place] if isinstance(row, list) and place < len(row) else row
    if isinstance(value, list) or type(value) in _taken(column):
        return None
    return f"JSON Value: {quoted(value)} Type: {json_type(value)} is not of expected type: {type_name(column.dtype)}"


def _taken(column: Column) -> set[type]:
    """Return the types that TensorFlow Serving takes for a column; a whole number that is refused is out of range."""
    if column.dtype in FLOATS:
        return {int, float}
    if column.dtype in INTEGERS:
        return {int} if column.closed else set()
    return {bool} if column.dtype == "bool" else {str}
