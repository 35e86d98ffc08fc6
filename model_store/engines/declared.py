"""An estimator's answer in the shape and dtype that its schema declares; what does not fit is refused."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from model_store.batch import Array
from model_store.engines.answers import NUMBER_TYPES, as_numbers, texts
from model_store.errors import UndeclaredAnswer
from model_store.missing import is_missing
from model_store.schema import DTYPES, Output

Flags = npt.NDArray[np.bool_]

_WANTED: Mapping[str, np.dtype[Any]] = {name: np.dtype(name) for name in DTYPES if name != "string"}
_EXACT = {"float32": 2**24, "float64": 2**53}
"""Whole numbers up to here are exact as floats."""
_SHOWN = 40


def as_declared(answer: Array, output: Output, rows: int) -> Array:
    """Return the answer to ``rows`` rows as an array of shape ``(rows, *output.shape)`` and of the output's dtype.

    Values stay what they are: floats become integers only if they are whole, integers become floats only if these hold
    them exactly. A float64 is rounded to a declared float32. Strings become an object array of str, None for a missing
    one; missing entries of an object array become NaN in floats. Raises UndeclaredAnswer for all else.
    """
    shaped = answer if answer.shape == (rows, *output.shape) else _flat(answer, output, rows)
    if output.dtype == "string":
        return _strings(shaped, output)
    wanted = _WANTED[output.dtype]
    return shaped if shaped.dtype == wanted else _cast(_numbers(shaped, output), wanted, output)


def _flat(answer: Array, output: Output, rows: int) -> Array:
    """Return a column as the flat array that is declared: some classifiers answer labels so."""
    if not output.shape and answer.shape == (rows, 1):
        return answer.reshape(rows)
    raise UndeclaredAnswer(
        f"the model answered {output.name} in another shape than it is declared with: expected "
        f"{[rows, *output.shape]}, got {list(answer.shape)}"
    )


def _strings(answer: Array, output: Output) -> Array:
    if answer.dtype.kind not in "iuf":
        return texts(answer)
    there: Flags = answer == answer  # noqa: PLR0124 - NaN alone differs from itself
    if there.any():
        raise _misfit(answer, there, output)
    return np.full(answer.shape, None, dtype=object)


def _numbers(answer: Array, output: Output) -> Array:
    if answer.dtype.kind != "O":
        return answer
    found = as_numbers(answer)
    if found is None:
        raise _misfit(answer, np.array([not _is_number(value) for value in answer.ravel().tolist()]), output)
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, NUMBER_TYPES) or is_missing(value)


def _cast(answer: Array, wanted: np.dtype[Any], output: Output) -> Array:
    if not answer.size:
        return np.empty(answer.shape, dtype=wanted)
    if not _castable(answer.dtype.kind, wanted.kind):
        raise _misfit(answer, np.ones(answer.shape, dtype=bool), output)
    with np.errstate(over="ignore", invalid="ignore"):
        cast = answer.astype(wanted)
        wrong = _wrong(answer, cast)
    if wrong.any():
        raise _misfit(answer, wrong, output)
    return cast


def _castable(given: str, wanted: str) -> bool:
    return (given in "biuf" and wanted in "biuf") or (given == wanted and given in "mM")


def _wrong(answer: Array, cast: Array) -> Flags:
    """Return which entries a cast has changed."""
    if answer.dtype.kind in "mM":
        kept: Flags = (cast.astype(answer.dtype) == answer) | np.isnat(answer)
        return ~kept
    if answer.dtype.kind == "b":
        return np.zeros(answer.shape, dtype=bool)
    return _WRONG_NUMBERS[cast.dtype.kind](answer, cast)


def _wrong_bools(answer: Array, _cast: Array) -> Flags:
    kept: Flags = (answer == 0) | (answer == 1)
    return ~kept


def _wrong_integers(answer: Array, cast: Array) -> Flags:
    limits = np.iinfo(cast.dtype)
    if answer.dtype.kind != "f":
        return _outside(answer, limits.min, limits.max)
    fits = (answer >= float(limits.min)) & (answer < float(limits.max + 1))  # the largest itself may round up
    kept: Flags = fits & (np.trunc(answer) == answer)
    return ~kept


def _outside(whole: Array, least: int, most: int) -> Flags:
    """Compare as Python does: NumPy compares int64 with uint64 as floats."""
    if not whole.size or (least <= int(whole.min()) and int(whole.max()) <= most):
        return np.zeros(whole.shape, dtype=bool)
    return np.array([not least <= value <= most for value in whole.ravel().tolist()]).reshape(whole.shape)


def _wrong_floats(answer: Array, cast: Array) -> Flags:
    if answer.dtype.kind == "f":
        return np.isinf(cast) & np.isfinite(answer)
    exact = _EXACT[cast.dtype.name]
    if not answer.size or (int(answer.min()) >= -exact and int(answer.max()) <= exact):
        return np.zeros(answer.shape, dtype=bool)
    pairs = zip(answer.ravel().tolist(), cast.ravel().tolist(), strict=True)
    return np.array([one != other for one, other in pairs]).reshape(answer.shape)


_WRONG_NUMBERS = {"b": _wrong_bools, "i": _wrong_integers, "u": _wrong_integers, "f": _wrong_floats}


def _misfit(answer: Array, wrong: Flags, output: Output) -> UndeclaredAnswer:
    """Return the error that names the first wrong entry; it is the first of all if none is wrong by itself."""
    first = int(np.argmax(wrong))
    row = first * len(answer) // answer.size
    value = answer.ravel()[first]
    shown = (str(value) if answer.dtype.kind in "mM" else repr(getattr(value, "item", lambda: value)()))[:_SHOWN]
    return UndeclaredAnswer(
        f"the model answered {output.name} with what the declared {output.dtype} cannot hold: {shown}, in row {row}. "
        "Publish it again with a sample whose answers show such values"
    )
