"""Where fitted estimators change what they do: edges of bins, knots, quantiles, categories, by column of their rows."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

Edges = Mapping[int, list[Any]]
_MOST = 1000
"""Of a column."""


def edges_of(part: Any) -> Edges:
    """Return by column the numbers and texts at which an estimator's answers may change; empty if it has none."""
    found: dict[int, list[Any]] = {}
    for attribute, read in _ATTRIBUTES.items():
        value = vars(part).get(attribute) if hasattr(part, "__dict__") else None
        if value is None:
            continue
        try:
            columns = list(read(value))
        except (TypeError, ValueError, AttributeError, IndexError):
            continue  # another class uses the name for something else
        for place, values in enumerate(columns):
            found.setdefault(place, []).extend(values[:_MOST])
    return found


def _lists(value: Any) -> Iterable[list[Any]]:
    return [np.asarray(column).ravel().tolist() for column in value]


def _knots(splines: Any) -> Iterable[list[Any]]:
    return [np.asarray(spline.t).tolist() for spline in splines]


def _by_column(value: Any) -> Iterable[list[Any]]:
    return [column.tolist() for column in np.asarray(value).T] if np.ndim(value) == 2 else []  # noqa: PLR2004


def _one(value: Any) -> Iterable[list[Any]]:
    return [np.asarray(value).ravel().tolist()]


_ATTRIBUTES: Mapping[str, Callable[[Any], Iterable[list[Any]]]] = {
    "bin_edges_": _lists,
    "categories_": _lists,
    "bsplines_": _knots,
    "quantiles_": _by_column,
    "X_thresholds_": _one,
    "statistics_": lambda value: [[one] for one in np.asarray(value, dtype=object).tolist()],
}
"""By the name of a fitted attribute, what returns its values by column."""
