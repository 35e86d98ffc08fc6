"""Access lines: what a replica says of an answered request.

By default it says so only of requests that Nginx cannot tell all about, see `wanted`.
"""

import os
import random
import select
import time
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from service.logs.lines import Constant, line, timestamp
from service.logs.output import output

LONGEST_PATH = 512
_FIRST_ERROR = 400
_FIRST_FAILURE = 500
_LEFT_OUT = 501  # the caller asks for what this service does not have: nothing has failed

_WRITTEN_WHOLE = select.PIPE_BUF
"""Bytes that a pipe takes at once, so that lines of several processes do not mix, however full it is (pipe(7))."""

_VARYING = {
    "@timestamp": b'"%b"',
    "event.duration": b"%d",
    "http.request.body.bytes": b"%d",
    "http.response.body.bytes": b"%d",
    "labels.rows": b'"%d"',
    "http.request.id": b"%b",
    "trace.id": b"%b",
}
"""The fields of an access line that differ from request to request, in their order, as conversions."""


class AccessLine(NamedTuple):
    """One answered request. ``seconds`` is its duration, ``code`` the error's stable code or "ok".

    ``reason`` says why the caller was refused, in words that quote no credential.
    """

    method: str
    path: str
    status: int
    seconds: float
    request_bytes: int = 0
    response_bytes: int = 0
    rows: int = 0
    request_id: str | None = None
    trace_id: str | None = None
    principal: str | None = None
    model: str | None = None
    version: int | None = None
    channel: str | None = None
    dialect: str | None = None
    code: str = "ok"
    reason: str = ""


def wanted(status: int, seconds: float) -> bool:
    """Tell whether a request gets a line: each that failed, the slowest hundredth, and a share of all others."""
    share = output.access_sampling
    if share >= 1.0:
        return True
    slow = output.slowest.has(seconds)
    return status >= _FIRST_ERROR or slow or (share > 0.0 and random.random() < share)  # noqa: S311


def access(*requests: AccessLine) -> None:
    """Write the requests' lines, together as far as a pipe takes them whole: a system call costs more than a line."""
    lines = b""
    for request in requests:
        written = _access_line(request, output.constant, time.time())
        if lines and len(lines) + len(written) > _WRITTEN_WHOLE:
            output.sink.write(lines)
            lines = b""
        lines += written
    if lines:
        output.sink.write(lines)


def _access_line(request: AccessLine, constant: Constant, now: float) -> bytes:
    """Return the bytes that ``line`` makes of ``_access_fields``, from what is the same for many requests."""
    ids = request.request_id, request.trace_id
    try:
        template = _template(request[:3], request[9:], tuple(map(bool, ids)), constant)
        given = [orjson.dumps(value) for value in ids if value]
        numbers = [int(request.seconds * 1e9), *request[4:6]]
        rows = [request.rows] if request.model else []
        return template % (timestamp(now).encode(), *numbers, *rows, *given)
    except TypeError:  # a lone surrogate, which is no JSON
        return line(_access_fields(request, constant, now))


@lru_cache(maxsize=256)
def _template(asked: tuple[Any, ...], answered: tuple[Any, ...], ids: tuple[bool, ...], constant: Constant) -> bytes:
    """Return a line with conversions in place of ``_VARYING``; ``ids`` says which of the two there are."""
    request = AccessLine._make((*asked, 0.0, 0, 0, 0, *ids, *answered))
    parts = [
        orjson.dumps(name) + b":" + (_VARYING.get(name) or orjson.dumps(value).replace(b"%", b"%%"))
        for name, value in _access_fields(request, constant, 0.0).items()
    ]
    return b"{" + b",".join(parts) + b"}\n"


os.register_at_fork(after_in_child=_template.cache_clear)  # a line holds the process's id


def _access_fields(request: AccessLine, constant: Constant, now: float) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "@timestamp": timestamp(now),
        "log.level": "error" if request.status >= _FIRST_FAILURE and request.status != _LEFT_OUT else "info",
        **{name: value for name, value in constant if name != "service.name"},
        "event.dataset": "millrace.access",
        "event.duration": int(request.seconds * 1e9),
        "http.request.method": request.method,
        "url.path": request.path[:LONGEST_PATH],
        "http.request.body.bytes": request.request_bytes,
        "http.response.status_code": request.status,
        "http.response.body.bytes": request.response_bytes,
        "process.pid": os.getpid(),
        "labels.code": request.code,
    }
    if request.model:
        fields["labels.model"] = request.model
        fields["labels.version"] = str(request.version)
        fields["labels.channel"] = request.channel
        fields["labels.rows"] = str(request.rows)
    if request.request_id:
        fields["http.request.id"] = request.request_id
    if request.trace_id:
        fields["trace.id"] = request.trace_id
    if request.principal:
        fields["user.id"] = request.principal
    if request.dialect:
        fields["labels.dialect"] = request.dialect
    if request.reason:
        fields["event.reason"] = request.reason
    return fields
