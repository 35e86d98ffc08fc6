"""One column at a time: its values as an array of its dtype, in one step if all fit, else value by value."""

from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any

import numpy as np
import numpy.typing as npt

from model_store.batch import Array
from model_store.missing import is_missing
from model_store.request_errors import MOST_FAULTS, Fault, few
from model_store.schema import FLOATS, INTEGERS, NUMBERS, Column
from model_store.validation.ranges import limits, outside
from model_store.validation.values import converter, listed
from model_store.validation.words import misfit

_NUMBERS = frozenset({int, float})
_DIRECT = frozenset({*NUMBERS, "bool"})
_FEW = 8  # rows; up to that a plain loop is faster than the set-up of anything better
_EXACT = 2**53  # whole numbers up to here are exact as float64


def cast_column(
    column: Column, values: Sequence[Any] | Array, locate: Callable[[int], str], faults: list[Fault]
) -> Array:
    """Return the values as a 1-D array of the column's dtype, and append what does not fit to ``faults``.

    ``locate`` names the place of a row. Once there are faults the array is of no use.
    """
    if isinstance(values, np.ndarray):
        if values.dtype.kind in "fiub":
            return _cast_array(column, values, locate, faults)
        if values.dtype.name == column.dtype and (column.nullable or not np.isnat(values).any()):
            return values  # times, already in the column's unit and in UTC
        values = listed(values)
    fast = _cast_list(column, values) if len(values) > _FEW else None
    return _cast_each(column, values, locate, faults) if fast is None else fast


def _cast_list(column: Column, values: Sequence[Any]) -> Array | None:
    """Cast JSON values that all fit, in one step; None if a closer look is needed."""
    kinds = set(map(type, values))
    if column.nullable:
        kinds.discard(NoneType)
    if column.dtype == "string":
        return _strings(column, values) if kinds == {str} else None
    try:
        made = _alike(column, values, kinds)
    except OverflowError:
        return None
    if made is None or made.dtype.kind == "O":
        return made
    faults: list[Fault] = []
    cast = _cast_array(column, made, str, faults)
    return None if faults else cast


def _alike(column: Column, values: Sequence[Any], kinds: set[type]) -> Array | None:
    """Return numbers alone or bools alone, not yet of the column's own width. Raises OverflowError."""
    if column.dtype in FLOATS:
        return np.array(values, dtype=np.float64) if kinds <= _NUMBERS else None  # None becomes NaN
    if column.dtype == "bool":
        return _array(column, values) if kinds == {bool} else None
    whole = column.dtype in INTEGERS and kinds == {int} and None not in values
    return _array(column, values) if whole else None


def _strings(column: Column, values: Sequence[Any]) -> Array | None:
    if column.closed and not set(values) <= {*column.categories, None}:
        return None
    return _array(column, values)


def _cast_array(column: Column, values: Array, locate: Callable[[int], str], faults: list[Fault]) -> Array:
    """Cast a number or bool array into the column's dtype."""
    want = column.dtype
    if (want == "bool") != (values.dtype.kind == "b") or want not in _DIRECT:
        return _cast_each(column, values.tolist(), locate, faults)
    if want in INTEGERS and values.dtype.kind == "f":
        return _cast_whole(column, values, locate, faults)
    if want == "bool":
        return values.astype(object if column.nullable else bool)
    with np.errstate(over="ignore"):
        cast = values.astype(want)
    wrong = few(np.flatnonzero(_wrong_numbers(column, values, cast)).tolist())
    faults.extend(misfit(column, locate(row), values[row].item()) for row in wrong)
    return cast


def _cast_whole(column: Column, values: Array, locate: Callable[[int], str], faults: list[Fault]) -> Array:
    """Cast floats into an integer column: in one step if all are whole and exact."""
    with np.errstate(over="ignore"):  # the largest of float16 is far below _EXACT
        exact = np.all(np.abs(values) <= _EXACT)
    if exact and np.all(np.trunc(values) == values):
        return _cast_array(column, values.astype(np.int64), locate, faults)
    return _cast_each(column, values.tolist(), locate, faults)


def _wrong_numbers(column: Column, values: Array, cast: Array) -> npt.NDArray[np.bool_]:
    wrong = np.zeros(len(values), dtype=bool)
    if cast.dtype.kind == "f":
        wrong |= np.isinf(cast) if column.nullable else ~np.isfinite(cast)
    else:
        info = np.iinfo(cast.dtype)
        wrong |= (values < info.min) | (values > info.max)
    if column.bounded:
        wrong |= outside(cast, *limits(column))
    if column.closed:
        wrong |= ~np.isin(cast, np.array(column.categories)) & (cast == cast)  # noqa: PLR0124 - NaN is not a category
    return wrong


def _cast_each(column: Column, values: Sequence[Any], locate: Callable[[int], str], faults: list[Fault]) -> Array:
    """Cast value by value: the path of dates, of the unusual, and of faults."""
    convert = converter(column)
    known = (frozenset(column.categories) if len(values) > _FEW else column.categories) if column.closed else None
    made: list[Any] = []
    for row, value in enumerate(values):
        missing = is_missing(value)
        result = None if missing else convert(column, value)
        fits = column.nullable if missing else result is not None and (known is None or result in known)
        if not fits:
            faults.append(misfit(column, locate(row), value))
            if len(faults) >= MOST_FAULTS:
                break
        made.append(result)
    return np.empty(0) if faults else _array(column, made)


def _array(column: Column, made: Sequence[Any]) -> Array:
    """Return values that fit, None for missing, as the array that a batch holds for the column."""
    if column.dtype == "string" or (column.dtype == "bool" and column.nullable):
        return _objects(made)
    if column.dtype in INTEGERS and None in made:
        return _objects(made)  # as floats, large ones would answer for each other
    return np.array(made, dtype=column.dtype)


def _objects(made: Sequence[Any]) -> Array:
    objects = np.empty(len(made), dtype=object)
    objects[:] = made
    return objects
