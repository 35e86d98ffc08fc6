"""A list of JSON numbers in a large body, read by the extension straight into an array.

The rest of the body, in which a mark stands for the list, is read with orjson as always. That costs half of what one
Python object for each row and number does. None stands for all that is not plain: then the body has to be read as a
whole, so that answers and refusals are those of ``json.loads``.
"""

import re
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import orjson

from model_store.batch import Array
from model_store.extension.loader import kernels
from model_store.schema import Schema
from model_store.validation.facts import facts_of
from model_store.validation.numbers import in_dtype

SMALLEST = 4096
"""From how many bytes on a body is read so; in smaller ones it does not pay."""
LARGEST_REST = 8192
"""How many bytes may stand around the list. They hold fewer arrays and objects than every body may."""

_MARK = secrets.token_hex()
"""What stands for the list: a string that nobody sends, for a list in another place is to be told from this one."""
_QUOTED_MARK = orjson.dumps(_MARK)


class Numbers(NamedTuple):
    """A body's value, in which ``stands_for_numbers`` is true for what the array of float64 stands for."""

    value: Mapping[str, Any]
    array: Array


def stands_for_numbers(value: Any) -> bool:
    """Return whether a value of a body is what stands for the array."""
    return type(value) is str and value == _MARK


def opening(*keys: str) -> re.Pattern[bytes]:
    """Return what finds the first member of one of some names, which need no escapes, that is a list.

    ``read`` takes the list for one that begins there. In a JSON text that is so wherever the pattern is found: a quote
    before the name that ends a string, or is a part of one, makes the text invalid, or the name a longer one.
    """
    return re.compile(rb'"(?:%b)"[ \t\n\r]*:[ \t\n\r]*(?=\[)' % "|".join(keys).encode())


def read(body: bytes, found_by: re.Pattern[bytes], width: int, most: int, *, whole: bool = False) -> Numbers | None:
    """Return the value of a body that is an object, and the list of numbers that ``found_by`` finds.

    The list has one or more rows of ``width`` numbers, ``(rows, width)`` float64; if that is 0, it has numbers itself,
    and the array one dimension. It has at most ``most`` numbers. With ``whole`` all are written as whole numbers, and
    float64 holds them exactly; else each becomes the float64 that is nearest. None for every other body.
    """
    module = kernels() if len(body) >= SMALLEST else None
    found = found_by.search(body, 0, LARGEST_REST) if module is not None else None
    if module is None or found is None:
        return None
    taken = module.json_numbers(body, found.end(), width, most, whole)
    if taken is None or len(body) - (taken[1] - found.end()) > LARGEST_REST:
        return None
    value = _value(body[: found.end()] + _QUOTED_MARK + body[taken[1] :])
    array = np.frombuffer(taken[0])
    return None if value is None else Numbers(value, array.reshape(-1, width) if width else array)


def read_rows(body: bytes, found_by: re.Pattern[bytes], schema: Schema, max_rows: int) -> Numbers | None:
    """Return the value of a body that is an object, and its rows of numbers as ``from_rows`` makes a matrix of them.

    ``(rows, columns)`` in the schema's dtype. None if a closer look is needed, and for more than ``max_rows``.
    """
    facts = facts_of(schema)
    if not facts.homogeneous or facts.closed or facts.dtype.kind not in "fiu":
        return None
    found = read(body, found_by, facts.width, facts.width * max_rows, whole=facts.dtype.kind != "f")
    matrix = None if found is None else in_dtype(facts, found.array)
    return None if found is None or matrix is None else Numbers(found.value, matrix)


def _value(text: bytes) -> Mapping[str, Any] | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if type(value) is dict else None
