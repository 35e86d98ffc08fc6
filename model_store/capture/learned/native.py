"""Category columns as pandas has them, and the categories that an estimator knows in each.

LightGBM, XGBoost and HistGradientBoosting take such columns by value: a frame may have its categories in another order,
or fewer of them. What they do with a value that they do not know differs: XGBoost refuses it, the others take it as
missing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from model_store.capture.learned.places import Places
from model_store.missing import is_missing


@dataclass(frozen=True, slots=True)
class Known:
    """The categories of a column; a ``strict`` estimator refuses all other values.

    None stands for those of the sample, in its order, if the estimator's record of them is of no use.
    """

    categories: tuple[Any, ...] | None
    strict: bool = False


def native_categories(part: Any, places: Places) -> dict[int, Known]:
    """Return the categories of the columns that a part takes as category columns, by their places."""
    try:
        found = _known(part)
    except Exception:  # noqa: BLE001 - not fitted, or of a release that keeps no categories
        return {}
    there = ((places[i], native) for i, native in found.items() if i < len(places))
    return {place: native for place, native in there if place is not None}


def _known(part: Any) -> dict[int, Known]:
    if hasattr(part, "get_booster"):
        return _of_xgboost(part.get_booster())
    if hasattr(part, "booster_") and hasattr(part.booster_, "pandas_categorical"):
        booster = part.booster_
        columns = booster.params.get("categorical_column") or ()
        pairs = zip(columns, booster.pandas_categorical or (), strict=True)
        return {i: Known(tuple(values)) for i, values in pairs}
    encoder = getattr(getattr(part, "_preprocessor", None), "named_transformers_", {}).get("encoder")
    if encoder is None or not hasattr(part, "_bin_mapper"):
        return {}
    columns = part._preprocessor._transformer_to_input_indices["encoder"]  # noqa: SLF001 - nothing public says it
    pairs = zip(columns, encoder.categories_, strict=True)
    return {i: Known(tuple(v for v in np.asarray(values).tolist() if not is_missing(v))) for i, values in pairs}


def _of_xgboost(booster: Any) -> dict[int, Known]:
    """Read XGBoost's own record, which up to 3.2 is broken by text beyond ASCII: its offsets count characters."""
    known = booster.get_categories(export_to_arrow=True).to_arrow()
    return {i: Known(_whole(values), strict=True) for i, (_, values) in enumerate(known) if values is not None}


def _whole(values: Any) -> tuple[Any, ...] | None:
    try:
        listed = tuple(values.to_pylist())
    except UnicodeDecodeError:
        return None
    return listed if all(not isinstance(value, str) or value.isascii() for value in listed) else None
