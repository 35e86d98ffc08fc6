"""JSON bodies: those of administrative requests read strictly into the type that the route takes, responses written."""

from collections.abc import Mapping
from typing import Any, TypeVar

import flask
import msgspec

from model_store.request_errors import Fault, InvalidInput, MalformedRequest
from service.errors import UnsupportedMediaType
from service.wire import JSON

Body = TypeVar("Body")
_LARGEST = 64 * 1024


def read(kind: type[Body]) -> Body:
    """Return the request's body as a ``kind``. Raises UnsupportedMediaType, MalformedRequest, InvalidInput."""
    request = flask.request
    request.max_content_length = _LARGEST
    data = request.get_data()
    if data and request.mimetype != JSON:
        raise UnsupportedMediaType("expected a body of the type application/json")
    try:
        return msgspec.json.decode(data or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedRequest(f"the body is not JSON: {error}") from error


def convert(document: Any, kind: type[Body]) -> Body:
    """Return a document that was read before as a ``kind``. Raises InvalidInput."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error


def _invalid(error: msgspec.ValidationError) -> InvalidInput:
    words, _, where = str(error).partition(" - at ")
    expected, _, got = words.removeprefix("Expected ").partition(", got ")
    return InvalidInput(str(error), [Fault(where.strip("`") or "$", expected, got or "something else")])


def response(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> flask.Response:
    """Return a response with a body that msgspec can write."""
    return flask.Response(msgspec.json.encode(body), status, headers, mimetype=JSON)


def query_number(name: str, default: int | None, *, most: int) -> Any:
    """Return a whole number from 1 to ``most`` in the query string, or the default. Raises InvalidInput."""
    text = flask.request.args.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:20]) <= most:
        raise InvalidInput(
            f"{name}: expected a whole number from 1 to {most}", [Fault(name, f"1 to {most}", text[:64])]
        )
    return int(text)
