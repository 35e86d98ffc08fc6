"""Answers as bytes: RFC 9112, framed by Content-Length alone. Nginx adds Date and Server, so that these do not."""

from collections.abc import Sequence
from http import HTTPStatus

from service.http.problems import problem
from service.wire import ErrorForm

Response = tuple[int, Sequence[tuple[str, str]], bytes]
"""Status, headers and body."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_STATUS_LINES = {int(status): f"HTTP/1.1 {int(status)} {status.phrase}\r\n" for status in HTTPStatus}
_FRAMING = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade", "trailer"})
_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


class BadResponse(ValueError):
    """The application's headers cannot be sent as they are."""


def written(response: Response, *, method: str, close: bool) -> tuple[bytes, bytes]:
    """Give the head and the body of an answer. Raises BadResponse if a header would break the framing.

    Content-Length is the body's, but the application's own where no body is sent: to HEAD, and with 304.
    """
    status, headers, body = response
    bare = method == "HEAD" or status in _WITHOUT_BODY
    fields = [f"{name}: {value}\r\n" for name, value in headers if name.lower() not in _FRAMING]
    if status != HTTPStatus.NO_CONTENT:
        length = _said_length(headers) if bare and not body else None
        fields.append(f"Content-Length: {len(body) if length is None else length}\r\n")
    if close:
        fields.append("Connection: close\r\n")
    return _head(status, fields), b"" if bare else body


def _said_length(headers: Sequence[tuple[str, str]]) -> str | None:
    return next((value for name, value in headers if name.lower() == "content-length"), None)


def refused(error: Exception, request_id: str) -> Response:
    """Give the answer to what is not understood, or could not be answered, in the one shape of errors."""
    status, headers, body = problem(error, ErrorForm(), request_id)
    return status, [*headers.items(), ("X-Request-ID", request_id)], body


def _head(status: int, fields: list[str]) -> bytes:
    text = "".join(fields)
    if not text.count("\n") == text.count("\r") == len(fields) or "\0" in text:
        raise BadResponse("A header of the answer has a line's end in it")
    try:
        return f"{_STATUS_LINES[status]}{text}\r\n".encode("latin-1")
    except (KeyError, UnicodeEncodeError) as error:
        raise BadResponse(f"The answer's status or headers cannot be sent: {error}") from error
