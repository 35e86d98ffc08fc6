"""JSON bodies: bytes to plain Python values and back.

``loads`` reads with orjson. What orjson refuses is mended, if it can be, and read again; everything else is a
MalformedRequest that names the offset in bytes; no input raises anything else. A byte order mark before the text is
skipped. If an object names a key twice, the last one wins. Whole numbers outside of -2**63 … 2**64 - 1 are read as
floats; numbers beyond a double are refused.

``dumps`` writes with orjson, NumPy arrays included: float32 in its shortest form, floats always with a point or an
exponent, 64-bit integers plain.
"""

import math
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Literal

import numpy as np
import orjson

from model_store.batch import Array
from model_store.codecs import json_mending
from model_store.request_errors import PayloadTooLarge

CONTAINERS_PER_ROW = 10
"""How many arrays and objects a body may hold for each row that it may hold."""
FREE_CONTAINERS = 10_000
"""How many it may hold besides those."""

_OPENING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|([\[{])', re.DOTALL)
_BLANKS = b" " * len(BOM_UTF8)
Tokens = Mapping[str, bytes]

_TOKENS: Tokens = {"nan": b"NaN", "inf": b"Infinity", "-inf": b"-Infinity"}


def loads(body: bytes, *, tolerant: bool = False, max_rows: int | None = None) -> Any:
    """Return the value that a JSON body holds. Raises MalformedRequest and PayloadTooLarge.

    ``max_rows``: raise PayloadTooLarge, before anything is read, if the body holds so many arrays and objects that
    it must have more rows or hold what no rows are. Each costs up to a hundred times its bytes in memory.

    ``tolerant``: bytes after the root value are ignored, and arrays and objects may nest to any depth in a body of up
    to ``json_mending.LONGEST_DEEP``: what nests too deep is read and then stands as null.
    """
    if len(body) > FREE_CONTAINERS and max_rows is not None:
        _check_containers(body, CONTAINERS_PER_ROW * max_rows + FREE_CONTAINERS)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        if body.startswith(BOM_UTF8):
            return loads(_BLANKS + body[len(BOM_UTF8) :], tolerant=tolerant)
        return json_mending.read(body, tolerant=tolerant)


def dumps(value: Any, *, nan: Literal["null", "token"] = "null") -> bytes:
    """Write a JSON document of plain values, mappings, sequences and NumPy arrays of any order but those of dates.

    JSON has neither NaN nor infinity. ``nan`` is what NaN becomes: ``null``, which all parsers read and most as a
    missing value, or the bare token ``NaN``. Infinities become the bare tokens ``Infinity`` and ``-Infinity``, as
    TensorFlow Serving, Triton and Python's json module write and read them: ``null`` would be another value.
    """
    written = orjson.dumps(value, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)
    if b"null" not in written or not _needs_tokens(value, np.isinf if nan == "null" else _is_not_finite):
        return written
    tokens = {**_TOKENS, "nan": b"null"} if nan == "null" else _TOKENS
    return orjson.dumps(_with_tokens(value, tokens), default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)


def writable(array: Array) -> Array:
    """Return the array as ``dumps`` writes it: dates as an object array of ISO 8601 text, None for a missing one.

    orjson writes a missing date as one of the year 1677, and cuts dates after microseconds.
    """
    if array.dtype.kind != "M":
        return array
    texts = [None if text == "NaT" else _shortened(text) for text in np.datetime_as_string(array).ravel().tolist()]
    made = np.empty(len(texts), dtype=object)
    made[:] = texts
    return made.reshape(array.shape)


def _shortened(text: str) -> str:
    """Return a time without zeros of milliseconds, microseconds and nanoseconds at its end."""
    whole, _, fraction = text.partition(".")
    while fraction.endswith("000"):
        fraction = fraction[:-3]
    return f"{whole}.{fraction:0<6}" if fraction else whole


def _check_containers(body: bytes, most: int) -> None:
    """Count brackets and, only if there are so many, those outside of strings."""
    if len(body) <= 2 * most or body.count(b"[") + body.count(b"{") <= most:
        return
    openings = (1 for found in _OPENING.finditer(body) if found[1])
    if sum(islice(openings, most + 1)) > most:
        raise PayloadTooLarge(f"The body holds more than {most} arrays and objects: send fewer rows at once")


def _plain(value: Any) -> Any:
    """Return what orjson does not write itself: arrays of strings or in another order, NumPy's other scalars, bytes.

    Raises TypeError for other types.
    """
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _is_not_finite(value: Any) -> Any:
    return ~np.isfinite(value)


def _needs_tokens(value: Any, special: Callable[[Any], Any]) -> bool:
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        return value.dtype.kind == "f" and bool(special(value).any())
    if isinstance(value, Mapping):
        return any(_needs_tokens(inner, special) for inner in value.values())
    if isinstance(value, list | tuple | np.ndarray):
        return any(_needs_tokens(inner, special) for inner in value)
    return isinstance(value, float | np.floating) and bool(special(value))


def _with_tokens(value: Any, tokens: Tokens) -> Any:
    if isinstance(value, np.ndarray):
        return _array_with_tokens(value, tokens)
    if isinstance(value, Mapping):
        return {key: _with_tokens(inner, tokens) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_tokens(inner, tokens) for inner in value]
    if isinstance(value, float | np.floating) and not math.isfinite(value):
        return orjson.Fragment(tokens[str(float(value))])
    return value


def _array_with_tokens(array: Array, tokens: Tokens) -> Any:
    if array.dtype.kind == "O":
        return _with_tokens(array.tolist(), tokens)
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return array
    special: Iterator[bytes] = (tokens[str(number)] for number in array[~np.isfinite(array)].tolist())
    written = orjson.dumps(np.ascontiguousarray(array), default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)
    return orjson.Fragment(re.sub(rb"null", lambda _: next(special), written))
