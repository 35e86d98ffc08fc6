"""A model's columns, rows and outputs as JSON Schema 2020-12, for the bodies that each dialect makes of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from model_store import privacy
from model_store.schema import DATETIMES, FLOATS, INTEGERS, TIMEDELTAS, Column, Output, Schema, Value

Json = Mapping[str, Any]

ANYTHING: Json = {}
ANY_OBJECT: Json = {"type": "object"}
ANY_ARRAY: Json = {"type": "array", "items": ANYTHING}
TEXT: Json = {"type": "string"}
BOOL: Json = {"type": "boolean"}
BYTES: Json = {
    "type": "string",
    "format": "binary",  # says the same as the next line, to tools that know OpenAPI 3.0 alone
    "contentMediaType": "application/octet-stream",
    "minLength": 1,
}
NUMBER_OR_NULL: Json = {"type": ["number", "null"]}
NUMBER_OR_TOKEN: Json = {"description": "A number; NaN and the infinities are bare tokens, which are not JSON"}

_TIMES = (*DATETIMES, *TIMEDELTAS)
_KINDS: Mapping[str, str] = {"bool": "boolean", "string": "string", **dict.fromkeys(_TIMES, "string")}
_SCALARS: Mapping[str, Json] = {
    **dict.fromkeys(INTEGERS, {"type": "integer"}),  # noqa: RUF024 - none of them is ever changed
    "bool": BOOL,
    "string": {"type": ["string", "null"]},
    **dict.fromkeys(_TIMES, TEXT),
}
_MOST_NAMED = 20


def structure(required: Mapping[str, Json], **optional: Json) -> Json:
    """Return an object with these members."""
    return {"type": "object", "properties": {**required, **optional}, "required": list(required)}


def whole(most: int) -> Json:
    """Return a whole number from 1 on."""
    return {"type": "integer", "minimum": 1, "maximum": most}


def list_of(item: Json) -> Json:
    """Return an array of such items."""
    return {"type": "array", "items": item}


def rows_of(item: Json) -> Json:
    """Return an array of such items that has at least one."""
    return {"type": "array", "items": item, "minItems": 1}


def named(title: str, schema: Json) -> Json:
    """Return the schema under a title, by which documents refer to it."""
    return {"title": title, **schema}


def either(title: str, *alternatives: tuple[str, Json], rest: Mapping[str, Json], example: Json) -> Json:
    """Return an object with exactly one of the alternatives as a member, next to the optional ``rest``.

    Each has a name that begins with the ``title``.
    """
    made = [
        named(title + _camel(name), {**structure({name: schema}, **rest), "not": _with_another(alternatives, name)})
        for name, schema in alternatives
    ]
    return {"oneOf": made, "examples": [example]}


def _with_another(alternatives: Iterable[tuple[str, Json]], name: str) -> Json:
    """Return objects with any member of the alternatives but one."""
    return {"anyOf": [{"required": [other]} for other, _ in alternatives if other != name]}


def _camel(name: str) -> str:
    return name.title().replace("_", "")


def in_order(items: Iterable[Json]) -> Json:
    """Return an array of as many items, each with its schema."""
    made = list(items)
    return {"type": "array", "prefixItems": made, "minItems": len(made), "maxItems": len(made)}


def distinct(schemas: Iterable[Json]) -> list[Json]:
    """Return the schemas without repetitions, in their order."""
    kept: list[Json] = []
    for schema in schemas:
        if schema not in kept:
            kept.append(schema)
    return kept


def value(column: Column) -> Json:
    """Return one value of a column."""
    made: dict[str, Any] = {"type": _KINDS.get(column.dtype, "integer" if column.dtype in INTEGERS else "number")}
    made |= _bounds(column)
    if column.closed:
        made = {"enum": [*column.categories, *([None] if column.nullable else [])]}
    elif column.nullable:
        made["type"] = [made["type"], "null"]
    made["description"] = _words(column)
    return made


def any_value(schema: Schema) -> Json:
    """Return a value of a column that all others are like."""
    likeness = next((column for column in schema.columns if column.nullable), schema.columns[0])
    unrestricted = replace(likeness, closed=False, bounded=False)
    return {key: part for key, part in value(unrestricted).items() if key != "description"}


def row(schema: Schema) -> Json:
    """Return a row by position."""
    width = len(schema.columns)
    if schema.homogeneous and not any(column.closed or column.bounded for column in schema.columns):
        return named("Row", {"type": "array", "items": any_value(schema), "minItems": width, "maxItems": width})
    return named("Row", in_order(map(value, schema.columns)))


def record(schema: Schema, *, exact: bool = False) -> Json:
    """Return a row by name, with no other members if ``exact``."""
    made = by_name(schema, value)
    return named("ExactRecord", {**made, "additionalProperties": False}) if exact else named("Record", made)


def by_name(schema: Schema, member: Callable[[Column], Json]) -> Json:
    """Return an object with a member for each column; only optional ones may be left out."""
    required = [column.name for column in schema.columns if not column.optional]
    return {**structure({column.name: member(column) for column in schema.columns}), "required": required}


def has_lone_column(schema: Schema) -> bool:
    """Return whether a row may be written as its only value."""
    return len(schema.columns) == 1 and schema.layout != "matrix"


def output_name(schema: Schema) -> Json:
    """Return the name of one of the model's outputs."""
    return {"type": "string", "enum": [output.name for output in schema.outputs]}


def entry(output: Output, number: Json) -> Json:
    """Return one row's entry of an output, whose floating-point numbers look like ``number``."""
    made = _SCALARS.get(output.dtype, number)
    for extent in reversed(output.shape):
        made = {"type": "array", "items": made, "minItems": extent, "maxItems": extent}
    return made


def example(column: Column) -> Any:
    """Return a value that the column takes."""
    if named := _named(column):
        return named[0]
    if column.dtype in (*FLOATS, *INTEGERS):
        return _middle(column)
    if column.dtype in TIMEDELTAS:
        return "P1DT2H"
    return {"bool": True, "string": "text"}.get(column.dtype, f"2026-01-31T12:00:00{'+00:00' if column.zone else ''}")


def example_row(schema: Schema) -> list[Any]:
    """Return a row by position that the model takes."""
    return [example(column) for column in schema.columns]


def example_record(schema: Schema) -> dict[str, Any]:
    """Return a row by name that the model takes."""
    return dict(zip(schema.names, example_row(schema), strict=True))


def _middle(column: Column) -> float:
    """Return a number between the least and the largest that are known, roughly in the middle."""
    ends = [end for end in (column.minimum, column.maximum) if end is not None] or [0.0]
    low, high = ends[0], ends[-1]
    middle = min(max(float(f"{low + (high - low) / 2:.4g}"), low), high)
    return int(middle) if column.dtype in INTEGERS else middle


def _bounds(column: Column) -> dict[str, Any]:
    declared = {"minimum": column.minimum, "maximum": column.maximum} if column.bounded else {}
    return {**_type_bounds(column), **{name: end for name, end in declared.items() if end is not None}}


def _type_bounds(column: Column) -> dict[str, Any]:
    if column.dtype in INTEGERS:
        info = np.iinfo(column.dtype)
        return {"minimum": info.min, "maximum": info.max}
    if column.dtype == "float32":
        return {"minimum": float(np.finfo("f4").min), "maximum": float(np.finfo("f4").max)}
    if column.dtype in DATETIMES:
        return {"format": "date-time"}
    return {"format": "duration"} if column.dtype in TIMEDELTAS else {}


def _words(column: Column) -> str:
    zone = f" in {column.zone}, with an offset" if column.zone else ""
    unit = f", in {column.unit}" if column.unit else ""
    gaps = ", may be left out" if column.optional else ", may be missing" if column.nullable else ""
    words = [f"{column.name} ({column.dtype}{zone}{unit}{gaps})"]
    if column.minimum is not None and column.maximum is not None and not column.bounded:
        words.append(f"seen from {column.minimum:g} to {column.maximum:g}")
    if known := _named(column):
        named = ", ".join(map(str, known[:_MOST_NAMED]))
        words.append(f"known: {named}{', …' if known[_MOST_NAMED:] else ''}")
    return "; ".join(words)


def _named(column: Column) -> tuple[Value, ...]:
    """Return the categories that callers are told: those that they must choose from, or that look like names."""
    return column.categories if column.closed or privacy.are_names(column.categories) else ()
