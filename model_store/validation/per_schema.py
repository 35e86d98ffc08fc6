"""What follows from a schema alone, worked out once."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from model_store.schema import Schema

MOST = 1024
"""Schemas that are remembered at a time."""

_T = TypeVar("_T")


def per_schema(make: Callable[[Schema], _T]) -> Callable[[Schema], _T]:
    """Make a function of a schema remember what it made, by the schema's identity.

    Hashing a wide schema costs more than decoding a row. The schema is kept with the result, so no other gets its id.
    """
    made: dict[int, tuple[Schema, _T]] = {}

    @wraps(make)
    def once(schema: Schema) -> _T:
        known = made.get(id(schema))
        if known is None:
            if len(made) >= MOST:
                made.clear()
            known = made[id(schema)] = (schema, make(schema))
        return known[1]

    return once
