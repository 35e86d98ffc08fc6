"""The categories of columns: what fitted encoders know, or the few different strings of the sample."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from model_store import privacy
from model_store.batch import Array
from model_store.capture.layouts import first_step
from model_store.capture.learned.native import Known
from model_store.capture.sample.samples import Rows
from model_store.missing import is_missing
from model_store.schema import Column, Schema, Value

_MOST_CATEGORIES = 50
_MOST_ENCODED_CATEGORIES = 1000
_NOTHING = Known(())
_ENCODERS = ("OneHotEncoder", "OrdinalEncoder", "TargetEncoder")


def as_category_columns(rows: Rows, native: Mapping[int, Known]) -> Rows:
    """Return sample rows in which the columns that the estimator takes as category columns are such.

    A sample from CSV or JSON has plain values there.
    """
    if not isinstance(rows, pd.DataFrame):
        return rows
    made = {}
    for place, known in native.items():
        column = rows.iloc[:, place] if place < rows.shape[1] else None
        if column is not None and known.categories and not isinstance(column.dtype, pd.CategoricalDtype):
            there = column.where(column.isin(known.categories))
            made[rows.columns[place]] = pd.Categorical(there, categories=list(known.categories))
    if not made:
        return rows
    taken = rows.copy(deep=False)
    for label, values in made.items():
        taken[label] = values
    return taken


def with_categories(
    estimator: Any, schema: Schema, values: list[Array], native: Mapping[int, Known], *, closed: bool
) -> Schema:
    """Return the schema with each column's known categories; ``closed`` columns refuse any other value.

    ``native`` are those that the estimator knows in category columns: they beat the sample's.
    """
    encoded = encoded_categories(estimator, schema.names)
    columns = []
    for place, (column, array) in enumerate(zip(schema.columns, values, strict=True)):
        known = encoded.get(column.name, _NOTHING)
        known = known if _fit(column, known.categories or ()) else _NOTHING
        if column.held == "category":
            own = native.get(place, known if known.categories else None)
            columns.append(_with_native(column, own, closed=closed or _refuses_others(known)))
            continue
        categories = column.categories or known.categories or _few_distinct(column, array, closed=closed)
        shut = closed or (column.dtype == "string" and _refuses_others(known))
        columns.append(replace(column, categories=categories, closed=shut and bool(categories)))
    return replace(schema, columns=tuple(columns))


def _refuses_others(known: Known) -> bool:
    """Return whether the estimator itself refuses other values, and all that it knows may be named to those who ask."""
    return known.strict and bool(known.categories) and privacy.are_names(known.categories or ())


def _with_native(column: Column, native: Known | None, *, closed: bool) -> Column:
    """Return a category column with the estimator's categories behind the sample's, of which a strict one knows all."""
    if native is None or column.time_unit:
        return replace(column, closed=closed and not column.time_unit)
    if native.categories is None:
        return replace(column, closed=True)
    known = set(native.categories)
    there = tuple(value for value in column.categories if value in known or not native.strict)
    added = tuple(value for value in native.categories if value not in set(there))
    return replace(column, categories=(*there, *added), closed=closed or native.strict)


def _few_distinct(column: Column, values: Array, *, closed: bool) -> tuple[Value, ...]:
    if column.dtype != "string":
        return ()
    distinct = {value for value in values.tolist() if value is not None}
    few = len(distinct) <= _MOST_CATEGORIES and privacy.are_few(len(distinct), len(values))
    return tuple(sorted(distinct)) if few and (closed or privacy.are_names(distinct)) else ()


def encoded_categories(estimator: Any, columns: Sequence[str]) -> dict[str, Known]:
    """Return the categories that fitted encoders know, for columns that reach them through nothing but imputers."""
    found: dict[str, Known] = {}
    for transformer, names in _column_routes(first_step(estimator), columns):
        encoder = _encoder_behind_imputers(transformer)
        known = getattr(encoder, "categories_", None)
        if not isinstance(known, list) or len(known) != len(names):
            continue
        listed = zip(names, map(_listed, known), strict=True)
        strict = getattr(encoder, "handle_unknown", "") == "error"
        found |= {name: Known(categories, strict=strict) for name, categories in listed if categories is not None}
    return found


def _fit(column: Column, known: Sequence[Value]) -> bool:
    return all(isinstance(value, str) for value in known) == (column.dtype == "string")


def _listed(categories: Any) -> tuple[Value, ...] | None:
    """Return an encoder's categories without its gap; None if they are too many, or of a kind that no schema holds."""
    listed = [value for value in np.asarray(categories).tolist() if not is_missing(value)]
    plain = len(listed) <= _MOST_ENCODED_CATEGORIES and all(isinstance(v, (str, bool, int, float)) for v in listed)
    return tuple(listed) if plain else None


def _column_routes(first: Any, names: Sequence[str]) -> Iterator[tuple[Any, list[str]]]:
    if type(first).__name__ != "ColumnTransformer":
        yield first, list(names)
        return
    for name, transformer, _ in first.transformers_:
        picked = getattr(first, "_transformer_to_input_indices", {}).get(name, [])
        yield transformer, [names[i] for i in picked if i < len(names)]


def _encoder_behind_imputers(transformer: Any) -> Any:
    for _, step in getattr(transformer, "steps", [("", transformer)]):
        if type(step).__name__ in _ENCODERS:
            return step
        if type(step).__name__ != "SimpleImputer" or getattr(step, "add_indicator", False):
            return None
    return None
