"""Strings as TensorFlow Serving sends them: JSON strings, or objects of base64."""

import base64
import binascii
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from model_store.request_errors import Fault, InvalidInput
from model_store.validation.words import show

_KEY = "b64"


def is_b64(value: Any) -> bool:
    """Return whether a JSON value is ``{"b64": "…"}`` and nothing more."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get(_KEY), str)


def b64_text(value: dict[str, Any], place: str) -> str:
    """Return the text in a base64 object; padding may be missing. Raises InvalidInput."""
    text = "".join(value[_KEY].split())
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except UnicodeDecodeError:
        raise InvalidInput.of(Fault(place, "base64 of UTF-8 text", "other bytes")) from None
    except (binascii.Error, ValueError):
        raise InvalidInput("Unable to base64 decode", [Fault(place, "base64 text", show(value[_KEY]))]) from None


def decoded(rows: Sequence[Any], locate: Callable[[int, int], str]) -> Sequence[Any]:
    """Return values, or rows of values, with the text of each base64 object. Raises InvalidInput."""
    kinds = set(map(type, rows))
    if dict in kinds:
        return [_text(value, locate, row, 0) for row, value in enumerate(rows)]
    if kinds == {list} and dict in set(map(type, chain.from_iterable(rows))):
        return [[_text(value, locate, row, i) for i, value in enumerate(values)] for row, values in enumerate(rows)]
    return rows


def _text(value: Any, locate: Callable[[int, int], str], row: int, column: int) -> Any:
    return b64_text(value, locate(row, column)) if is_b64(value) else value
