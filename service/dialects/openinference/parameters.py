"""The ``parameters`` of requests, inputs and outputs, and how what is not of the protocol's form is refused."""

from collections.abc import Mapping
from typing import Any

from model_store.request_errors import Fault, MalformedRequest
from model_store.validation.words import show

_SHOWN = 128
_CONTENT_TYPES = frozenset({"np", "pd", "str", "base64", "datetime"})
_RESERVED_PREFIX = "triton_"
_FLAG, _COUNT, _ID = "true or false", "a whole number of 0 or more", "a string or a whole number of 0 or more"
_RESERVED: Mapping[str, str] = {
    "sequence_id": _ID,
    "sequence_start": _FLAG,
    "sequence_end": _FLAG,
    "priority": _COUNT,
    "timeout": _COUNT,
    "binary_data_output": _FLAG,
}
"""What Triton's schedule policy, sequence and binary data extensions take under the names that they reserve."""


def parameters(document: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """Read the ``parameters`` of a request, input or output: strings, numbers and bools by name.

    Raises MalformedRequest.
    """
    given = document.get("parameters")
    if given is None:
        return {}
    place = f"{place}.parameters" if place else "parameters"
    if not isinstance(given, dict):
        raise malformed(place, "an object", show(given))
    for key, value in given.items():
        if key.startswith(_RESERVED_PREFIX):
            raise malformed(
                f"{place}.{key[:_SHOWN]}", f"no parameter whose name starts with {_RESERVED_PREFIX!r}", "one"
            )
        if not isinstance(value, str | int | float):
            raise malformed(f"{place}.{key[:_SHOWN]}", "a string, a number or a bool", show(value))
    content_type = given.get("content_type", "np")
    if content_type not in _CONTENT_TYPES:
        raise malformed(f"{place}.content_type", f"one of {', '.join(sorted(_CONTENT_TYPES))}", show(content_type))
    return given


def of_request(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read the ``parameters`` of a request, among which some names are reserved.

    Those have no effect here but for ``binary_data_output``; one of another kind than Triton takes is refused as there.
    Raises MalformedRequest.
    """
    given = parameters(document, "")
    for key, expected in _RESERVED.items():
        if key in given and not _fits(given[key], expected):
            raise malformed(f"parameters.{key}", expected, show(given[key]))
    return given


def flag(given: Mapping[str, Any], key: str, place: str, *, default: bool) -> bool:
    """Read a parameter that is true or false. Raises MalformedRequest for anything else."""
    value = given.get(key, default)
    if not isinstance(value, bool):
        raise malformed(f"{place}.parameters.{key}", _FLAG, show(value))
    return value


def malformed(place: str, expected: str, got: str) -> MalformedRequest:
    """Return the error for a request that is not of the protocol's form at ``place``."""
    return MalformedRequest.of(Fault(place, expected, got))


def _fits(value: Any, expected: str) -> bool:
    if expected == _FLAG:
        return isinstance(value, bool)
    return (type(value) is int and value >= 0) or (expected == _ID and isinstance(value, str))
