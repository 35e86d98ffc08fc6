"""TensorFlow Serving's predict: rows (``instances`` → ``predictions``) or columns (``inputs`` → ``outputs``)."""

from typing import Any

from model_store.batch import Batch
from model_store.codecs import json_numbers
from model_store.codecs.json import dumps, loads, writable
from model_store.request_errors import Fault, MalformedRequest
from model_store.schema import Schema
from model_store.validation.bounds import announced_rows, check_rows
from model_store.validation.words import show
from service.dialects.tfserving.signatures import METHOD, Signatures, signatures
from service.dialects.tfserving.tensors import INSTANCES, are_rows, from_inputs, from_instances
from service.dialects.tfserving.words import quoted
from service.errors import UnknownOutput
from service.wire import Call, PredictionResult, WireRequest, WireResponse

_ABSENT = object()
_ROWS = json_numbers.opening(INSTANCES)


class Predict:
    """``POST …:predict``. The body's ``signature_name`` chooses the output; ``serving_default`` is the default one."""

    dialect = "tfserving"

    def check(self, request: WireRequest) -> None:
        """Raise MalformedRequest if the body is not a JSON object or its ``signature_name`` is no string."""
        signature_name(read(request))

    def decode(self, request: WireRequest, schema: Schema) -> Call:
        """Read rows from ``instances`` or ``inputs``. Raises MalformedRequest, InvalidInput or UnknownOutput."""
        return of_numbers(request, schema) or decoded(read(request), schema, request.max_rows)

    def encode(self, answered: PredictionResult, call: Call) -> WireResponse:
        """Write the wanted output under ``predictions`` or ``outputs``, as the request's form asks."""
        return WireResponse(dumps({call.context: writable(answered.outputs[call.outputs[0]])}, nan="token"))


def read(request: WireRequest) -> dict[str, Any]:
    """Read the JSON object in a body, as tolerantly as TensorFlow Serving does. Raises MalformedRequest."""
    root = loads(request.body, tolerant=True, max_rows=request.max_rows)
    if not isinstance(root, dict):
        raise _misformed(root, "Is not object", Fault("$", "an object", show(root)))
    return root


def of_numbers(request: WireRequest, schema: Schema) -> Call | None:
    """Return the call that a large body with rows of nothing but numbers asks for, as ``decoded`` does.

    None if a closer look is needed. Raises UnknownOutput.
    """
    found = json_numbers.read_rows(request.body, _ROWS, schema, request.max_rows)
    if found is None or "inputs" in found.value or not json_numbers.stands_for_numbers(found.value.get(INSTANCES)):
        return None
    name = found.value.get("signature_name", "")
    if not isinstance(name, str):
        return None
    outputs = wanted_outputs(signatures(schema), name)
    return Call(Batch(len(found.array), matrix=found.array), outputs, "predictions")


def decoded(root: dict[str, Any], schema: Schema, max_rows: int) -> Call:
    """Return the call that a predict request's object asks for.

    A list of rows under ``inputs``, which only KServe reads, is answered like one under ``instances``. Raises
    MalformedRequest, PayloadTooLarge, InvalidInput or UnknownOutput.
    """
    known = signatures(schema)
    outputs = wanted_outputs(known, signature_name(root))
    instances, inputs = root.get("instances", _ABSENT), root.get("inputs", _ABSENT)
    check_rows(max(announced_rows(instances), announced_rows(inputs)), max_rows)
    if inputs is _ABSENT:
        return Call(from_instances(known, _checked(root, instances), INSTANCES, max_rows), outputs, "predictions")
    if instances is _ABSENT and are_rows(known, inputs):
        return Call(from_instances(known, inputs, "inputs", max_rows), outputs, "predictions")
    if instances is _ABSENT:
        return Call(from_inputs(known, inputs, max_rows), outputs, "outputs")
    words = "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist"
    raise _misformed(root, words, Fault("$", "'inputs' or 'instances'", "both"))


def signature_name(root: dict[str, Any]) -> str:
    """Return the signature that a request names, or the empty string. Raises MalformedRequest."""
    name = root.get("signature_name", "")
    if not isinstance(name, str):
        words = "not formatted correctly. 'signature_name' key must be a string value."
        raise _misformed(root, words, Fault("signature_name", "a string", show(name)))
    return name


def wanted_outputs(known: Signatures, name: str) -> tuple[str, ...]:
    """Return the outputs of a signature. Raises UnknownOutput."""
    outputs = known.outputs.get("" if name == METHOD else name)
    if outputs is None:
        raise UnknownOutput(
            f'Serving signature name: "{name[:128]}" not found in signature def',
            [Fault("signature_name", f"one of {', '.join(filter(None, known.outputs))}", show(name))],
        )
    return outputs


def _checked(root: dict[str, Any], instances: Any) -> list[Any]:
    if instances is _ABSENT:
        raise MalformedRequest(
            "Missing 'inputs' or 'instances' key", [Fault("$", "'inputs' or 'instances'", "neither")]
        )
    if not isinstance(instances, list):
        words = "Expecting 'instances' to be an list/array"
        raise _misformed(root, words, Fault("instances", "a list of rows ('inputs' takes columns)", show(instances)))
    if not instances:
        raise _misformed(root, "No values in 'instances' array", Fault("instances", "at least one row", "none"))
    return instances


def _misformed(value: Any, words: str, fault: Fault) -> MalformedRequest:
    return MalformedRequest(f"JSON Value: {quoted(value)} {words}", [fault])


PREDICT = Predict()
