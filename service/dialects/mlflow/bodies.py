"""A model's request and response bodies for MLflow's invocations, as JSON Schema."""

from collections.abc import Mapping
from typing import Any

from model_store.codecs.media_types import ARROW_FILE, ARROW_STREAM, CSV, NPY, PARQUET
from model_store.schema import Schema
from service.dialects import json_schema as js
from service.dialects.dialect import VerbBodies
from service.dialects.json_schema import Json, list_of, rows_of, structure
from service.dialects.mlflow.invocations import METHOD
from service.wire import JSON

_METHOD: Json = {"description": "Which of the model's outputs to answer; for bodies that cannot say it in `params`"}
_TABLES: Mapping[str, Json] = dict.fromkeys((PARQUET, ARROW_STREAM, ARROW_FILE, NPY), js.BYTES)
_ANSWERS: Mapping[str, Json] = {form: js.BYTES for form in _TABLES if form != PARQUET}


def _bodies(request: Json, response: Json, table: str, outputs: Mapping[str, Any]) -> VerbBodies:
    return VerbBodies(
        {JSON: request, CSV: {**js.TEXT, "examples": [table]}, **_TABLES},
        {JSON: response, **_ANSWERS},
        {METHOD: {**js.TEXT, **outputs, **_METHOD}},
    )


_ANY_REQUEST = structure(
    {},
    dataframe_split=structure({"data": js.ANY_ARRAY}, columns=list_of(js.TEXT), index=js.ANY_ARRAY),
    dataframe_records=rows_of(js.ANY_OBJECT),
    instances=js.ANY_ARRAY,
    inputs=js.ANYTHING,
    params=js.ANY_OBJECT,
)
_ANY_ANSWER = structure({"predictions": js.ANY_ARRAY})

ANY_MODEL: Mapping[str, VerbBodies] = {"invocations": _bodies(_ANY_REQUEST, _ANY_ANSWER, "a,b\n1,2\n", {})}
"""The bodies for a model that nothing is known of."""


def bodies(schema: Schema) -> Mapping[str, VerbBodies]:
    """Return the bodies for a schema."""
    response = structure({"predictions": _any_output(schema)})
    return {"invocations": _bodies(_request(schema), response, _table(schema), js.output_name(schema))}


def _request(schema: Schema) -> Json:
    named = js.record(schema)
    row = js.value(schema.columns[0]) if js.has_lone_column(schema) else js.row(schema)
    rows = [rows_of(row), rows_of(named)]
    by_column = js.by_name(schema, lambda column: {"anyOf": [rows_of(js.value(column)), js.value(column)]})
    example = {"dataframe_split": {"columns": list(schema.names), "data": [js.example_row(schema)]}}
    return js.either(
        "Invocations",
        ("dataframe_split", _split(schema)),
        ("dataframe_records", rows_of(named)),
        ("instances", {"anyOf": rows}),
        ("inputs", {"anyOf": [*rows, by_column]}),
        rest={"params": _params(schema)},
        example=example,
    )


def _split(schema: Schema) -> Json:
    columns = js.in_order({"const": name} for name in schema.names)
    required = ["data", "columns"] if schema.layout == "table" else ["data"]
    split = structure({"data": rows_of(js.row(schema))}, columns=columns, index={})
    return {**split, "required": required, "additionalProperties": False}


def _params(schema: Schema) -> Json:
    name = js.output_name(schema)
    method = {"anyOf": [name, list_of(name), {"type": "null"}]}
    return {**structure({}, **{METHOD: method}), "type": ["object", "null"]}


def _any_output(schema: Schema) -> Json:
    """Describe one entry a row, of any one output; or a record of several."""
    entries = (js.entry(output, js.NUMBER_OR_NULL) for output in schema.outputs)
    return list_of({"anyOf": js.distinct([*entries, js.ANY_OBJECT])})


def _table(schema: Schema) -> str:
    """Return a CSV body of two lines: the column names, and a row."""
    row = js.example_row(schema)
    return ",".join(map(_field, schema.names)) + "\n" + ",".join(_field("" if v is None else v) for v in row) + "\n"


def _field(value: Any) -> str:
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text
