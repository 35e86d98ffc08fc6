"""Open Inference Protocol, REST: inference requests in JSON, with binary tensors behind it, and raw binary ones."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model_store.batch import Batch
from model_store.codecs import json_numbers, tensors
from model_store.codecs.json import dumps, loads
from model_store.request_errors import Fault, InvalidInput, MalformedRequest
from model_store.schema import Schema
from model_store.validation.bounds import check_rows
from model_store.validation.words import show
from service.dialects.openinference import inputs as openinference_inputs
from service.dialects.openinference import metadata as openinference_metadata
from service.dialects.openinference import outputs as openinference_outputs
from service.dialects.openinference.outputs import Wanted
from service.dialects.openinference.parameters import malformed, of_request
from service.dialects.openinference.tensors import Tail, Tensor, read
from service.wire import JSON, Call, PredictionResult, WireRequest, WireResponse

HEADER_LENGTH = "Inference-Header-Content-Length"
OCTETS = "application/octet-stream"

_DATA = json_numbers.opening("data")
_INT32_MAX = 2**31 - 1
_ADVICE = (
    "leave the header out if all of the body is JSON: tritonclient writes it into the headers that it is given, which "
    "then must not be used for another request"
)


@dataclass(frozen=True, slots=True)
class _Context:
    """What the answer needs of the request."""

    id: str
    wanted: tuple[Wanted, ...]


class Infer:
    """``POST /v2/models/{model}/infer``."""

    dialect = "openinference"

    def check(self, request: WireRequest) -> None:
        """Pass every body: the protocol looks for the model first."""

    def decode(self, request: WireRequest, schema: Schema) -> Call:
        """Read rows and wanted outputs; without ``outputs`` all of the model's, as the protocol says.

        Raises MalformedRequest, InvalidInput, UnknownOutput, PayloadTooLarge or NotImplementedHere.
        """
        length = _header_length(request)
        if length == 0:
            wanted = openinference_outputs.every(schema, binary=True)
            raw = _raw(request.body, schema, request.max_rows)
            return Call(openinference_inputs.batch(schema, [raw]), _names(wanted), _Context(_new_id(request), wanted))
        document = (length is None and _of_numbers(request, schema)) or _document(request, length)
        if not isinstance(document, dict):
            raise malformed("the request", "an object", show(document))
        given = of_request(document)
        binary = bool(given.get("binary_data_output", False))
        wanted = openinference_outputs.wanted(schema, document.get("outputs"), binary=binary)
        found = _found(document.get("inputs"), schema)
        batch = openinference_inputs.plain(schema, found, request.max_rows) if length is None else None
        if batch is None:
            tail = Tail(None if length is None else memoryview(request.body)[length:])
            batch = _each_looked_at(schema, found, given.get("content_type", "np"), tail, request.max_rows)
        return Call(batch, _names(wanted), _Context(_id(document, request), wanted))

    def encode(self, answered: PredictionResult, call: Call) -> WireResponse:
        """See Dialect. Tensors are flat; the answer is binary where any of its tensors has bytes."""
        context: _Context = call.context
        written = [openinference_outputs.written(one, answered.outputs[one.output.name]) for one in context.wanted]
        document = {
            "model_name": answered.model,
            "model_version": str(answered.version),
            "id": context.id,
            "outputs": [tensor for tensor, _ in written],
        }
        head = dumps(document)
        tail = b"".join(raw for _, raw in written if raw)
        if not tail:
            return WireResponse(head, JSON)
        return WireResponse(head + tail, OCTETS, {HEADER_LENGTH: str(len(head))})


INFER = Infer()


def _each_looked_at(schema: Schema, documents: Sequence[Any], content_type: str, tail: Tail, max_rows: int) -> Batch:
    inputs = [read(one, f"inputs[{i}]", tail, content_type, max_rows) for i, one in enumerate(documents)]
    tail.check_empty()
    return openinference_inputs.batch(schema, inputs)


def _names(wanted: Sequence[Wanted]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([one.output.name for one in wanted]))


def _header_length(request: WireRequest) -> int | None:
    """Return how many bytes of the decompressed body are JSON; None without the header: then all of them are.

    Raises MalformedRequest.
    """
    text = request.headers.get(HEADER_LENGTH.lower())
    if text is None:
        return None
    if not re.fullmatch(r"[+-]?[0-9]{1,20}", text.strip(), re.ASCII):
        raise MalformedRequest(f"Unable to parse {HEADER_LENGTH}, got: {text[:64]}")
    length = int(text)
    if not -_INT32_MAX - 1 <= length <= _INT32_MAX:
        raise MalformedRequest(f"Unable to parse {HEADER_LENGTH}, value is out of range [ -2147483648, 2147483647 ]")
    size = len(request.body)
    if not 0 <= length <= size:
        raise MalformedRequest(
            f"inference header size should be in range (0, {size}), got: {HEADER_LENGTH} {length}; {_ADVICE}"
        )
    return length


def _of_numbers(request: WireRequest, schema: Schema) -> Mapping[str, Any] | None:
    """Return the document of a large body with one plain tensor, whose data is an array already.

    None if a closer look is needed.
    """
    if not openinference_inputs.takes_floats(schema):
        return None
    found = json_numbers.read(request.body, _DATA, 0, request.max_rows * len(schema.columns))
    tensor = None if found is None else _only(found.value.get("inputs"))
    if found is None or tensor is None or not json_numbers.stands_for_numbers(tensor.get("data")):
        return None
    tensor["data"] = found.array
    return found.value if openinference_inputs.is_plain(schema, [tensor], request.max_rows) else None


def _only(documents: Any) -> dict[str, Any] | None:
    """Return the object in a list of one object; None for everything else."""
    single = isinstance(documents, list) and len(documents) == 1 and isinstance(documents[0], dict)
    return documents[0] if single else None


def _document(request: WireRequest, length: int | None) -> Any:
    """Return the JSON part of a request. Raises MalformedRequest, which names the header if that says where it ends."""
    if length is None:
        return loads(request.body, max_rows=request.max_rows)
    try:
        return loads(request.body[:length], max_rows=request.max_rows)
    except MalformedRequest as error:
        raise MalformedRequest(
            f"{HEADER_LENGTH} says that the first {length} of the body's {len(request.body)} bytes are JSON, which "
            f"they are not: {error.detail}; {_ADVICE}"
        ) from None


def _found(documents: Any, schema: Schema) -> list[Any]:
    """Return the documents of ``inputs``. Raises MalformedRequest.

    Of too many only one too many is returned: it is unknown or there twice, and refused.
    """
    if not isinstance(documents, list) or not documents:
        raise MalformedRequest("Unable to parse 'inputs': expected a list of one or more tensors")
    return documents[: len(schema.columns) + 1]


def _raw(body: bytes, schema: Schema, max_rows: int) -> Tensor:
    """Read the whole body as the only input: numbers of as many rows as there are bytes for, or one text.

    Raises MalformedRequest.
    """
    announced = openinference_metadata.inputs(schema)
    if len(announced) > 1:
        raise MalformedRequest(f"raw binary data needs a model with one input, and this one has {len(announced)}")
    datatype, width = announced[0].datatype, len(schema.columns)
    if datatype == "BYTES":
        if width > 1:
            raise MalformedRequest(f"raw binary data of BYTES is one element, and this model takes {width} in a row")
        text = np.array([_text(body)], dtype=object)
        return Tensor("the body", announced[0].name, datatype, (1, 1), text)
    row_bytes = width * tensors.DTYPES[datatype].itemsize
    rows, left = divmod(len(body), row_bytes)
    if left:
        place = f"the body, raw because {HEADER_LENGTH} is 0"
        raise malformed(place, f"{row_bytes} bytes for each row of {width} {datatype}", f"{len(body)} bytes")
    check_rows(rows, max_rows)
    values = tensors.read(datatype, memoryview(body), rows * width, "the body")
    return Tensor("the body", announced[0].name, datatype, (rows, width), values)


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput.of(Fault(f"the body, byte {error.start}", "UTF-8 text", "another byte")) from None


def _id(document: Mapping[str, Any], request: WireRequest) -> str:
    given = document.get("id")
    if given is None:
        return _new_id(request)
    if not isinstance(given, str):
        raise malformed("id", "a string", show(given))
    return given


def _new_id(request: WireRequest) -> str:
    """Return the HTTP request's own id, so that a response can be found in the logs."""
    return request.headers.get("x-request-id") or str(uuid.uuid4())
