"""JSON bodies: bytes to plain Python values and back.

``loads`` reads with orjson. What orjson refuses is mended, if it can be, and read again; everything else is a
MalformedRequest that names the offset in bytes; no input raises anything else. If an object names a key twice, the
last one wins. Whole numbers outside of -2**63 … 2**64 - 1 are read as floats; numbers beyond a double are refused.

``dumps`` writes with orjson, NumPy arrays included: float32 in its shortest form, floats always with a point or an
exponent, 64-bit integers plain.
"""

import math
import re
from collections.abc import Iterator, Mapping
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
_TOKENS = {"nan": b"NaN", "inf": b"Infinity", "-inf": b"-Infinity"}


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
        return json_mending.read(body, tolerant=tolerant)


def dumps(value: Any, *, nan: Literal["null", "token"] = "null") -> bytes:
    """Write a JSON document of plain values, mappings, sequences and NumPy arrays of any dtype and order.

    ``nan``: what NaN and the infinities become, ``null`` or the bare tokens ``NaN``, ``Infinity`` and ``-Infinity``
    (not JSON, but what TensorFlow Serving and Python's own json module write).
    """
    written = orjson.dumps(value, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)
    if nan == "null" or b"null" not in written:
        return written
    return orjson.dumps(_with_tokens(value), default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)


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


def _with_tokens(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _array_with_tokens(value)
    if isinstance(value, Mapping):
        return {key: _with_tokens(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_tokens(inner) for inner in value]
    if isinstance(value, float | np.floating) and not math.isfinite(value):
        return orjson.Fragment(_TOKENS[str(float(value))])
    return value


def _array_with_tokens(array: Array) -> Any:
    if array.dtype.kind == "O":
        return _with_tokens(array.tolist())
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return array
    tokens: Iterator[bytes] = (_TOKENS[str(number)] for number in array[~np.isfinite(array)].tolist())
    written = orjson.dumps(np.ascontiguousarray(array), default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)
    return orjson.Fragment(re.sub(rb"null", lambda _: next(tokens), written))
