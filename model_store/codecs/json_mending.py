"""JSON that orjson refuses as it stands, mended so that orjson reads it after all.

The bare tokens ``NaN``, ``Infinity`` and ``-Infinity`` become numbers that nobody sends, and floats again once the text
is read. A tolerant caller also gets what TensorFlow Serving's parser gives: what follows the root value is cut off, and
containers that nest deeper than orjson goes are read from within and then stand as null. A caller who did not ask for
them ignores them, and one who did refuses them.

What is not JSON then either is a MalformedRequest that names the offset in bytes.
"""

import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from model_store.request_errors import Fault, MalformedRequest

DEEPEST = 512
"""How many arrays and objects may nest where orjson refuses a text; its own limit is 1024."""
LONGEST_DEEP = 2**20
"""Longest text, in characters, that is read past ``DEEPEST``: it costs about a microsecond a character."""

_HALF = DEEPEST // 2
_BLANK = " \t\n\r"
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'  # or the rest of the text where it has no end: it is never looked at twice
_SKIPPED = re.compile(rf"(?:[^\"NI]++|{_STRING})*+", re.DOTALL)
_BRACKET = re.compile(rf"{_STRING}|([\[{{])|([\]}}])", re.DOTALL)
_TOKEN = re.compile(r"-?Infinity|NaN")
_MARKS = {
    token: f" {first}{secrets.randbelow(10**9):09}e-300 "
    for first, token in enumerate(("-Infinity", "Infinity", "NaN"), 1)
}
"""Numbers that nobody sends, one for each token; the spaces keep them apart from what stands next to them."""
_FLOATS = {float(mark): float(token) for token, mark in _MARKS.items()}


def read(body: bytes, *, tolerant: bool) -> Any:
    """Return the value of a body that orjson refuses as it stands. Raises MalformedRequest."""
    text = _decoded(body)
    try:
        return _Mended(text).read(tolerant=tolerant)
    except MalformedRequest:
        deep = _too_deep_at(text)
        if deep is None:
            raise
    if not tolerant or len(text) > LONGEST_DEEP:
        raise _malformed(text, deep, f"more than {DEEPEST} levels")
    return _Mended(text, _nulls(text)).read(tolerant=True)


class _Edit(NamedTuple):
    """What stands in a mended text for a part of the source."""

    start: int
    end: int
    text: str


class _Mended:
    """A part of a text as orjson reads it: null for each of some parts, and numbers for the tokens."""

    def __init__(self, text: str, nulls: Iterable[_Edit] = (), start: int = 0, end: int | None = None) -> None:
        self._text, self._nulls, self._start = text, tuple(nulls), start
        self._flat = _edited(text, self._nulls, start, len(text) if end is None else end)
        self._plain = _without_tokens(self._flat)

    def read(self, *, tolerant: bool) -> Any:
        """Return the value, or with ``tolerant`` that of the first document. Raises MalformedRequest."""
        try:
            value = orjson.loads(self._plain)
        except orjson.JSONDecodeError as error:
            if not tolerant:
                raise self._refusal(error) from None
            value = self._first_document(error)
        return value if self._plain is self._flat else _with_floats(value)

    def _first_document(self, error: orjson.JSONDecodeError) -> Any:
        try:
            return orjson.loads(self._plain[: error.pos])
        except orjson.JSONDecodeError:
            raise self._refusal(error) from None

    def _refusal(self, error: orjson.JSONDecodeError) -> MalformedRequest:
        at = _source(self._nulls, _source(_token_edits(self._flat), error.pos), self._start)
        if error.msg.startswith("trailing comma"):  # the fault is what follows the comma
            at = len(self._text) - len(self._text[at + 1 :].lstrip(_BLANK))
        return _malformed(self._text, at, error.msg)


def _decoded(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _malformed(body[: error.start].decode(), error.start, "not UTF-8") from None
    if not text.strip(_BLANK):
        raise MalformedRequest("JSON Parse error: The document is empty")
    return text


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


def _nulls(text: str) -> list[_Edit]:
    """Return the containers that hold ``_HALF`` levels and are held by as many; each is read by itself first."""
    nulls: list[_Edit] = []
    opened: list[int] = []
    heights: list[int] = []
    for found in _BRACKET.finditer(text):
        if found[1]:
            opened.append(found.start())
            heights.append(0)
        elif found[2] and len(opened) <= 1:
            return nulls
        elif found[2]:
            start, height = opened.pop(), heights.pop() + 1
            if height == _HALF and len(opened) >= _HALF:
                _Mended(text, _taken(nulls, start), start, found.end()).read(tolerant=False)
                nulls.append(_Edit(start, found.end(), "null"))
                height = 0
            heights[-1] = max(heights[-1], height)
    if len(opened) > 2 * DEEPEST:  # orjson would not come to the end, where brackets are missing
        raise _malformed(text, len(text), "unexpected end of data")
    return nulls


def _taken(edits: list[_Edit], start: int) -> list[_Edit]:
    """Take the edits from ``start`` on out of a list."""
    first = len(edits)
    while first and edits[first - 1].start > start:
        first -= 1
    taken = edits[first:]
    del edits[first:]
    return taken


def _without_tokens(text: str) -> str:
    """Return the text with a number for each token; the text itself without any."""
    pieces: list[str] = []
    done = 0
    for start, end in _outside(text):
        pieces.append(text[done:start])
        piece = text[start:end]
        for token, mark in _MARKS.items():
            piece = piece.replace(token, mark)
        pieces.append(piece)
        done = end
    return "".join([*pieces, text[done:]]) if pieces else text


def _token_edits(text: str) -> Iterator[_Edit]:
    for start, end in _outside(text):
        for found in _TOKEN.finditer(text, start, end):
            yield _Edit(*found.span(), _MARKS[found[0]])


def _outside(text: str) -> Iterator[tuple[int, int]]:
    """Yield the parts of a text outside of strings that may hold tokens."""
    if "NaN" not in text and "Infinity" not in text:
        return
    end = 0
    while (found := _SKIPPED.match(text, end)) and found.end() < len(text):
        start = found.end() - (text[found.end() - 1] == "-")
        quote = text.find('"', start)
        end = len(text) if quote < 0 else quote
        yield start, end


def _edited(text: str, edits: Iterable[_Edit], start: int, end: int) -> str:
    pieces: list[str] = []
    for edit in edits:
        pieces += (text[start : edit.start], edit.text)
        start = edit.end
    return "".join([*pieces, text[start:end]])


def _source(edits: Iterable[_Edit], place: int, start: int = 0) -> int:
    """Return where in the source a place of the edited text is."""
    shift = start
    for edit in edits:
        begin = edit.start - shift
        if place < begin:
            break
        if place < begin + len(edit.text):
            return edit.start
        shift = edit.end - begin - len(edit.text)
    return place + shift


def _with_floats(value: Any) -> Any:
    """Return the value with a float again for each number that stands for a token; a loop, because values nest deep."""
    root = [value]
    unseen: list[Any] = [root]
    for container in unseen:
        for key, inner in enumerate(container) if type(container) is list else container.items():
            kind = type(inner)
            if kind is float and inner in _FLOATS:
                container[key] = _FLOATS[inner]
            elif kind is list or kind is dict:
                unseen.append(inner)
    return root[0]


def _malformed(text: str, at: int, reason: str) -> MalformedRequest:
    offset = len(text[:at].encode())
    return MalformedRequest(
        f"JSON Parse error: Invalid value. at offset: {offset} ({reason})",
        [Fault(f"byte {offset}", "JSON", reason)],
    )
