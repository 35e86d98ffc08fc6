"""Input columns by their places, and the markers of the gaps that were learned in them."""

from collections.abc import Iterable

from model_store.schema import Missing

Places = tuple[int | None, ...]
"""For each column that reaches a part, its place among the input columns; None if it is none of them any more."""
Gaps = dict[int, Missing | None]
"""The input columns in which gaps were learned, with the marker that stood for them; None if any marker does."""


def gaps_at(places: Places, indices: Iterable[int], marker: Missing | None = "nan") -> Gaps:
    """Return the input columns at the given indices of a part's own columns, all with one marker."""
    return {place: marker for i in indices if i < len(places) and (place := places[i]) is not None}
