"""Missing texts, and what scikit-learn's imputer puts in their place."""

from dataclasses import replace
from typing import Any

from model_store.compilers.compilation import Methods, Value, frame, refuse
from model_store.missing import is_missing
from model_store.schema import Column


def is_text(rows: Value) -> bool:
    """Return whether rows are columns of which at least one holds no numbers."""
    return rows.form == "frame" and any(column.dtype == "object" for column in rows.columns)


def impute_texts(estimator: Any, rows: Value) -> Methods:
    """Return columns of texts whose gaps are filled: no step does it, the steps that read them do. Raises NotCompiled.

    They are an array of objects then, without names.
    """
    if estimator.add_indicator and estimator.indicator_.features_.size:
        refuse("texts next to what tells their gaps")
    if any(value.column is None or value.dtype != "object" for value in rows.columns):
        refuse("texts and numbers imputed together")
    filled = zip(rows.columns, estimator.statistics_.tolist(), strict=True)
    return {"transform": frame(tuple(_filled(value, fill, estimator.missing_values) for value, fill in filled))}


def _filled(value: Value, fill: Any, marker: Any) -> Value:
    if value.column is None or not value.column.nullable or value.gap is not None:
        return value
    if not is_missing(marker):
        refuse(f"{marker!r} as the gap of texts")
    if not _is_gap(value.column, marker):
        return value
    return replace(value, gap=fill) if isinstance(fill, str) else refuse(f"texts whose gaps become {fill!r}")


def _is_gap(column: Column, marker: Any) -> bool:
    """Return whether the imputer takes the column's missing values for such: it tells None from NaN."""
    held = {"str": "nan", "category": "nan", "extension": "na"}.get(column.held, column.missing)
    if marker is None:
        return held == "none" or refuse("missing values that the imputer refuses")
    if isinstance(marker, float):
        return held == "nan" or (held == "na" and refuse("pandas' own missing value, imputed as NaN"))
    return True
