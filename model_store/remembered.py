"""What follows from a thing that never changes, such as a schema, worked out once."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

MOST = 1024
"""Things whose results one function remembers at a time."""

_K = TypeVar("_K")
_T = TypeVar("_T")


def remembered(make: Callable[[_K], _T]) -> Callable[[_K], _T]:
    """Make a function of one immutable thing remember what it made, by the thing's identity.

    Hashing a wide schema costs more than decoding a row. The thing is kept with the result, so no other gets its id.
    """
    made: dict[int, tuple[_K, _T]] = {}

    @wraps(make)
    def once(thing: _K) -> _T:
        known = made.get(id(thing))
        if known is None:
            if len(made) >= MOST:
                made.clear()
            known = made[id(thing)] = (thing, make(thing))
        return known[1]

    return once
