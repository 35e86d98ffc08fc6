"""What a wire protocol hands over: its name, how its errors look, and its bodies for a model's schema."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from model_store.request_errors import RequestError
from model_store.schema import Schema
from service.dialects.json_schema import Json
from service.wire import ErrorForm, Phrase, Values

ONE_INPUT = "input"
"""The name, in every dialect, of the one tensor that a model takes which was fitted on an array or on texts."""


def _own_words(_error: RequestError, _values: Values) -> None:
    """Leave an error its own words."""


@dataclass(frozen=True, slots=True)
class VerbBodies:
    """What one verb takes and answers: JSON Schemas by media type, and those of its query parameters by name."""

    request: Mapping[str, Json]
    response: Mapping[str, Json]
    query: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One wire protocol.

    ``name`` labels metrics and logs, ``title`` and ``summary`` head its section of the API description. ``addresses``
    matches every path that is answered in it, also if there is no route. ``errors`` adds to the members that every
    error has and takes none away; ``phrase`` may word an error's text. ``verbs`` are the bodies for a model that
    nothing is known of, by names that no other dialect has; ``bodies`` gives those for a schema, of the verbs that it
    allows.
    """

    name: str
    title: str
    summary: str
    addresses: re.Pattern[str]
    errors: ErrorForm
    verbs: Mapping[str, VerbBodies]
    bodies: Callable[[Schema], Mapping[str, VerbBodies]]
    phrase: Phrase = _own_words


def errors_at(path: str, dialects: Iterable[Dialect]) -> ErrorForm:
    """Return how errors look at an address: as in the dialect that answers there, else as problem+json."""
    return next((dialect.errors for dialect in dialects if dialect.addresses.fullmatch(path)), ErrorForm())
