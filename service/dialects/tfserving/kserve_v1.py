"""What KServe's V1 protocol adds to TensorFlow Serving's predict, at the same address.

Both are one dialect here, because nothing in a plain request tells them apart. Only KServe's clients send CloudEvents,
structured or binary, and are answered with one; and instances whose values are lists, each instance a small table.
"""

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from model_store.codecs.json import dumps
from model_store.request_errors import Fault, InvalidInput, MalformedRequest
from model_store.schema import Schema
from model_store.validation.bounds import check_rows
from model_store.validation.words import Locate, show
from service.dialects.tfserving import predict as tfserving
from service.dialects.tfserving.signatures import signatures
from service.wire import JSON, Call, PredictionResult, WireRequest, WireResponse

EVENT = "application/cloudevents+json"
_ATTRIBUTES = ("specversion", "id", "source", "type")
_VERSIONS = ("0.3", "1.0")
_RESPONSE_TYPE = "io.kserve.inference.response"
_RESPONSE_SOURCE = "io.kserve.inference"


class InEvent(NamedTuple):
    """The context of a call that came in a CloudEvent: how the answer goes out."""

    structured: bool


class Predict:
    """``POST …:predict`` of TensorFlow Serving and KServe V1."""

    dialect = "tfserving"

    def check(self, request: WireRequest) -> None:
        """Raise MalformedRequest if the body is not a JSON object, or not the event that its headers promise."""
        tfserving.signature_name(_read(request, _event(request)))

    def decode(self, request: WireRequest, schema: Schema) -> Call:
        """Read rows from ``instances`` or ``inputs``. Raises MalformedRequest, InvalidInput or UnknownOutput."""
        event = _event(request)
        root = _read(request, event)
        instances: Any = root.get("instances")
        if schema.layout == "table" and "inputs" not in root and _are_tables(instances, schema):
            call = _from_tables(root, instances, schema, request.max_rows)
        else:
            call = tfserving.decoded(root, schema, request.max_rows)
        return call if event is None else dataclasses.replace(call, context=event)

    def encode(self, answered: PredictionResult, call: Call) -> WireResponse:
        """Write TensorFlow Serving's response, or KServe's inside a CloudEvent."""
        if isinstance(call.context, InEvent):
            plain = tfserving.PREDICT.encode(answered, dataclasses.replace(call, context="predictions"))
            return _in_event(plain.body, answered.model, call.context)
        return tfserving.PREDICT.encode(answered, call)


def _event(request: WireRequest) -> InEvent | None:
    headers = request.headers
    if headers.get("ce-specversion") is not None and all(headers.get(f"ce-{name}") for name in _ATTRIBUTES):
        return InEvent(structured=False)
    return InEvent(structured=True) if (headers.get("content-type") or "").lower().startswith(EVENT) else None


def _read(request: WireRequest, event: InEvent | None) -> dict[str, Any]:
    """Return the request's object: the body itself, or the event's data. Raises MalformedRequest."""
    root = tfserving.read(request)
    if event is None:
        return root
    attributes: Mapping[str, Any] = (
        root if event.structured else {name: request.headers.get(f"ce-{name}") for name in _ATTRIBUTES}
    )
    for name in _ATTRIBUTES:
        if not isinstance(attributes.get(name), str) or not attributes[name]:
            raise _not_an_event(name, "a string", attributes.get(name))
    if attributes["specversion"] not in _VERSIONS:
        raise _not_an_event("specversion", " or ".join(_VERSIONS), attributes["specversion"])
    if not event.structured:
        return root
    data = root.get("data")
    if not isinstance(data, dict):
        raise _not_an_event("data", "an object", data)
    return data


def _not_an_event(name: str, wanted: str, got: Any) -> MalformedRequest:
    words = f"Cloud Event Exceptions: {name}: expected {wanted}, got {show(got)}"
    return MalformedRequest(words, [Fault(name, wanted, show(got))])


def _are_tables(instances: Any, schema: Schema) -> bool:
    """Return True if the first instance has a list for a value, and each has just the model's columns.

    Optional ones may be left out.
    """
    if not isinstance(instances, list) or not instances or not isinstance(instances[0], dict):
        return False
    if list not in set(map(type, instances[0].values())):
        return False
    names, required = set(schema.names), signatures(schema).required
    return all(isinstance(instance, dict) and required <= instance.keys() <= names for instance in instances)


def _from_tables(root: Mapping[str, Any], instances: Sequence[dict[str, Any]], schema: Schema, max_rows: int) -> Call:
    """Put all instances' rows below each other, as KServe's scikit-learn server does."""
    columns: dict[str, list[Any]] = {name: [] for name in schema.names}
    places: list[tuple[int, int]] = []
    for i, instance in enumerate(instances):
        rows = _height(instance, i)
        places += [(i, row) for row in range(rows)]
        check_rows(len(places), max_rows)
        for name, values in columns.items():
            value = instance.get(name, [None] * rows)
            values.extend(value if isinstance(value, list) else [value])
    inputs = {"signature_name": tfserving.signature_name(dict(root)), "inputs": columns}
    call = tfserving.decoded(inputs, schema, max_rows, _places(places, schema.names))
    return dataclasses.replace(call, context="predictions")


def _height(instance: Mapping[str, Any], place: int) -> int:
    heights = {name: len(value) if isinstance(value, list) else 1 for name, value in instance.items()}
    tallest = max(heights.values())
    faults = [
        Fault(f"instances[{place}].{name}", f"a list of {tallest} values", show(instance[name]))
        for name, height in heights.items()
        if height != tallest
    ]
    if faults:
        raise InvalidInput(f"instances[{place}]: all lists must be of the same length", faults)
    return tallest


def _places(places: Sequence[tuple[int, int]], names: Sequence[str]) -> Locate:
    return lambda row, column: f"instances[{places[row][0]}].{names[column]}[{places[row][1]}]"


def _in_event(body: bytes, model: str, event: InEvent) -> WireResponse:
    attributes = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": f"{_RESPONSE_SOURCE}.{model}",
        "type": _RESPONSE_TYPE,
        "time": datetime.now(UTC).isoformat(),
    }
    if not event.structured:
        return WireResponse(body, JSON, {f"ce-{name}": value for name, value in attributes.items()})
    return WireResponse(dumps(attributes)[:-1] + b',"data":' + body + b"}", EVENT)


PREDICT = Predict()
