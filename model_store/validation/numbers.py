"""Rows that are nothing but numbers and allowed gaps: a matrix in one step."""

import math
import struct
from collections.abc import Sequence
from itertools import chain, starmap
from types import NoneType
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.validation.facts import Facts

_NUMBERS = frozenset({int, float})
_NUMBERS_AND_GAPS = frozenset({int, float, NoneType})
_FEW = 8  # rows; up to that np.array is faster than packing


def matrix_of(facts: Facts, rows: Sequence[Sequence[Any]]) -> Array | None:
    """Return rows of nothing but JSON numbers and allowed gaps as a matrix; None if a closer look is needed."""
    try:
        if facts.dtype.kind == "f":
            return _float_matrix(facts, rows)
        return _whole_matrix(facts, rows)
    except OverflowError:
        return None


def in_dtype(facts: Facts, numbers: Array) -> Array | None:
    """Return a matrix of float64 in the schema's dtype, whole numbers if that is one of them; None if one does not fit.

    None, too, if a number is not finite in that dtype or out of its column's range. ``(rows, columns)`` stay.
    """
    if facts.dtype.kind == "f":
        return _float_dtype(facts, numbers)
    bounds = np.iinfo(facts.dtype)
    if numbers.min() < bounds.min or numbers.max() > bounds.max:
        return None
    matrix = numbers.astype(facts.dtype)
    return matrix if facts.allows(matrix) else None


def stacked(facts: Facts, columns: Sequence[Array]) -> Array | None:
    """Return one array for each column as a matrix; None if a closer look is needed.

    That is so unless all are 1-D, of one length, and of the schema's dtype or, if that is one of floats, of another.
    """
    first = columns[0]
    floats = first.dtype.kind == facts.dtype.kind == "f"
    if first.ndim != 1 or not len(first) or not (floats or first.dtype == facts.dtype):
        return None
    if any(column.dtype != first.dtype or column.shape != first.shape for column in columns):
        return None
    with np.errstate(over="ignore"):
        matrix = np.ascontiguousarray(np.concatenate(columns).reshape(facts.width, -1).T, dtype=facts.dtype)
    return matrix if facts.allows(matrix) else None


def _whole_matrix(facts: Facts, rows: Sequence[Sequence[Any]]) -> Array | None:
    matrix = np.array(rows, dtype=facts.dtype) if _kinds(rows) == {int} else None
    return None if matrix is None or not facts.allows(matrix) else matrix


def _float_matrix(facts: Facts, rows: Sequence[Sequence[Any]]) -> Array | None:
    matrix = _packed(facts, rows) if len(rows) > _FEW else None
    if matrix is None:
        kinds = _kinds(rows)
        if not kinds <= _NUMBERS_AND_GAPS:
            return None
        matrix = np.array(rows, dtype=np.float64)  # None becomes NaN
        if len(rows) == 1 and facts.dtype == np.float64 and kinds <= _NUMBERS and all(map(math.isfinite, rows[0])):
            return matrix if not facts.bounded or facts.allows(matrix) else None  # C's loop beats NumPy's set-up
    return _float_dtype(facts, matrix)


def _float_dtype(facts: Facts, matrix: Array) -> Array | None:
    if facts.dtype != np.float64:
        with np.errstate(over="ignore"):
            matrix = matrix.astype(facts.dtype)
    return matrix if facts.allows(matrix) else None


def _packed(facts: Facts, rows: Sequence[Sequence[Any]]) -> Array | None:
    """Pack rows of ints and floats as float64, at a third of the cost of ``np.array``; None if there is anything else.

    Packing takes bools for 0 and 1, so those two are looked at again.
    """
    try:
        matrix = np.frombuffer(bytearray().join(starmap(facts.pack, rows))).reshape(len(rows), facts.width)
    except struct.error:
        return None
    if ((matrix == 0) | (matrix == 1)).any() and bool in _kinds(rows):
        return None
    return matrix


def _kinds(rows: Sequence[Sequence[Any]]) -> set[type]:
    return set(map(type, chain.from_iterable(rows)))
