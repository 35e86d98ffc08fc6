"""How an estimator takes its rows: which columns, and whether as an array, a DataFrame or a series."""

import re
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from model_store.capture.sample.samples import Rows
from model_store.errors import BadSample
from model_store.schema import Layout, Order

_UNSAFE = re.compile(r"[^A-Za-z0-9_]")
_SHOWN_COLUMNS = 10
_TEXT_VECTORIZERS = ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer")


def selected(estimator: Any, sample: Rows) -> Rows:
    """Return the sample's columns that the estimator was fitted on, in its order. Raises BadSample."""
    first = first_step(estimator)
    if type(first).__name__ == "DictVectorizer" or getattr(first, "input_type", "") in {"dict", "pair"}:
        raise BadSample(
            f"{type(first).__name__} takes rows as dictionaries or pairs, and a request carries a table: fit a "
            "OneHotEncoder on a DataFrame instead"
        )
    names = fitted_names(estimator)
    if isinstance(sample, pd.DataFrame):
        if names is None:
            return sample
        return sample[_as_labelled(names, sample)]
    if names is not None and sample.ndim == 2:  # noqa: PLR2004 - rows and columns
        if sample.shape[1] != len(names):
            raise BadSample(f"the sample has {sample.shape[1]} columns, the estimator was fitted on {len(names)}")
        return pd.DataFrame(sample, columns=list(names)).infer_objects()
    return sample


def _as_labelled(names: tuple[str, ...], sample: pd.DataFrame) -> list[str]:
    """Return the sample's names of the fitted columns: LightGBM has underscores where a name had spaces."""
    if all(name in sample.columns for name in names):
        return list(names)
    spelled = Counter(_spelled(label) for label in sample.columns)
    meant = {_spelled(label): str(label) for label in sample.columns if spelled[_spelled(label)] == 1}
    found = [name if name in sample.columns else meant.get(_spelled(name)) for name in names]
    labels = [label for label in found if label is not None]
    if len(labels) < len(names):
        absent = names[found.index(None)]
        there = ", ".join(repr(str(label)[:40]) for label in sample.columns[:_SHOWN_COLUMNS])
        more = ", …" if len(sample.columns) > _SHOWN_COLUMNS else ""
        raise BadSample(f"the sample lacks column {absent!r}, which the estimator was fitted on: it has {there}{more}")
    return labels


def _spelled(label: Any) -> str:
    return _UNSAFE.sub("_", str(label))


def layouts(estimator: Any, rows: Rows) -> tuple[Layout, ...]:
    """Return how the estimator may want its rows, the likeliest first."""
    if isinstance(rows, np.ndarray):
        return ("series",) if rows.ndim == 1 else ("matrix",)
    if fitted_names(estimator) is not None:
        return ("table",)
    if all(pd.api.types.is_numeric_dtype(dtype) for dtype in rows.dtypes):
        return ("table", "matrix") if _selects_by_name(estimator) or _is_mixed(rows) else ("matrix", "table")
    if rows.shape[1] == 1:
        return ("series", "table") if takes_texts(estimator) else ("table", "series")
    return ("table",)


def as_called(layout: Layout, rows: Rows) -> Any:
    """Return sample rows as the caller's own call of the estimator takes them."""
    if layout == "series" and isinstance(rows, pd.DataFrame):
        return rows.iloc[:, 0].to_numpy(dtype=object)
    return rows.to_numpy() if layout == "matrix" and isinstance(rows, pd.DataFrame) else rows


def order(rows: Any) -> Order:
    """Return how rows of numbers lie in memory: column by column (``F``), as in most DataFrames, or row by row."""
    few = rows.iloc[:2].to_numpy() if isinstance(rows, pd.DataFrame) else np.asarray(rows[:2])
    by_columns = few.ndim > 1 and few.dtype.kind in "fiub" and few.strides[0] < few.strides[1]
    return "F" if by_columns else "C"


def first_step(estimator: Any) -> Any:
    """Return what the rows meet first: the first step of a pipeline, or of the best one of a search."""
    steps = getattr(estimator, "steps", None)
    best = getattr(estimator, "best_estimator_", None)
    if steps:
        return first_step(steps[0][1])
    return first_step(best) if best is not None else estimator


def fitted_names(estimator: Any) -> tuple[str, ...] | None:
    """Return the names of the columns that the estimator was fitted on; None if it was fitted on arrays."""
    try:
        names = estimator.feature_names_in_
    except Exception:  # noqa: BLE001 - delegated attributes of meta-estimators raise more than AttributeError
        return None
    listed = tuple(str(name) for name in names)
    made_up = tuple(f"Column_{i}" for i in range(len(listed)))  # what LightGBM calls the columns of an array
    return None if listed == made_up and type(first_step(estimator)).__module__.startswith("lightgbm.") else listed


def _is_mixed(rows: pd.DataFrame) -> bool:
    """Return whether an array of the rows would lose what their columns are: all but int64 and float64."""
    if not all(isinstance(dtype, np.dtype) for dtype in rows.dtypes):
        return True  # dtypes of pandas' own
    return len(set(rows.dtypes)) > 1 and not {str(dtype) for dtype in rows.dtypes} <= {"int64", "float64"}


def takes_texts(estimator: Any) -> bool:
    """Return whether its first step is one of scikit-learn's text vectorizers."""
    first = first_step(estimator)
    return type(first).__name__ in _TEXT_VECTORIZERS or (
        type(first).__name__ == "FeatureUnion" and any(takes_texts(part) for _, part in first.transformer_list)
    )


def _selects_by_name(estimator: Any) -> bool:
    """Return True if it starts with a step of the user's own, which may ask a DataFrame for its columns."""
    first = first_step(estimator)
    return type(first).__name__ == "FunctionTransformer" or not type(first).__module__.startswith(
        ("sklearn.", "xgboost.", "lightgbm.")
    )
