"""Imputers, encoders and scalers: the gaps that their fitted attributes speak of."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from model_store.capture.learned.places import Gaps, Places, gaps_at
from model_store.missing import is_missing
from model_store.schema import Missing

_NO_MARKER = "no"


def part_gaps(part: Any, places: Places) -> Gaps:
    """Return the columns whose gaps an imputer, indicator, encoder or scaler was made for or has seen."""
    for kind in type(part).__mro__:
        if kind.__name__ in _READERS:
            return _READERS[kind.__name__](part, places)
    return {}


def _imputed(part: Any, places: Places) -> Gaps:
    """Columns that an imputer has a value for; one that was empty at fitting has none."""
    known = _known(part)
    return _marked(part, places, () if known is None else np.flatnonzero(known).tolist())


def _known(part: Any) -> Any:
    if hasattr(part, "_valid_mask"):  # KNNImputer
        return part._valid_mask  # noqa: SLF001 - nothing public says it
    statistics = getattr(getattr(part, "initial_imputer_", part), "statistics_", None)
    if statistics is None:
        return None
    return [not _is_gap(value) for value in np.asarray(statistics).tolist()]


def _indicated(part: Any, places: Places) -> Gaps:
    return _marked(part, places, np.asarray(part.features_).tolist())


def _marked(part: Any, places: Places, indices: Iterable[int]) -> Gaps:
    marker = _marker(getattr(part, "missing_values", np.nan))
    return {} if marker == _NO_MARKER else gaps_at(places, indices, marker)  # type: ignore[arg-type]  # a marker now


def _encoded(part: Any, places: Places) -> Gaps:
    """Columns with a gap among the categories: None and NaN are different ones."""
    found: Gaps = {}
    for i, categories in enumerate(getattr(part, "categories_", ())):
        values = np.asarray(categories)
        gaps = [value for value in values.tolist() if _is_gap(value)] if values.dtype.kind in "Of" else []
        if gaps:
            found |= gaps_at(places, [i], _marker(gaps[0]) if len(gaps) == 1 else None)  # type: ignore[arg-type]
    return found


def _scaled(part: Any, places: Places) -> Gaps:
    """Columns of which a scaler counted fewer values than of others; one count for all says nothing."""
    counted = np.atleast_1d(getattr(part, "n_samples_seen_", 0))
    return gaps_at(places, np.flatnonzero(counted < counted.max()).tolist())


def _splined(part: Any, places: Places) -> Gaps:
    """Return all columns of a SplineTransformer that is told what to make of gaps."""
    taken = getattr(part, "handle_missing", "error") != "error"
    return gaps_at(places, range(len(places))) if taken else {}


def _marker(value: Any) -> Missing | str:
    if value is None:
        return "none"
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - NaN alone differs from itself
        return "nan"
    return "na" if type(value).__name__ == "NAType" else _NO_MARKER


def _is_gap(value: Any) -> bool:
    return is_missing(value) or type(value).__name__ == "NAType"


_READERS: Mapping[str, Callable[[Any, Places], Gaps]] = {
    "SimpleImputer": _imputed,
    "KNNImputer": _imputed,
    "IterativeImputer": _imputed,
    "MissingIndicator": _indicated,
    "OneHotEncoder": _encoded,
    "OrdinalEncoder": _encoded,
    "TargetEncoder": _encoded,
    "StandardScaler": _scaled,
    "SplineTransformer": _splined,
}
