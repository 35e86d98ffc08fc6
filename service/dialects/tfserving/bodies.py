"""A model's request and response bodies for TensorFlow Serving's verbs, as JSON Schema."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from model_store.schema import FLOATS, INTEGERS, Column, Schema
from service.dialects import json_schema as js
from service.dialects.dialect import VerbBodies
from service.dialects.json_schema import Json, list_of, rows_of, structure
from service.wire import JSON

_LABEL_AND_SCORE: Json = {
    **js.ANY_ARRAY,
    "minItems": 2,
    "maxItems": 2,
    "description": "A label and its probability",
}

_ANY_PREDICT_REQUEST = structure({}, instances=js.ANY_ARRAY, inputs=js.ANYTHING, signature_name=js.TEXT)
_ANY_PREDICT_ANSWER = structure({}, predictions=js.ANY_ARRAY, outputs=js.ANYTHING)
_ANY_EXAMPLES = structure({"examples": rows_of(js.ANY_OBJECT)}, context=js.ANY_OBJECT, signature_name=js.TEXT)
_ANY_RESULTS = structure({"results": js.ANY_ARRAY})

ANY_MODEL: Mapping[str, VerbBodies] = {
    "predict": VerbBodies({JSON: _ANY_PREDICT_REQUEST}, {JSON: _ANY_PREDICT_ANSWER}),
    **dict.fromkeys(("classify", "regress"), VerbBodies({JSON: _ANY_EXAMPLES}, {JSON: _ANY_RESULTS})),
}
"""The bodies for a model that nothing is known of."""


def bodies(schema: Schema) -> Mapping[str, VerbBodies]:
    """Return the bodies for a schema; it has no ``classify`` or ``regress`` if its outputs do not allow it."""
    made = {"predict": _bodies(_predict_request(schema), _predict_response(schema))}
    scores, answer = schema.output("predict_proba"), schema.output("predict")
    if scores and scores.labels and scores.shape == (len(scores.labels),):
        made["classify"] = _bodies(_examples(schema), _results(list_of(_LABEL_AND_SCORE)))
    if answer and answer.dtype in (*FLOATS, *INTEGERS) and answer.shape in {(), (1,)}:
        made["regress"] = _bodies(_examples(schema), _results(js.NUMBER_OR_TOKEN))
    return made


def _bodies(request: Json, response: Json) -> VerbBodies:
    return VerbBodies({JSON: request}, {JSON: response})


def _results(item: Json) -> Json:
    return structure({"results": list_of(item)})


def _predict_request(schema: Schema) -> Json:
    instance, inputs, example = _forms(schema)
    names = ["serving_default", *(output.name for output in schema.outputs)]
    return js.either(
        "Predict",
        ("instances", rows_of(instance)),
        ("inputs", inputs),
        rest={"signature_name": {"type": "string", "enum": names}},
        example={"instances": [example]},
    )


def _forms(schema: Schema) -> tuple[Json, Json, Any]:
    """Return one of ``instances``, all of ``inputs``, and an example of an instance."""
    record, columns = js.record(schema, exact=True), js.by_name(schema, lambda column: rows_of(js.value(column)))
    if schema.layout == "matrix":
        row = js.row(schema)
        return _any(row, record), _any(rows_of(row), columns), js.example_row(schema)
    if js.has_lone_column(schema):
        value = js.value(schema.columns[0])
        return _any(value, record), _any(rows_of(value), columns), js.example(schema.columns[0])
    instance = _any(record, js.row(schema))
    return instance, _any(columns, rows_of(instance)), js.example_record(schema)


def _any(*forms: Json) -> Json:
    return {"anyOf": list(forms)}


def _predict_response(schema: Schema) -> Json:
    values = _any_tensor(schema)
    by_row = js.named("PredictAnswerToInstances", structure({"predictions": values}))
    return {"oneOf": [by_row, js.named("PredictAnswerToInputs", structure({"outputs": values}))]}


def _any_tensor(schema: Schema) -> Json:
    """Describe one entry a row, of any one output."""
    items = js.distinct(js.entry(output, js.NUMBER_OR_TOKEN) for output in schema.outputs)
    return list_of({"anyOf": items} if len(items) > 1 else items[0])


def _examples(schema: Schema) -> Json:
    """Describe examples of named features; one that the model does not know is ignored, and none is ever null."""
    features = {column.name: _feature(column) for column in schema.columns}
    required = [column.name for column in schema.columns if not column.nullable]
    feature = {"type": ["number", "boolean", "string"]}
    example = {"type": "object", "properties": features, "required": required, "additionalProperties": feature}
    return {**structure({"examples": rows_of(example)}), "examples": [{"examples": [js.example_record(schema)]}]}


def _feature(column: Column) -> Json:
    """Describe a feature of an example: a bool also counts as 1 or 0."""
    value = js.value(replace(column, nullable=False))
    return {**value, "type": [value["type"], "boolean"]} if value.get("type") in {"number", "integer"} else value
