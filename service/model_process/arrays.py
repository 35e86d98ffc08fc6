"""Arrays as bytes, and back: plain memory for numbers and times; texts and values with gaps apart from what is there.

* ``raw``: the array's memory in C order. Bools, whole numbers, floats, times.
* ``text``: for each entry its length in UTF-8 bytes, int32, -1 for None; then the texts, one after the other.
* ``gaps``: the values as they are without gaps, with anything where one is missing; then a byte for each, 1 if it is
  there.

Each array takes a multiple of 8 bytes, so that the next one is aligned.
"""

import re
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from model_store.batch import Array
from service.model_process.messages import Form, Piece

Buffer = bytes | memoryview

_ALIGNMENT = 8
_MOST_DIMENSIONS = 8
_DTYPE = re.compile(r"\|b1|\|[iu]1|[<>](?:[iu][248]|f[48]|[mM]8\[(?:s|ms|us|ns)\])")
_LENGTH = np.dtype("<i4")
_HALF_CHARACTERS = "surrogatepass"
"""JSON can write half of a character, and a model that is asked with one is asked with the same one here."""


class BadFrame(ValueError):
    """Bytes that are no frame, or not the one that was expected."""


def packed(name: str, array: Array) -> tuple[Piece, list[Buffer]]:
    """Return an array's description and its bytes. Raises TypeError for an array of objects of another kind."""
    form, dtype, buffers = _packed(array)
    length = sum(len(buffer) for buffer in buffers)
    padding = -length % _ALIGNMENT
    if padding:
        buffers.append(bytes(padding))
    return Piece(name, dtype, array.shape, form, length + padding), buffers


def _packed(array: Array) -> tuple[Form, str, list[Buffer]]:
    if array.dtype.kind != "O":
        return "raw", array.dtype.str, [_memory(array)]
    flat = array.ravel().tolist()
    kinds = {type(value) for value in flat} - {type(None)}
    if kinds <= {str}:
        return "text", "|O", _texts(flat)
    if kinds <= {bool}:
        return "gaps", "|b1", _with_gaps(flat, np.dtype(bool))
    if kinds <= {int}:
        return "gaps", *_whole(flat)
    raise TypeError(f"an array of {', '.join(sorted(kind.__name__ for kind in kinds))} cannot be sent to a process")


def _memory(array: Array) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _texts(flat: Sequence[str | None]) -> list[Buffer]:
    encoded = [None if text is None else text.encode("utf-8", _HALF_CHARACTERS) for text in flat]
    lengths = np.array([-1 if text is None else len(text) for text in encoded], dtype=_LENGTH)
    return [_memory(lengths), b"".join(text for text in encoded if text)]


def _whole(flat: Sequence[int | None]) -> tuple[str, list[Buffer]]:
    dtype = np.dtype("<i8" if all(value is None or value < 2**63 for value in flat) else "<u8")
    return dtype.str, _with_gaps(flat, dtype)


def _with_gaps(flat: Sequence[Any], dtype: np.dtype[Any]) -> list[Buffer]:
    there = np.array([value is not None for value in flat], dtype=bool)
    values = np.array([0 if value is None else value for value in flat], dtype=dtype)
    return [_memory(values), _memory(there)]


def unpacked(piece: Piece, body: memoryview) -> Array:
    """Return the array that a description and its bytes are of; raw ones are a view of them. Raises BadFrame."""
    count = _count(piece)
    if piece.form == "text":
        return _from_texts(piece, body, count)
    dtype = _dtype(piece)
    if piece.form == "gaps":
        return _from_gaps(piece, body, count, dtype)
    _check_length(piece, count * dtype.itemsize)
    array = np.frombuffer(body, dtype, count)
    _check_bools(array)
    return array.reshape(piece.shape)


def _count(piece: Piece) -> int:
    if len(piece.shape) > _MOST_DIMENSIONS or any(length < 0 for length in piece.shape):
        raise BadFrame(f"{piece.name[:64]} has the shape {list(piece.shape[:16])}")
    return prod(piece.shape)


def _dtype(piece: Piece) -> np.dtype[Any]:
    if not _DTYPE.fullmatch(piece.dtype):
        raise BadFrame(f"{piece.name[:64]} has the dtype {piece.dtype[:32]!r}")
    return np.dtype(piece.dtype)


def _check_length(piece: Piece, expected: int) -> None:
    if piece.bytes != expected + -expected % _ALIGNMENT:
        raise BadFrame(f"{piece.name[:64]} has {piece.bytes} bytes: expected {expected}, and padding")


def _check_bools(array: Array) -> None:
    if array.dtype.kind == "b" and array.size and array.view(np.uint8).max() > 1:
        raise BadFrame("a bool is neither 0 nor 1")


def _from_texts(piece: Piece, body: memoryview, count: int) -> Array:
    if piece.bytes < count * _LENGTH.itemsize:
        raise BadFrame(f"{piece.name[:64]} has {piece.bytes} bytes for the lengths of {count} texts")
    lengths = np.frombuffer(body, _LENGTH, count)
    there = np.maximum(lengths, 0, dtype=np.int64)
    if count and lengths.min() < -1:
        raise BadFrame(f"{piece.name[:64]} has a text of less than no bytes")
    start = count * _LENGTH.itemsize
    _check_length(piece, start + int(there.sum()))
    ends = (start + np.cumsum(there)).tolist()
    try:
        values = [
            None if length < 0 else str(body[end - length : end], "utf-8", _HALF_CHARACTERS)
            for length, end in zip(lengths.tolist(), ends, strict=True)
        ]
    except UnicodeDecodeError as error:
        raise BadFrame(f"{piece.name[:64]} has a text that is not UTF-8") from error
    return _objects(values, piece.shape)


def _from_gaps(piece: Piece, body: memoryview, count: int, dtype: np.dtype[Any]) -> Array:
    if dtype.kind not in "biu":
        raise BadFrame(f"{piece.name[:64]} has gaps in {dtype.str}: expected bools or whole numbers")
    _check_length(piece, count * (dtype.itemsize + 1))
    values = np.frombuffer(body, dtype, count)
    there = np.frombuffer(body, np.bool_, count, count * dtype.itemsize)
    _check_bools(values)
    _check_bools(there)
    pairs = zip(values.tolist(), there.tolist(), strict=True)
    return _objects([value if is_there else None for value, is_there in pairs], piece.shape)


def _objects(values: Sequence[Any], shape: tuple[int, ...]) -> Array:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made.reshape(shape)
