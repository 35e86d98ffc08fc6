"""Parts of a JSON document, each read as what is expected at its place."""

import difflib
import json
import math
from collections.abc import Collection, Mapping
from typing import Any

from model_store.errors import BadSchema
from model_store.schema import Value

_SHOWN = 60
_SHOWN_NAMES = 10


def wrong(place: str, expected: str, got: Any) -> BadSchema:
    """Return the error for a place of the document."""
    text = json.dumps(got, ensure_ascii=False, default=str)
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return BadSchema(f"the declared schema: {place or 'the document'}: expected {expected}, got {shown}")


def mapping(place: str, value: Any) -> Mapping[str, Any]:
    """Return a JSON object. Raises BadSchema."""
    if not isinstance(value, dict):
        raise wrong(place, "a JSON object", value)
    return value


def listed(place: str, value: Any) -> list[Any]:
    """Return a JSON list that is not empty. Raises BadSchema."""
    if not isinstance(value, list) or not value:
        raise wrong(place, "a list that is not empty", value)
    return value


def text(place: str, value: Any) -> str:
    """Return a string. Raises BadSchema."""
    if not isinstance(value, str):
        raise wrong(place, "a string", value)
    return value


def flag(place: str, value: Any) -> bool:
    """Return a bool. Raises BadSchema."""
    if not isinstance(value, bool):
        raise wrong(place, "true or false", value)
    return value


def number(place: str, value: Any) -> float:
    """Return a finite number. Raises BadSchema."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise wrong(place, "a finite number", value)
    return value


def values(place: str, value: Any) -> tuple[Value, ...]:
    """Return a list of different strings, numbers or bools. Raises BadSchema."""
    found = listed(place, value)
    for i, entry in enumerate(found):
        if not isinstance(entry, str | int | float | bool):
            raise wrong(f"{place}[{i}]", "a string, a number or a bool", entry)
        if entry in found[:i]:
            raise wrong(f"{place}[{i}]", "each value once", entry)
    return tuple(found)


def one_of(place: str, value: Any, known: Collection[str]) -> str:
    """Return one of the known words. Raises BadSchema."""
    if not isinstance(value, str) or value not in known:
        raise wrong(place, f"one of {', '.join(known)}", value)
    return value


def known_name(place: str, name: str, known: Collection[str], kind: str) -> None:
    """Raise BadSchema if a name is none of those known; it says which are, and which is alike."""
    if name in known:
        return
    like = difflib.get_close_matches(name, known, 1)
    guess = f"; is {like[0]!r} meant?" if like else ""
    names = ", ".join(list(known)[:_SHOWN_NAMES]) + (", …" if len(known) > _SHOWN_NAMES else "")
    raise BadSchema(f"the declared schema: {place}: there is no such {kind}: expected one of {names}{guess}")
