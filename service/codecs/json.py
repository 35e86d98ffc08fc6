"""JSON bodies: bytes to plain Python values and back.

``loads`` reads with orjson. What orjson refuses gets a second, slower reading that knows the tokens ``NaN``,
``Infinity`` and ``-Infinity`` and, where the caller asks for it, is as tolerant as TensorFlow Serving's parser.
Everything else is a MalformedRequest that names the offset in bytes; no input raises anything else. Where an object
names a key twice, the last one wins. Whole numbers outside of -2**63 … 2**64 - 1 are read as floats; numbers beyond a
double are refused.

``dumps`` writes with orjson, NumPy arrays included: float32 in its shortest form, floats always with a point or an
exponent, 64-bit integers plain.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Literal, NoReturn

import numpy as np
import orjson

from model_store.batch import Array
from service.errors import Fault, MalformedRequest, PayloadTooLarge

DEEPEST = 512
"""How many arrays and objects may nest in the second reading; orjson's own limit is 1024."""
LONGEST_DEEP = 2**20
"""Longest text, in characters, that is read past ``DEEPEST``: it costs about half a microsecond a character."""

CONTAINERS_PER_ROW = 10
"""How many arrays and objects a body may hold for each row that it may hold."""
FREE_CONTAINERS = 10_000
"""How many it may hold beside those."""

_OPENING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|([\[{])', re.DOTALL)
_SPACE = re.compile(r"[ \t\n\r]*")
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|([\[{])|([\]}])', re.DOTALL)
_NUMBER = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|(-?[0-9][0-9.eE+-]*)', re.DOTALL)
_PAIR_OR_HALF = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F])|.)", re.DOTALL
)
_TOKENS = {"nan": b"NaN", "inf": b"Infinity", "-inf": b"-Infinity"}


class _TooBig(ValueError):
    """A number that no double holds; its text is the argument."""


def loads(body: bytes, *, tolerant: bool = False, max_rows: int | None = None) -> Any:
    """The value that a JSON body holds; raises MalformedRequest.

    ``max_rows``: raise PayloadTooLarge, before anything is read, where the body holds so many arrays and objects that
    it must have more rows or hold what no rows are. Each costs up to a hundred times its bytes in memory.

    ``tolerant``: bytes after the root value are ignored, and arrays and objects may nest to any depth in a body of up
    to ``LONGEST_DEEP``. Callers must then not recurse into values that they did not ask for.
    """
    if len(body) > FREE_CONTAINERS and max_rows is not None:
        _check_containers(body, CONTAINERS_PER_ROW * max_rows + FREE_CONTAINERS)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _read_again(body, tolerant=tolerant)


def dumps(value: Any, *, nan: Literal["null", "token"] = "null") -> bytes:
    """A JSON document of plain values, mappings, sequences and NumPy arrays of any dtype and order.

    ``nan``: what NaN and the infinities become, ``null`` or the bare tokens ``NaN``, ``Infinity`` and ``-Infinity``
    (not JSON, but what TensorFlow Serving and Python's own json module write).
    """
    written = orjson.dumps(value, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)
    if nan == "null" or b"null" not in written:
        return written
    return orjson.dumps(_with_tokens(value), default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)


def _check_containers(body: bytes, most: int) -> None:
    """Count brackets, and only where there are so many, those outside of strings."""
    if len(body) <= 2 * most or body.count(b"[") + body.count(b"{") <= most:
        return
    openings = (1 for found in _OPENING.finditer(body) if found[1])
    if sum(islice(openings, most + 1)) > most:
        raise PayloadTooLarge(f"The body holds more than {most} arrays and objects: send fewer rows at once")


def _read_again(body: bytes, *, tolerant: bool) -> Any:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _malformed(error.start, "not UTF-8") from None
    start = _past_space(text, 0)
    if start == len(text):
        raise MalformedRequest("JSON Parse error: The document is empty")
    try:
        value, end = _read(text, start, tolerant=tolerant)
    except json.JSONDecodeError as error:
        _refuse(text, error.pos, error.msg[:1].lower() + error.msg[1:])
    except _TooBig as big:
        _refuse(text, _number_at(text, str(big)), "number too big for a double")
    if not tolerant and _past_space(text, end) < len(text):
        _refuse(text, _past_space(text, end), "extra data after the document")
    _refuse_half_pairs(text, end)
    return value


def _read(text: str, start: int, *, tolerant: bool) -> tuple[Any, int]:
    deep = _too_deep_at(text)
    if deep is not None and not (tolerant and len(text) <= LONGEST_DEEP):
        _refuse(text, deep, f"more than {DEEPEST} levels")
    try:
        return _walk(text, start) if deep is not None else _DECODE(text, start)
    except RecursionError:
        _refuse(text, start, "too many levels")


def _walk(text: str, at: int) -> tuple[Any, int]:
    """One value of any depth and where it ends: a loop over what is open, because recursion would not come back."""
    unfinished: list[list[Any] | dict[str, Any]] = []
    keys: list[str] = []
    while True:
        at = _past_space(text, at)
        opening = text[at : at + 1]
        if opening in {"[", "{"}:
            fresh: list[Any] | dict[str, Any] = [] if opening == "[" else {}
            at = _past_space(text, at + 1)
            if text[at : at + 1] != _closing(fresh):
                unfinished.append(fresh)
                at = _key(text, at, fresh, keys)
                continue
            value, at = fresh, at + 1
        else:
            value, at = _DECODE(text, at)
        while unfinished:
            inner = unfinished[-1]
            _attach(inner, keys, value)
            at = _past_space(text, at)
            mark = text[at : at + 1]
            if mark == ",":
                at = _key(text, _past_space(text, at + 1), inner, keys)
                break
            if mark != _closing(inner):
                raise json.JSONDecodeError(f"Expecting ',' or {_closing(inner)!r}", text, at)
            value, at = unfinished.pop(), at + 1
        else:
            return value, at


def _closing(container: list[Any] | dict[str, Any]) -> str:
    return "]" if isinstance(container, list) else "}"


def _attach(container: list[Any] | dict[str, Any], keys: list[str], value: Any) -> None:
    if isinstance(container, list):
        container.append(value)
    else:
        container[keys.pop()] = value


def _key(text: str, at: int, container: list[Any] | dict[str, Any], keys: list[str]) -> int:
    """Where the next member's value starts; an object's key goes onto ``keys``."""
    if isinstance(container, list):
        return at
    if text[at : at + 1] != '"':
        raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
    key, at = _DECODE(text, at)
    keys.append(key)
    at = _past_space(text, at)
    if text[at : at + 1] != ":":
        raise json.JSONDecodeError("Expecting ':' delimiter", text, at)
    return at + 1


def _integer(text: str) -> int | float:
    if len(text) > len(str(-(2**63))):
        return _float(text)
    number = int(text)
    return number if -(2**63) <= number < 2**64 else float(text)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _TooBig(text)
    return number


_DECODE = json.JSONDecoder(parse_int=_integer, parse_float=_float).raw_decode


def _past_space(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr] # it matches nothing, too


def _too_deep_at(text: str) -> int | None:
    depth = 0
    for found in _BRACKET.finditer(text):
        if found[1]:
            depth += 1
            if depth > DEEPEST:
                return found.start()
        elif found[2]:
            depth -= 1
    return None


def _number_at(text: str, number: str) -> int:
    return next((found.start() for found in _NUMBER.finditer(text) if found[1] == number), 0)


def _refuse_half_pairs(text: str, end: int) -> None:
    r"""Refuse ``\ud83d`` without its other half: such a string cannot be written as UTF-8 again."""
    for found in _PAIR_OR_HALF.finditer(text, 0, end):
        if found[1]:
            _refuse(text, found.start(), "half of a surrogate pair")


def _refuse(text: str, at: int, reason: str) -> NoReturn:
    raise _malformed(len(text[:at].encode()), reason) from None


def _malformed(offset: int, reason: str) -> MalformedRequest:
    return MalformedRequest(
        f"JSON Parse error: Invalid value. at offset: {offset} ({reason})",
        [Fault(f"byte {offset}", "JSON", reason)],
    )


def _plain(value: Any) -> Any:
    """What orjson does not write itself: arrays of strings or in another order, NumPy's other scalars, bytes."""
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
