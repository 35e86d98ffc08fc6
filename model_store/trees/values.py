"""The values of leaves, each different row once: the pure leaves of a full forest need one for each class."""

from collections.abc import Sequence

import numpy as np

from model_store.batch import Array


def stored(leaves: Sequence[Array], most: int) -> tuple[Array, list[Array], Array]:
    """Return rows of values, for each tree the number of each leaf's row, and what its numbers are counted from.

    ``leaves`` is for each tree an array (leaves, columns) of one float dtype. Equal rows are stored once if that halves
    them, and if their numbers stay below ``most``; otherwise each leaf has a row, in the order of leaves.
    """
    found = [distinct(values) for values in leaves]
    counts = [len(values) for values in leaves]
    if 2 * sum(len(rows) for rows, _ in found) <= sum(counts) or all(map(_are_short, leaves)):
        rows, places = distinct(np.concatenate([rows for rows, _ in found]))
        if len(rows) <= most and 2 * len(rows) <= sum(counts):
            starts = np.split(places, np.cumsum([len(rows) for rows, _ in found])[:-1])
            numbers = [place[number] for place, (_, number) in zip(starts, found, strict=True)]
            return rows, numbers, np.zeros(len(counts), np.int64)
    firsts = np.cumsum([0, *counts[:-1]], dtype=np.int64)
    return np.concatenate(leaves), [np.arange(count) for count in counts], firsts


def _are_short(values: Array) -> bool:
    """Return whether float16 holds all values exactly: there are so few of these that trees have many in common."""
    with np.errstate(over="ignore"):
        return bool((values.astype(np.float16) == values).all())


def distinct(values: Array) -> tuple[Array, Array]:
    """Return the different rows of a table of floats, told apart by their bits, and which of them each row is."""
    bits = np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")
    number = np.zeros(len(values), np.int64)
    for column in bits.T:
        codes = np.unique(column, return_inverse=True)[1]
        number = np.unique(number * (int(codes.max()) + 1) + codes, return_inverse=True)[1]
    first = np.zeros(int(number.max()) + 1, np.int64)
    first[number] = np.arange(len(values))
    return values[first], number
