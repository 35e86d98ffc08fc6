"""JSON bodies of administrative requests, read into what the route expects, strictly."""

from typing import Any, TypeVar

import flask
import msgspec

from service.errors import Fault, InvalidInput, MalformedRequest, UnsupportedMediaType

Body = TypeVar("Body")
_LARGEST = 64 * 1024


def read(kind: type[Body]) -> Body:
    """The request's body as a ``kind``; raises UnsupportedMediaType, MalformedRequest, InvalidInput."""
    request = flask.request
    request.max_content_length = _LARGEST
    data = request.get_data()
    if data and request.mimetype != "application/json":
        raise UnsupportedMediaType("expected a body of the type application/json")
    try:
        return msgspec.json.decode(data or b"{}", type=kind)
    except msgspec.ValidationError as error:
        words, _, where = str(error).partition(" - at ")
        raise InvalidInput(str(error), [Fault(where.strip("`") or "$", words, "something else")]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedRequest(f"the body is not JSON: {error}") from error


def query_number(name: str, default: int | None, *, most: int) -> Any:
    """A whole number from 1 to ``most`` in the query string, or the default; raises InvalidInput."""
    text = flask.request.args.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:20]) <= most:
        raise InvalidInput(
            f"{name}: expected a whole number from 1 to {most}", [Fault(name, f"1 to {most}", text[:64])]
        )
    return int(text)
