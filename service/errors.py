"""What can go wrong with a request. Each error has a stable ``code``; ``http.problems`` gives it a status."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, Self, TypeVar

_T = TypeVar("_T")

MOST_FAULTS = 20
"""Wrong places that an error names at most."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong place in the input: where, what was expected there, and what was found."""

    location: str
    expected: str
    got: str


class ServiceError(Exception):
    """Base of every error that the service raises on purpose; ``str(error)`` is fit for a caller's eyes."""

    code: ClassVar[str] = "service_error"
    title: ClassVar[str] = "The request could not be served"

    def __init__(self, detail: str, faults: Sequence[Fault] = (), retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults[:MOST_FAULTS])
        self.retry_after = retry_after
        self.headers: Mapping[str, str] = {}

    @classmethod
    def of(cls, *faults: Fault) -> Self:
        """Return the error that says the first fault in words, how many more there are, and lists them."""
        first, more = faults[0], len(faults) - 1
        counted = f" (and {more} more)" if more else ""
        return cls(f"{first.location}: expected {first.expected}, got {first.got}{counted}", faults)


class MalformedRequest(ServiceError):
    """The body or its framing cannot be read as what the route takes."""

    code, title = "malformed_request", "The request cannot be read"


class InvalidInput(ServiceError):
    """The body was read, but its values do not fit the model's schema."""

    code, title = "invalid_input", "The input does not fit the model"


class UnknownOutput(ServiceError):
    """The model has no output of the requested name."""

    code, title = "unknown_output", "The model has no such output"


class UnsupportedMediaType(ServiceError):
    """The body's media type or content encoding is none that the route takes."""

    code, title = "unsupported_media_type", "The media type is not supported"


class PayloadTooLarge(ServiceError):
    """The body, also after decompression, or its number of rows is over the limit."""

    code, title = "payload_too_large", "The request is too large"


class NotImplementedHere(ServiceError):
    """A part of a protocol that this service leaves out on purpose."""

    code, title = "not_implemented", "Not implemented"


class ModelNotFound(ServiceError):
    """No such model, or none that the caller may see."""

    code, title = "model_not_found", "There is no such model"


class VersionNotFound(ServiceError):
    """The model is there, the version is not loaded."""

    code, title = "version_not_found", "There is no such version"


class LabelNotFound(ServiceError):
    """The model is there, the label names nothing."""

    code, title = "label_not_found", "There is no such label"


class ModelNotReady(ServiceError):
    """The model is known, but no version of it can answer now."""

    code, title = "model_not_ready", "The model is not ready"


class ModelRejectedInput(ServiceError):
    """The estimator itself refused rows that fit the schema."""

    code, title = "model_rejected_input", "The model refused the input"


class ModelFailed(ServiceError):
    """The estimator failed for a reason that is not the caller's."""

    code, title = "model_failed", "The model failed"


class Overloaded(ServiceError):
    """More work than may wait; try again after ``retry_after`` seconds."""

    code, title = "overloaded", "The service is overloaded"


class Unauthenticated(ServiceError):
    """No credentials, or credentials that are not valid."""

    code, title = "unauthenticated", "Authentication is needed"


class Forbidden(ServiceError):
    """The caller is known and lacks the permission."""

    code, title = "forbidden", "Permission denied"


class QuotaExceeded(ServiceError):
    """The caller has used up a quota; try again after ``retry_after`` seconds."""

    code, title = "quota_exceeded", "A quota is used up"


class NotFound(ServiceError):
    """Nothing is at that address."""

    code, title = "not_found", "Nothing is here"


class Conflict(ServiceError):
    """The state of the thing forbids what was asked."""

    code, title = "conflict", "The state forbids it"


class Unavailable(ServiceError):
    """A part that this needs, such as the database, does not answer now."""

    code, title = "unavailable", "Temporarily unavailable"


def few(places: Iterable[_T]) -> list[_T]:
    """Return as many of the wrong places as an error names; no more are looked for."""
    return list(islice(places, MOST_FAULTS))


def refuse(faults: Iterable[Fault], error: type[ServiceError] = InvalidInput) -> None:
    """Raise an error of the given kind that names the faults, if there are any.

    All faults of a list are counted; of a generator as many are looked for as an error names. Raises InvalidInput.
    """
    found = faults if isinstance(faults, list) else few(faults)
    if found:
        raise error.of(*found)
