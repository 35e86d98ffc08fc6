"""Texts turned into counts of what is in them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.columns.words import cutter
from model_store.steps.step import Builder, Run, Sparse

_REMEMBERED = 1 << 16
_LEAST = -(1 << 31)


def _counts(step: Step) -> Run:
    """Count in each text of a vector what is in the ``vocabulary``, a column each; other settings are the cutter's.

    ``binary`` counts nothing twice. Raises ValueError for a missing text.
    """
    cut, place = _cut(step), {word: i for i, word in enumerate(step.arrays["vocabulary"].tolist())}.get
    width = len(step.arrays["vocabulary"])

    def count(text: str) -> dict[int, int]:
        found = Counter(map(place, cut(text)))
        del found[None]
        return found  # type: ignore[return-value]

    return _counting(step, count, width)


def _hashed(step: Step) -> Run:
    """Count in each text what is in it, in one of ``width`` columns by its hash; ``signed`` also counts down."""
    cut, width, signed = _cut(step), int(step.settings["width"]), bool(step.settings["signed"])

    @lru_cache(_REMEMBERED)
    def place(word: str) -> tuple[int, int]:
        return _place(murmur(word.encode("utf-8")), width, signed=signed)

    def count(text: str) -> dict[int, int]:
        found: dict[int, int] = {}
        for column, sign in map(place, cut(text)):
            found[column] = found.get(column, 0) + sign
        return found

    return _counting(step, count, width)


def _place(found: int, width: int, *, signed: bool) -> tuple[int, int]:
    column = ((1 << 31) - width if found == _LEAST else abs(found)) % width
    return column, -1 if signed and found < 0 else 1


def murmur(key: bytes) -> int:
    """Return the 32-bit hash of bytes with a sign, seed 0: MurmurHash3_x86_32 of Austin Appleby, public domain."""
    state, whole = 0, len(key) & ~3
    for start in range(0, whole, 4):
        state ^= _mixed(int.from_bytes(key[start : start + 4], "little"))
        state = (((state << 13) | (state >> 19)) * 5 + 0xE6546B64) & 0xFFFFFFFF
    state ^= _mixed(int.from_bytes(key[whole:], "little")) ^ len(key)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        state = ((state ^ (state >> shift)) * factor) & 0xFFFFFFFF
    state ^= state >> 16
    return state - (1 << 32) if state >> 31 else state


def _mixed(part: int) -> int:
    part = (part * 0xCC9E2D51) & 0xFFFFFFFF
    return (((part << 15) | (part >> 17)) * 0x1B873593) & 0xFFFFFFFF


def _cut(step: Step) -> Callable[[str], Sequence[str]]:
    return cutter(step.settings, frozenset(step.arrays["stop_words"].tolist()))  # type: ignore[return-value]


def _counting(step: Step, count: Callable[[str], Mapping[int, int]], width: int) -> Run:
    dtype, binary = np.dtype(str(step.settings["dtype"])), bool(step.settings["binary"])

    def run(texts: Array) -> Sparse:
        columns: list[int] = []
        values: list[int] = []
        lengths = []
        for text in texts.tolist():
            if text is None:
                raise ValueError("np.nan is an invalid document, expected byte or unicode string.")
            found = sorted(count(text).items())
            columns += [column for column, _ in found]
            values += [value for _, value in found]
            lengths.append(len(found))
        rows = np.repeat(np.arange(len(lengths)), lengths)
        wrapped = np.array(values, np.int64).astype(dtype)
        made = np.ones(len(values), dtype) if binary else wrapped
        return Sparse(len(lengths), width, rows, np.array(columns, np.intp), made)

    return run


def _tfidf(step: Step) -> Run:
    """Weigh counts, as floats: their logarithms and one if ``sublinear``, times ``idf`` (columns,), over a ``norm``."""
    idf, sublinear = step.arrays.get("idf"), bool(step.settings.get("sublinear"))
    norm = _NORMS[str(step.settings.get("norm") or "")]

    def run(sparse: Sparse) -> Sparse:
        values = sparse.values.astype(np.float64, copy=False)
        if sublinear:
            values = np.log(values)
            values += 1.0
        if idf is not None:
            values = values * idf[sparse.columns]
        return sparse._replace(values=norm(values, sparse))

    return run


def _over_length(values: Array, sparse: Sparse) -> Array:
    return _over(np.sqrt(np.bincount(sparse.rows, values * values, minlength=sparse.height)), values, sparse)


def _over_sum(values: Array, sparse: Sparse) -> Array:
    return _over(np.bincount(sparse.rows, np.abs(values), minlength=sparse.height), values, sparse)


def _over(norms: Array, values: Array, sparse: Sparse) -> Array:
    norms[norms == 0] = 1.0
    divided: Array = values / norms[sparse.rows]
    return divided


_NORMS: Mapping[str, Callable[[Array, Sparse], Array]] = {
    "": lambda values, _: values,
    "l1": _over_sum,
    "l2": _over_length,
}

BUILDERS: Mapping[str, Builder] = {"counts": _counts, "hashed": _hashed, "tfidf": _tfidf}
