"""Hard values: those at which code that is right for everyday rows goes wrong."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from model_store.batch import spread
from model_store.proof.edges import Edges
from model_store.proof.splits import Setting, around
from model_store.schema import INTEGERS, Column, Schema

_FLOATS = (0.0, -0.0, 5e-324, -1e-310, 1e-45, -1e-38, 1e-30, 1.0, -1.0, 16_777_217.0, 1e15, -1e30, 3.4e38)
_BEYOND = (float("nan"), float("inf"), -float("inf"), 3.4028236e38, -1e39, sys.float_info.max)
"""What many estimators refuse: missing, infinite, or more than float32 holds."""
_TEXTS = ("", " ", "0", "nan", "None", "\N{SNOWMAN} unseen", "x" * 1000)


def wild(schema: Schema, most: int) -> list[Setting]:
    """Return settings of one value each that many estimators refuse, so many at most, evenly over all of them."""
    return _some([{place: value} for place, column in enumerate(schema.columns) for value in _wild(column)], most)


def alone(schema: Schema, edges: Edges, most: int) -> list[Setting]:
    """Return settings of one value each that few estimators refuse, so many at most, evenly over all of them."""
    values = ((place, (*_tame(column), *_near(edges.get(place, ())))) for place, column in enumerate(schema.columns))
    return _some([{place: value} for place, found in values for value in found], most)


def together(schema: Schema, edges: Edges, rows: int, rng: np.random.Generator) -> Iterator[Setting]:
    """Yield settings of a value in each column, of those that few estimators refuse; gaps only where they are taken."""
    pools: Mapping[int, Sequence[Any]] = {
        place: pool
        for place, column in enumerate(schema.columns)
        if (pool := [*_tame(column), *_near(edges.get(place, ())), *([None] if column.nullable else [])])
    }
    for _ in range(rows):
        yield {place: pool[int(rng.integers(len(pool)))] for place, pool in pools.items()}


def _some(settings: list[Setting], most: int) -> list[Setting]:
    return [settings[i] for i in spread(len(settings), most).tolist()] if settings else []


def _near(edges: Iterable[Any]) -> Iterator[Any]:
    for value in edges:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield from around(float(value))
        else:
            yield value


def _tame(column: Column) -> Sequence[Any]:
    if column.dtype in INTEGERS:
        limits = np.iinfo(column.dtype)
        return (0, 1, int(limits.max), int(limits.min), *(n for n in (2**24 + 1, 2**53 + 1) if n <= limits.max))
    if column.dtype == "bool":
        return (False, True)
    return column.categories if column.dtype == "string" else _FLOATS


def _wild(column: Column) -> Sequence[Any]:
    if column.dtype == "string":
        return (None,) if column.closed else (None, *_TEXTS)
    return _BEYOND if column.dtype.startswith("float") else (None,)
