"""What a model process answered, held against the version's schema before anything uses it."""

from collections.abc import Collection, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.schema import Output, Schema
from service.model_process.arrays import BadFrame
from service.model_process.frames import arrays_of
from service.model_process.messages import Answer, Piece

_TEXTS = 64 * 2**20
"""Bytes that the texts of one answer may take."""
_PADDING = 8


class Undeclared(ValueError):
    """The answer is whole, and not what the schema declares; ``str(error)`` says where it differs."""


class Declared:
    """What answers to a version have to be. ``unbounded`` are outputs whose numbers need not be finite."""

    def __init__(self, schema: Schema, unbounded: Collection[str] = ()) -> None:
        self._outputs: Mapping[str, tuple[Output, np.dtype[Any]]] = {
            output.name: (output, np.dtype(object if output.dtype == "string" else output.dtype))
            for output in schema.outputs
        }
        self._unbounded = frozenset(unbounded)

    def most_bytes(self, outputs: Sequence[str], rows: int) -> int:
        """Return how long the body of an answer to so many rows can be, in bytes."""
        return sum(self._bytes(*self._outputs[name], rows) for name in outputs)

    def _bytes(self, output: Output, dtype: np.dtype[Any], rows: int) -> int:
        count = rows * prod(output.shape)
        return count * 4 + _TEXTS if dtype.kind == "O" else count * dtype.itemsize + _PADDING

    def read(self, answer: Answer, body: memoryview, outputs: Sequence[str], rows: int) -> Mapping[str, Array]:
        """Return one array of ``rows`` entries for each output. Raises BadFrame, and Undeclared for a whole answer."""
        if tuple(piece.name for piece in answer.pieces) != tuple(outputs):
            raise BadFrame("it has not the outputs that were asked for")
        for piece in answer.pieces:
            self._check(piece, rows)
        arrays = arrays_of(answer.pieces, body)
        for name, array in arrays.items():
            self._check_finite(name, array)
        return arrays

    def _check(self, piece: Piece, rows: int) -> None:
        output, dtype = self._outputs[piece.name]
        if piece.shape != (rows, *output.shape):
            expected = [rows, *output.shape]
            raise Undeclared(f"it answered {output.name} in the shape {list(piece.shape)}: expected {expected}")
        if piece.dtype != dtype.str or piece.form != ("text" if dtype.kind == "O" else "raw"):
            raise Undeclared(f"it answered {output.name} as {piece.dtype[:32]}: expected {dtype.str}")

    def _check_finite(self, name: str, array: Array) -> None:
        if array.dtype.kind == "f" and name not in self._unbounded and not np.isfinite(array).all():
            raise Undeclared(f"it answered {name} with a number that is not finite")
