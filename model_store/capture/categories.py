"""The categories of columns: what fitted encoders know, or the few different strings of the sample."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from model_store import privacy
from model_store.batch import Array
from model_store.capture.layouts import first_step
from model_store.engines.answers import is_missing
from model_store.schema import Column, Schema, Value

_MOST_CATEGORIES = 50
_MOST_ENCODED_CATEGORIES = 1000
_ENCODERS = ("OneHotEncoder", "OrdinalEncoder", "TargetEncoder")


def with_categories(estimator: Any, schema: Schema, values: list[Array], *, closed: bool) -> Schema:
    """Return the schema with each column's known categories; ``closed`` columns refuse any other value."""
    encoded = _encoded_categories(estimator, schema)
    columns = []
    for column, array in zip(schema.columns, values, strict=True):
        categories = column.categories or encoded.get(column.name) or _few_distinct(column, array, closed=closed)
        columns.append(replace(column, categories=categories, closed=closed and bool(categories)))
    return replace(schema, columns=tuple(columns))


def _few_distinct(column: Column, values: Array, *, closed: bool) -> tuple[Value, ...]:
    if column.dtype != "string":
        return ()
    distinct = {value for value in values.tolist() if value is not None}
    few = len(distinct) <= _MOST_CATEGORIES and privacy.are_few(len(distinct), len(values))
    return tuple(sorted(distinct)) if few and (closed or privacy.are_names(distinct)) else ()


def _encoded_categories(estimator: Any, schema: Schema) -> Mapping[str, tuple[Value, ...]]:
    """Return the categories that fitted encoders know, for columns that reach them through nothing but imputers."""
    found: dict[str, tuple[Value, ...]] = {}
    for transformer, names in _column_routes(first_step(estimator), schema.names):
        encoder = _encoder_behind_imputers(transformer)
        known = getattr(encoder, "categories_", None)
        if not isinstance(known, list) or len(known) != len(names):
            continue
        listed = zip(names, map(_listed, known), strict=True)
        found |= {name: categories for name, categories in listed if categories is not None}
    dtypes = {column.name: column.dtype for column in schema.columns}
    return {
        name: known
        for name, known in found.items()
        if all(isinstance(v, str) for v in known) == (dtypes[name] == "string")
    }


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
