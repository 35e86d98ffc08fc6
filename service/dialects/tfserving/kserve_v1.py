"""KServe V1's CloudEvents around TensorFlow Serving's predict, at the same address.

Both are one dialect here, because nothing in a plain request tells them apart. Only KServe's clients send CloudEvents,
structured or binary, and are answered with one.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from model_store.codecs.json import dumps
from model_store.request_errors import Fault, MalformedRequest
from model_store.schema import Schema
from model_store.validation.words import show
from service.dialects.tfserving import predict as tfserving
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
        call = tfserving.of_numbers(request, schema) if event is None else None
        if call is None:
            call = tfserving.decoded(_read(request, event), schema, request.max_rows)
        return call if event is None else call._replace(context=event)

    def encode(self, answered: PredictionResult, call: Call) -> WireResponse:
        """Write TensorFlow Serving's response, or KServe's inside a CloudEvent."""
        if isinstance(call.context, InEvent):
            plain = tfserving.PREDICT.encode(answered, call._replace(context="predictions"))
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
