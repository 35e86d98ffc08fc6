"""A model's request and response bodies for the Open Inference Protocol, as JSON Schema."""

from collections.abc import Mapping, Sequence

from model_store.schema import Schema
from service.dialects import json_schema as js
from service.dialects.dialect import VerbBodies
from service.dialects.json_schema import Json, list_of, rows_of, structure
from service.dialects.openinference.infer import OCTETS
from service.dialects.openinference.metadata import TensorMetadata, inputs
from service.wire import JSON

_BINARY: Json = {
    **js.BYTES,
    "description": "The JSON form, then the tensors' bytes; the header Inference-Header-Content-Length tells where "
    "they begin",
}

_SIZES = list_of({"type": "integer", "minimum": 0})
_ANY_TENSOR = js.named(
    "Tensor",
    structure({"name": js.TEXT, "datatype": js.TEXT, "shape": _SIZES}, data=js.ANY_ARRAY, parameters=js.ANY_OBJECT),
)
_ANY_OUTPUT = js.named("WantedOutput", structure({"name": js.TEXT}, parameters=js.ANY_OBJECT))
_ANY_REQUEST = structure(
    {"inputs": rows_of(_ANY_TENSOR)}, id=js.TEXT, outputs=list_of(_ANY_OUTPUT), parameters=js.ANY_OBJECT
)
_ANY_ANSWER = structure(
    {"model_name": js.TEXT, "model_version": js.TEXT, "id": js.TEXT, "outputs": list_of(_ANY_TENSOR)}
)

ANY_MODEL: Mapping[str, VerbBodies] = {
    "infer": VerbBodies({JSON: _ANY_REQUEST, OCTETS: _BINARY}, {JSON: _ANY_ANSWER, OCTETS: _BINARY})
}
"""The bodies for a model that nothing is known of."""


def bodies(schema: Schema) -> Mapping[str, VerbBodies]:
    """Return the bodies for a schema."""
    return {"infer": VerbBodies({JSON: _request(schema), OCTETS: _BINARY}, {JSON: _response(schema), OCTETS: _BINARY})}


def _request(schema: Schema) -> Json:
    tensors = inputs(schema)
    one_for_all = len(tensors) == 1 and schema.layout == "matrix"
    values = [js.any_value(schema)] if one_for_all else [js.value(column) for column in schema.columns]
    row = js.example_row(schema)
    shown = [row] if one_for_all else [[value] for value in row]
    wanted = [_input(tensor, value) for tensor, value in zip(tensors, values, strict=True)]
    body = structure(
        {"inputs": _inputs(schema, wanted)},
        id=js.TEXT,
        outputs={**list_of(structure({"name": js.output_name(schema)})), "uniqueItems": True},
    )
    return {**body, "examples": [{"inputs": [_example(t, flat) for t, flat in zip(tensors, shown, strict=True)]}]}


def _inputs(schema: Schema, wanted: Sequence[Json]) -> Json:
    """Describe the list of tensors: in the schema's order, unless some may be left out."""
    needed = [column.name for column in schema.columns if not column.optional]
    if len(needed) == len(schema.columns) or len(wanted) < len(schema.columns):
        return js.in_order(wanted)
    each = [{"contains": {"properties": {"name": {"const": name}}}} for name in needed]
    return {**rows_of({"anyOf": list(wanted)}), "maxItems": len(wanted), **({"allOf": each} if each else {})}


def _input(tensor: TensorMetadata, value: Json) -> Json:
    return structure(
        {
            "name": {"const": tensor.name},
            "datatype": {"const": tensor.datatype},
            "shape": _shape(tensor.shape),
            "data": {"type": "array", "items": value},
        }
    )


def _example(tensor: TensorMetadata, flat: Sequence[object]) -> Json:
    return {"name": tensor.name, "shape": [1, *tensor.shape[1:]], "datatype": tensor.datatype, "data": flat}


def _shape(shape: Sequence[int]) -> Json:
    sizes = [{"type": "integer", "minimum": 0} if size < 0 else {"const": size} for size in shape]
    return js.in_order(sizes)


def _response(schema: Schema) -> Json:
    names = [output.name for output in schema.outputs]
    tensor = structure({"name": js.TEXT, "datatype": js.TEXT, "shape": _SIZES}, data=js.ANY_ARRAY)
    named = {**tensor, "description": f"One of {', '.join(names)}, or the alias that was asked for"}
    return structure({"model_name": js.TEXT, "model_version": js.TEXT, "id": js.TEXT, "outputs": list_of(named)})
