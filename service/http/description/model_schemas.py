"""A model's own request and answer bodies in each protocol, as JSON Schema made from its schema."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from model_store.schema import FLOATS, INTEGERS, Column, Output, Schema
from service.dialects.openinference import metadata as openinference_metadata
from service.http.description.operations import ANY_OBJECT, BOOL, TEXT, list_of, structure

Json = Mapping[str, Any]

_KINDS: Mapping[str, str] = {"bool": "boolean", "string": "string", "datetime64[ns]": "string"}
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What the API description says of one model.

    ``bodies`` are request and answer by verb; a model has no ``classify`` or ``regress`` whose outputs do not allow it.
    ``table`` is a CSV body to try, ``outputs`` names its outputs, ``labels`` its labels and channels.
    """

    bodies: Mapping[str, tuple[Json, Json]]
    table: str
    outputs: tuple[str, ...]
    labels: tuple[str, ...]


def describe(schema: Schema, labels: Iterable[str]) -> ModelDescription:
    """The description of a model with this schema."""
    outputs = tuple(output.name for output in schema.outputs)
    return ModelDescription(_bodies(schema), _table(schema), outputs, tuple(sorted(labels)))


def _bodies(schema: Schema) -> dict[str, tuple[Json, Json]]:
    made: dict[str, tuple[Json, Json]] = {
        "predict": (_tensorflow_request(schema), _tensorflow_answer(schema)),
        "infer": (_open_inference_request(schema), _open_inference_answer(schema)),
        "invocations": (_mlflow_request(schema), structure({"predictions": _any_output(schema)})),
    }
    scores, answer = schema.output("predict_proba"), schema.output("predict")
    if scores and scores.labels and scores.shape == (len(scores.labels),):
        pair = {"type": "array", "minItems": 2, "maxItems": 2, "description": "A label and its probability"}
        made["classify"] = (_examples(schema), structure({"results": list_of(list_of(pair))}))
    if answer and answer.dtype in (*FLOATS, *INTEGERS) and answer.shape in {(), (1,)}:
        made["regress"] = (_examples(schema), structure({"results": list_of(_NUMBER_OR_TOKEN)}))
    return made


def _table(schema: Schema) -> str:
    """A CSV body of two lines: the column names, and a row."""
    row = (_example(column) for column in schema.columns)
    return ",".join(map(_field, schema.names)) + "\n" + ",".join(_field("" if v is None else v) for v in row) + "\n"


def _field(value: Any) -> str:
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def _value(column: Column) -> Json:
    """One value of a column."""
    made: dict[str, Any] = {"type": _KINDS.get(column.dtype, "integer" if column.dtype in INTEGERS else "number")}
    if column.dtype in INTEGERS:
        info = np.iinfo(column.dtype)
        made |= {"minimum": info.min, "maximum": info.max}
    elif column.dtype == "float32":
        made |= {"minimum": float(np.finfo("f4").min), "maximum": float(np.finfo("f4").max)}
    elif column.dtype == "datetime64[ns]":
        made |= {"format": "date-time"}
    if column.closed:
        made = {"enum": [*column.categories, *([None] if column.nullable else [])]}
    elif column.nullable:
        made["type"] = [made["type"], "null"]
    made["description"] = _words(column)
    return made


def _words(column: Column) -> str:
    words = [f"{column.name} ({column.dtype}{', may be missing' if column.nullable else ''})"]
    if column.minimum is not None and column.maximum is not None:
        words.append(f"seen from {column.minimum:g} to {column.maximum:g}")
    if column.categories:
        named = ", ".join(map(str, column.categories[:_MOST_NAMED]))
        words.append(f"known: {named}{', …' if column.categories[_MOST_NAMED:] else ''}")
    return "; ".join(words)


def _example(column: Column) -> Any:
    if column.categories:
        return column.categories[0]
    if column.dtype in (*FLOATS, *INTEGERS):
        low, high = column.minimum or 0.0, column.maximum or 0.0
        middle = float(f"{low + (high - low) / 2:.4g}")
        return int(middle) if column.dtype in INTEGERS else middle
    return {"bool": True, "string": "text"}.get(column.dtype, "2026-01-31T12:00:00")


def _row(schema: Schema) -> Json:
    """A row by position."""
    width = len(schema.columns)
    if schema.homogeneous and not any(column.closed for column in schema.columns):
        items: Json = {"items": _any_value(schema)}
    else:
        items = {"prefixItems": [_value(column) for column in schema.columns], "items": False}
    return {"type": "array", **items, "minItems": width, "maxItems": width}


def _any_value(schema: Schema) -> Json:
    """A value of a column that all others are like."""
    likeness = next((column for column in schema.columns if column.nullable), schema.columns[0])
    return {key: part for key, part in _value(likeness).items() if key != "description"}


def _record(schema: Schema, *, exact: bool = False) -> Json:
    """A row by name."""
    made = structure({column.name: _value(column) for column in schema.columns})
    return {**made, "additionalProperties": False} if exact else made


def _rows(item: Json) -> Json:
    return {"type": "array", "items": item, "minItems": 1}


def _lone(schema: Schema) -> bool:
    return len(schema.columns) == 1 and schema.layout != "matrix"


def _example_row(schema: Schema) -> list[Any]:
    return [_example(column) for column in schema.columns]


def _example_record(schema: Schema) -> dict[str, Any]:
    return dict(zip(schema.names, _example_row(schema), strict=True))


def _either(*alternatives: tuple[str, Json], rest: Mapping[str, Json], example: Json) -> Json:
    """An object with exactly one of these members."""
    made = []
    for name, schema in alternatives:
        others = {other: False for other, _ in alternatives if other != name}
        made.append({"type": "object", "properties": {name: schema, **rest, **others}, "required": [name]})
    return {"oneOf": made, "examples": [example]}


def _methods(schema: Schema) -> Json:
    return {"type": "string", "enum": [output.name for output in schema.outputs]}


def _tensorflow_request(schema: Schema) -> Json:
    matrix = schema.layout == "matrix"
    example: Any = _example_row(schema) if matrix else _example_record(schema)
    if matrix:
        instance = _row(schema)
        inputs: Json = _rows(instance)
    elif _lone(schema):
        instance = _value(schema.columns[0])
        inputs, example = _rows(instance), _example(schema.columns[0])
    else:
        instance = _record(schema, exact=True)
        inputs = structure({column.name: _rows(_value(column)) for column in schema.columns})
    names = {"signature_name": {"type": "string", "enum": ["serving_default", *_methods(schema)["enum"]]}}
    return _either(("instances", _rows(instance)), ("inputs", inputs), rest=names, example={"instances": [example]})


def _tensorflow_answer(schema: Schema) -> Json:
    values = _any_tensor(schema)
    return {"oneOf": [structure({"predictions": values}), structure({"outputs": values})]}


def _examples(schema: Schema) -> Json:
    """Examples of named features; one that the model does not know is ignored, and none is ever null."""
    features = {column.name: _feature(column) for column in schema.columns}
    required = [column.name for column in schema.columns if not column.nullable]
    feature = {"type": ["number", "boolean", "string"]}
    example = {"type": "object", "properties": features, "required": required, "additionalProperties": feature}
    return {**structure({"examples": _rows(example)}), "examples": [{"examples": [_example_record(schema)]}]}


def _feature(column: Column) -> Json:
    """A feature of an example: a bool also counts as 1 or 0."""
    value = _value(replace(column, nullable=False))
    return {**value, "type": [value["type"], "boolean"]} if value.get("type") in {"number", "integer"} else value


def _mlflow_request(schema: Schema) -> Json:
    named = _record(schema)
    row = _value(schema.columns[0]) if _lone(schema) else _row(schema)
    rows = {"anyOf": [_rows(row), _rows(named)]}
    columns = {"type": "array", "const": list(schema.names)}
    split = structure({"data": _rows(_row(schema))}, columns=columns, index={})
    if schema.layout == "table":
        split = {**split, "required": ["data", "columns"]}
    by_column = structure({c.name: {"anyOf": [_rows(_value(c)), _value(c)]} for c in schema.columns})
    method = {"anyOf": [_methods(schema), list_of(_methods(schema)), {"type": "null"}]}
    params = {**structure({}, predict_method=method), "type": ["object", "null"]}
    example = {"dataframe_split": {"columns": list(schema.names), "data": [_example_row(schema)]}}
    return _either(
        ("dataframe_split", {**split, "additionalProperties": False}),
        ("dataframe_records", _rows(named)),
        ("instances", rows),
        ("inputs", {"anyOf": [*rows["anyOf"], by_column]}),
        rest={"params": params},
        example=example,
    )


def _open_inference_request(schema: Schema) -> Json:
    tensors = openinference_metadata.inputs(schema)
    one_for_all = len(tensors) == 1 and schema.layout == "matrix"
    values = [_any_value(schema)] if one_for_all else [_value(column) for column in schema.columns]
    row = _example_row(schema)
    shown = [row] if one_for_all else [[value] for value in row]
    inputs = [
        structure(
            {
                "name": {"const": tensor.name},
                "datatype": {"const": tensor.datatype},
                "shape": _shape(tensor.shape),
                "data": {"type": "array", "items": value},
            }
        )
        for tensor, value in zip(tensors, values, strict=True)
    ]
    example = [
        {"name": tensor.name, "shape": [1, *tensor.shape[1:]], "datatype": tensor.datatype, "data": flat}
        for tensor, flat in zip(tensors, shown, strict=True)
    ]
    body = structure(
        {"inputs": {"type": "array", "prefixItems": inputs, "items": False, "minItems": len(inputs)}},
        id=TEXT,
        outputs={**list_of(structure({"name": _methods(schema)})), "uniqueItems": True},
    )
    return {**body, "examples": [{"inputs": example}]}


def _shape(shape: Sequence[int]) -> Json:
    sizes = [{"type": "integer", "minimum": 0} if size < 0 else {"const": size} for size in shape]
    return {"type": "array", "prefixItems": sizes, "items": False, "minItems": len(sizes)}


def _open_inference_answer(schema: Schema) -> Json:
    names = [output.name for output in schema.outputs]
    tensor = structure(
        {"name": TEXT, "datatype": TEXT, "shape": list_of({"type": "integer", "minimum": 0})}, data={"type": "array"}
    )
    named = {**tensor, "description": f"One of {', '.join(names)}, or the alias that was asked for"}
    return structure({"model_name": TEXT, "model_version": TEXT, "id": TEXT, "outputs": list_of(named)})


def _any_output(schema: Schema) -> Json:
    """One entry a row, of any one output; or a record of several."""
    items = _distinct([*(_entry(output, _nullable_number()) for output in schema.outputs), ANY_OBJECT])
    return list_of({"anyOf": items})


def _any_tensor(schema: Schema) -> Json:
    """One entry a row, of any one output."""
    items = _distinct(_entry(output, _NUMBER_OR_TOKEN) for output in schema.outputs)
    return list_of({"anyOf": items} if len(items) > 1 else items[0])


def _distinct(schemas: Iterable[Json]) -> list[Json]:
    kept: list[Json] = []
    for schema in schemas:
        if schema not in kept:
            kept.append(schema)
    return kept


def _entry(output: Output, number: Json) -> Json:
    made = _SCALARS.get(output.dtype, number)
    for extent in reversed(output.shape):
        made = {"type": "array", "items": made, "minItems": extent, "maxItems": extent}
    return made


def _nullable_number() -> Json:
    return {"type": ["number", "null"]}


_NUMBER_OR_TOKEN: Json = {"description": "A number; NaN and the infinities are bare tokens, which are not JSON"}
_SCALARS: Mapping[str, Json] = {
    **dict.fromkeys(INTEGERS, {"type": "integer"}),  # noqa: RUF024 - none of them is ever changed
    "bool": BOOL,
    "string": {"type": ["string", "null"]},
    "datetime64[ns]": TEXT,
}
