"""Categories turned into numbers, with one look into a dictionary for each value."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.missing import numbers
from model_store.plans.places import NOWHERE, REFUSED
from model_store.plans.plan import Step
from model_store.steps.columns.tables import Columns, columns_of
from model_store.steps.step import Builder, Run, Sparse

_SHOWN = 20


class _Refused(Exception):
    """A value that the encoder refuses."""


class _Places(dict[Any, int]):
    """The place of each known value of a column; ``gap`` is that of a missing one, ``other`` that of an unknown one."""

    __slots__ = ("gap", "infinite", "other")

    def __init__(self, known: Mapping[Any, int], gap: int, other: int, *, infinite: bool) -> None:
        super().__init__(known)
        self.gap, self.other, self.infinite = gap, other, infinite

    def __missing__(self, key: Any) -> int:
        if isinstance(key, float) and not self.infinite and key in (np.inf, -np.inf):
            raise ValueError("Input contains infinity or a value too large for dtype('float64').")
        place = self.gap if key is None or key != key else self.other  # noqa: PLR0124 - NaN
        if place == REFUSED:
            raise _Refused
        return place


class Coder:
    """Finds the places of all values of some columns.

    ``keys_i`` has the known values of the i-th column, ``places_i`` the place of each; ``gaps`` and ``others`` have
    those of missing and unknown values, one a column; ``infinite`` says in which columns infinity is a value, and
    ``floats`` which ones scikit-learn looks at as floats.
    """

    def __init__(self, step: Step) -> None:
        gaps, others = step.arrays["gaps"].tolist(), step.arrays["others"].tolist()
        infinite = step.arrays["infinite"].tolist()
        self._columns: Columns = columns_of(step)
        self._floats = np.flatnonzero(step.arrays["floats"]).tolist()
        self.tables = [
            _Places(_known(step, i), gap, other, infinite=fine)
            for i, (gap, other, fine) in enumerate(zip(gaps, others, infinite, strict=True))
        ]
        self._one = [table.__getitem__ for table in self.tables]

    def columns(self, *inputs: Any) -> list[Array]:
        """Return the columns of the values of the step's inputs."""
        found = self._columns(*inputs)
        for i in self._floats:
            found[i] = numbers(found[i]).astype(np.float64)
        return found

    def one(self, columns: list[Array]) -> list[int]:
        """Return the places of the only row's values, one a column. Raises ValueError for one that is refused."""
        try:
            return [place(column.item()) for place, column in zip(self._one, columns, strict=True)]
        except _Refused:
            raise ValueError(self._refusal(columns)) from None

    def all(self, columns: list[Array]) -> Array:
        """Return the places of all values, an array (columns, rows) of intp. Raises ValueError for what is refused."""
        rows = len(columns[0])
        found = (map(place, column.tolist()) for place, column in zip(self._one, columns, strict=True))
        try:
            places = np.fromiter(chain.from_iterable(found), np.intp, rows * len(columns))
        except _Refused:
            raise ValueError(self._refusal(columns)) from None
        return places.reshape(len(columns), rows)

    def _refusal(self, columns: list[Array]) -> str:
        for i, (table, column) in enumerate(zip(self.tables, columns, strict=True)):
            different = dict.fromkeys(column.tolist()) if column.dtype == object else np.unique(column)
            unknown = [value for value in different if _is_refused(table, value)]
            if unknown:
                return f"Found unknown categories {unknown[:_SHOWN]} in column {i} during transform"
        raise AssertionError("every value is known")


def _known(step: Step, i: int) -> Mapping[Any, int]:
    keys, places = step.arrays[f"keys_{i}"].tolist(), step.arrays[f"places_{i}"].tolist()
    return dict(zip(keys, places, strict=True))


def _is_refused(table: _Places, value: Any) -> bool:
    try:
        return table[value] == REFUSED
    except _Refused:
        return True


def _one_hot(step: Step) -> Run:
    """Make a matrix (rows, ``width``) of zeros, and ones at the places of the values; none where a place is -1."""
    coder, width, dtype = Coder(step), int(step.settings["width"]), np.dtype(str(step.settings["dtype"]))

    def run(*inputs: Any) -> Array:
        columns = coder.columns(*inputs)
        rows = len(columns[0])
        made = np.zeros(rows * width + 1, dtype)  # the last one is for the values that have no column
        if rows == 1:
            for place in coder.one(columns):
                made[place] = 1
        else:
            places = coder.all(columns)
            made[np.where(places == NOWHERE, rows * width, places + np.arange(rows) * width)] = 1
        return made[:-1].reshape(rows, width)

    return run


def _one_hot_sparse(step: Step) -> Run:
    """Make the ones alone of what ``one_hot`` makes."""
    coder, width, dtype = Coder(step), int(step.settings["width"]), np.dtype(str(step.settings["dtype"]))

    def run(*inputs: Any) -> Sparse:
        columns = coder.columns(*inputs)
        places = coder.all(columns).T
        rows, which = np.nonzero(places != NOWHERE)
        return Sparse(len(places), width, rows, places[rows, which], np.ones(len(rows), dtype))

    return run


def _look_up(step: Step) -> Run:
    """Make a matrix of the rows of ``values`` at the places of the values, one behind the other for each column."""
    coder, values = Coder(step), step.arrays["values"]

    def run(*inputs: Any) -> Array:
        columns = coder.columns(*inputs)
        if len(columns[0]) == 1:
            found: Array = values[coder.one(columns)]
            return found.reshape(1, -1)
        return values.take(coder.all(columns).T, axis=0).reshape(len(columns[0]), -1)

    return run


BUILDERS: Mapping[str, Builder] = {"one_hot": _one_hot, "one_hot_sparse": _one_hot_sparse, "look_up": _look_up}
