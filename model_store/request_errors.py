"""What a request can have wrong: its body, its values or its size. Whoever answers requests builds on these errors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, Self, TypeVar

_T = TypeVar("_T")

MOST_FAULTS = 20
"""Wrong places that an error names at most."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong place in the input: where, what was expected there, and what was found.

    A kind of fault may have a ``hint`` at what can be done; an error says the first one of its faults, in its text.
    """

    location: str
    expected: str
    got: str
    hint: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class RefusedGap(Fault):
    """A missing value where none is taken."""

    hint: ClassVar[str] = "null is taken only if the model's publisher declares the column nullable"


class RequestError(Exception):
    """Base of every error that a request is answered with; ``str(error)`` is fit for a caller's eyes."""

    code: ClassVar[str] = "request_error"
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
        text = f"{first.location}: expected {first.expected}, got {first.got}{counted}"
        return cls(with_hint(text, faults), faults)


class MalformedRequest(RequestError):
    """The body or its framing cannot be read as what the route takes."""

    code, title = "malformed_request", "The request cannot be read"


class InvalidInput(RequestError):
    """The body was read, but its values do not fit the model's schema."""

    code, title = "invalid_input", "The input does not fit the model"


class PayloadTooLarge(RequestError):
    """The body, also after decompression, or its number of rows is over the limit."""

    code, title = "payload_too_large", "The request is too large"


def with_hint(text: str, faults: Iterable[Fault]) -> str:
    """Return an error's text with the first hint of its faults, if any has one."""
    hint = next((fault.hint for fault in faults if fault.hint), "")
    return f"{text}; {hint}" if hint else text


def few(places: Iterable[_T]) -> list[_T]:
    """Return as many of the wrong places as an error names; no more are looked for."""
    return list(islice(places, MOST_FAULTS))


def refuse(faults: Iterable[Fault], error: type[RequestError] = InvalidInput) -> None:
    """Raise an error of the given kind that names the faults, if there are any.

    All faults of a list are counted; of a generator as many are looked for as an error names. Raises InvalidInput.
    """
    found = faults if isinstance(faults, list) else few(faults)
    if found:
        raise error.of(*found)
