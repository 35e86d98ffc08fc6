"""What crosses the border between HTTP and the dialects: plain values, no Flask.

Those that are made for every prediction are named tuples, which cost a fifth of what frozen dataclasses do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from model_store.batch import Array, Batch
from model_store.request_errors import RequestError
from model_store.schema import Schema

JSON = "application/json"
PROBLEM = "application/problem+json"

Values = Mapping[str, str | None]
"""The variables in a path: ``model``, ``version``, ``label``."""

Phrase = Callable[[RequestError, Values], str | None]
"""Words an error's ``error`` text in a protocol's own way; None keeps the error's own detail."""


_NOTHING: Mapping[str, str] = MappingProxyType({})


def _no_members(_body: Mapping[str, Any]) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class ErrorForm:
    """How errors look: their media type, and the members that are added to those that all errors have.

    Every error is one JSON object with the members of ``problems.Problem``, whatever the form. ``members`` gives those
    to add to such an object, ``schemas`` their JSON Schemas.
    """

    media_type: str = PROBLEM
    members: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _no_members
    schemas: Mapping[str, Any] = field(default_factory=dict)


class WireRequest(NamedTuple):
    """A request's body, decompressed, its headers by lower-case name, and its URL's query string, still encoded.

    ``max_rows`` is how many rows it may hold; the decoder refuses more as soon as their number is known.
    """

    body: bytes
    headers: Mapping[str, str] = _NOTHING
    query: str = ""
    max_rows: int = 100_000


class WireResponse(NamedTuple):
    """A successful response (always status 200)."""

    body: bytes
    media_type: str = JSON
    headers: Mapping[str, str] = _NOTHING


class Target(NamedTuple):
    """Which model a request is for; at most one of ``version`` and ``label`` is given."""

    model: str
    version: int | None = None
    label: str | None = None


class Call(NamedTuple):
    """A decoded request: validated rows, the wanted outputs in order, and what the dialect needs to encode."""

    batch: Batch
    outputs: tuple[str, ...]
    context: Any = None


class PredictionResult(NamedTuple):
    """What a model answered: which version, and one array of ``batch.rows`` entries for each output name."""

    model: str
    version: int
    schema: Schema
    outputs: Mapping[str, Array]


class Verb(Protocol):
    """One predict verb of a wire protocol. ``dialect`` is its dialect's name, which labels metrics and logs."""

    dialect: str

    def check(self, request: WireRequest) -> None:
        """Raise MalformedRequest if the body cannot be read for any model; for unknown models."""

    def decode(self, request: WireRequest, schema: Schema) -> Call:
        """Read rows and wanted outputs. Raises MalformedRequest, InvalidInput, UnknownOutput, UnsupportedMediaType."""

    def encode(self, answered: PredictionResult, call: Call) -> WireResponse:
        """Write the outputs in the protocol's form."""


def default_outputs(schema: Schema, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the wanted outputs, or the schema's default one."""
    return tuple(wanted) or (schema.outputs[0].name,)
