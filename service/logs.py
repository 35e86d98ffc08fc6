"""Logs: one JSON object a line, in the field names of the Elastic Common Schema (ECS).

Never in a log: bodies, tokens, query strings, and feature values, but for those of a version whose publisher asked for
it (`payload`). An exception's own words are withheld if it was raised by code that handles input, because such words
quote it; its type and its stack stay.
"""

import logging
import os
import random
import select
import sys
import time
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, NamedTuple, Protocol, TextIO

import orjson

ECS_VERSION = "9.5.0"
SERVICE = "millrace"
LONGEST_PATH = 512
LONGEST_MESSAGE = 8192
_FIRST_ERROR = 400
_FIRST_FAILURE = 500
_LEFT_OUT = 501  # the caller asks for what this service does not have: nothing has failed

_ids: ContextVar[tuple[str | None, str | None]] = ContextVar("ids", default=(None, None))
"""The ids of the request and of the trace."""

_WRITTEN_WHOLE = select.PIPE_BUF
"""Bytes that a pipe takes at once, so that lines of several processes do not mix, however full it is (pipe(7))."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LEVELS = {"CRITICAL": "critical", "ERROR": "error", "WARNING": "warn", "INFO": "info", "DEBUG": "debug"}
_HANDLES_INPUT = (
    "service/dialects/",
    "model_store/codecs/",
    "model_store/validation/",
    "service/runtime/loaded.py",
    "model_store/engines/",
)
_Constant = tuple[tuple[str, str], ...]
"""The fields that are in every line, and their values."""

_VARYING = {
    "@timestamp": b'"%b"',
    "event.duration": b"%d",
    "http.request.body.bytes": b"%d",
    "http.response.body.bytes": b"%d",
    "http.request.id": b"%b",
    "trace.id": b"%b",
}
"""The fields of an access line that differ from request to request, in their order, as conversions."""

_WITHHELD = "withheld, because it may quote input"


class Sink(Protocol):
    """Where finished lines go."""

    def write(self, lines: bytes) -> None:
        """Write one line or several, their newlines included, whole."""


class _Descriptor:
    """A file descriptor: one system call for all of it, so that lines of several processes do not mix."""

    def __init__(self, number: int) -> None:
        self._number = number

    def write(self, lines: bytes) -> None:
        try:
            os.write(self._number, lines)
        except OSError:  # a full disk or a closed pipe must not fail the request that is being logged
            return


class _Text:
    """Any other text stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, lines: bytes) -> None:
        self._stream.write(lines.decode())
        self._stream.flush()


@dataclass(slots=True)
class _Output:
    """What `configure` decided, read by every line."""

    sink: Sink
    constant: _Constant
    access_sampling: float = 1.0


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
    request_id: str | None = None
    trace_id: str | None = None
    principal: str | None = None
    model: str | None = None
    version: int | None = None
    dialect: str | None = None
    code: str = "ok"
    reason: str = ""


@dataclass(slots=True)
class Payload:
    """What a version was asked: ``values`` is JSON, ``whole`` whether it holds every row and value of the request."""

    model: str
    version: int
    rows: int
    values: str
    whole: bool


def bind(request_id: str | None, trace_id: str | None = None) -> None:
    """Add these ids to every line that this context logs from now on."""
    _ids.set((request_id, trace_id))


def request_id() -> str | None:
    """Give the id of the request that this context is answering, or None."""
    return _ids.get()[0]


def configure(level: str, stream: TextIO | None = None, *, replica: str = "", access_sampling: float = 1.0) -> None:
    """Send every logger's lines, gunicorn's too, to ``stream`` (standard output) as JSON.

    ``access_sampling`` is the share, from 0 to 1, of successful requests that get an access line; requests that were
    refused or failed always get one.
    """
    sink = _sink(sys.stdout if stream is None else stream)
    _output.sink, _output.constant, _output.access_sampling = sink, _constant(replica), access_sampling
    handler = EcsHandler(sink)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("gunicorn.error", "gunicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = name == "gunicorn.error"
    logging.captureWarnings(True)


def gunicorn_config(level: str, replica: str = "") -> dict[str, Any]:
    """Make gunicorn's ``logconfig_dict``: its lines through the same handler, and no access log."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {},
        "handlers": {"ecs": {"()": "service.logs.EcsHandler", "replica": replica}},
        "root": {"level": level, "handlers": ["ecs"]},
        "loggers": {
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True, "qualname": "gunicorn.error"},
            "gunicorn.access": {"level": "ERROR", "handlers": [], "propagate": False, "qualname": "gunicorn.access"},
        },
    }


def access(*requests: AccessLine) -> None:
    """Write the requests' access lines, without those that succeeded and that sampling leaves out.

    They are written together as far as a pipe takes them whole: a system call costs more than a line.
    """
    output = _output
    lines = b""
    for request in requests:
        failed = request.status >= _FIRST_ERROR
        if not failed and output.access_sampling < 1.0 and random.random() >= output.access_sampling:  # noqa: S311
            continue
        line = _access_line(request, output.constant, time.time())
        if lines and len(lines) + len(line) > _WRITTEN_WHOLE:
            output.sink.write(lines)
            lines = b""
        lines += line
    if lines:
        output.sink.write(lines)


def payload(asked: Payload) -> None:
    """Write what a version was asked, whose publisher wished for it. The only line that holds feature values."""
    fields = {
        "@timestamp": _timestamp(time.time()),
        "log.level": "info",
        "message": f"payload of {asked.model} {asked.version}",
        **dict(_output.constant),
        "event.kind": "event",
        "event.dataset": "millrace.payload",
        "process.pid": os.getpid(),
        "labels.model": asked.model,
        "labels.version": str(asked.version),
        "labels.rows": str(asked.rows),
        "labels.payload": asked.values,
        "labels.payload_whole": str(asked.whole).lower(),
        **_bound_ids(),
    }
    _output.sink.write(_line(fields))


class EcsHandler(logging.Handler):
    """Writes log records as ECS lines."""

    def __init__(self, sink: Sink | None = None, replica: str | None = None) -> None:
        super().__init__()
        self._sink = sink or _sink(sys.stdout)
        self._constant = _output.constant if replica is None else _constant(replica)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; a record that cannot be written never fails its caller."""
        try:
            self._sink.write(_line(_record_fields(record, self._constant)))
        except Exception:  # noqa: BLE001 - logging's own rule: report to standard error, do not raise
            self.handleError(record)


def _sink(stream: TextIO) -> Sink:
    try:
        return _Descriptor(stream.fileno())
    except (OSError, AttributeError, ValueError):
        return _Text(stream)


def _constant(replica: str) -> _Constant:
    fields = {"ecs.version": ECS_VERSION, "service.name": SERVICE, "service.node.name": replica}
    return tuple((name, value) for name, value in fields.items() if value)


def _line(fields: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a lone surrogate or an odd type: as text that JSON can hold
        return orjson.dumps({k: _plain(v) for k, v in fields.items()}, option=orjson.OPT_APPEND_NEWLINE)


def _plain(value: Any) -> str:
    return str(value).encode("utf-8", "backslashreplace").decode()


def _timestamp(seconds: float) -> str:
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _access_line(request: AccessLine, constant: _Constant, now: float) -> bytes:
    """Return the bytes that ``_line`` makes of ``_access_fields``, from what is the same for many requests."""
    ids = request.request_id, request.trace_id
    try:
        template = _template(request[:3], request[8:], tuple(map(bool, ids)), constant)
        given = [orjson.dumps(value) for value in ids if value]
        numbers = int(request.seconds * 1e9), request.request_bytes, request.response_bytes
        return template % (_timestamp(now).encode(), *numbers, *given)
    except TypeError:  # a lone surrogate, which is no JSON
        return _line(_access_fields(request, constant, now))


@lru_cache(maxsize=256)
def _template(asked: tuple[Any, ...], answered: tuple[Any, ...], ids: tuple[bool, ...], constant: _Constant) -> bytes:
    """Return a line with conversions in place of ``_VARYING``; ``ids`` says which of the two there are."""
    request = AccessLine._make((*asked, 0.0, 0, 0, *ids, *answered))
    parts = [
        orjson.dumps(name) + b":" + (_VARYING.get(name) or orjson.dumps(value).replace(b"%", b"%%"))
        for name, value in _access_fields(request, constant, 0.0).items()
    ]
    return b"{" + b",".join(parts) + b"}\n"


os.register_at_fork(after_in_child=_template.cache_clear)  # a line holds the process's id


def _access_fields(request: AccessLine, constant: _Constant, now: float) -> dict[str, Any]:
    failed = request.status >= _FIRST_ERROR
    path = request.path[:LONGEST_PATH]
    fields: dict[str, Any] = {
        "@timestamp": _timestamp(now),
        "log.level": "error" if request.status >= _FIRST_FAILURE and request.status != _LEFT_OUT else "info",
        "message": f"{request.method} {path} {request.status}",
        **dict(constant),
        "event.kind": "event",
        "event.category": ["web"],
        "event.type": ["access"],
        "event.dataset": "millrace.access",
        "event.duration": int(request.seconds * 1e9),
        "event.outcome": "failure" if failed else "success",
        "http.request.method": request.method,
        "http.request.body.bytes": request.request_bytes,
        "http.response.status_code": request.status,
        "http.response.body.bytes": request.response_bytes,
        "url.path": path,
        "process.pid": os.getpid(),
        "labels.code": request.code,
    }
    if request.request_id:
        fields["http.request.id"] = request.request_id
    if request.trace_id:
        fields["trace.id"] = request.trace_id
    if request.principal:
        fields["user.id"] = request.principal
    if request.model:
        fields["labels.model"] = request.model
        fields["labels.version"] = str(request.version)
    if request.dialect:
        fields["labels.dialect"] = request.dialect
    if request.reason:
        fields["event.reason"] = request.reason
    return fields


def _record_fields(record: logging.LogRecord, constant: _Constant) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "@timestamp": _timestamp(record.created),
        "log.level": _LEVELS.get(record.levelname, record.levelname.lower()),
        "message": _message(record),
        **dict(constant),
        "event.dataset": "millrace.gunicorn" if record.name.startswith("gunicorn") else "millrace.service",
        "log.logger": record.name,
        "process.pid": record.process,
    }
    fields.update(_bound_ids())
    for name, value in vars(record).items():
        if name not in _STANDARD and value is not None:
            fields.update(_extra(name, value))
    if record.exc_info and record.exc_info[1] is not None:
        fields.update(_error(record.exc_info[1]))
    return fields


def _bound_ids() -> dict[str, str]:
    bound = zip(("http.request.id", "trace.id"), _ids.get(), strict=True)
    return {name: value for name, value in bound if value}


def _message(record: logging.LogRecord) -> str:
    if record.name == "gunicorn.error" and isinstance(record.args, tuple):
        # gunicorn names a failed request by its whole address: what follows the question mark may be secret
        record.args = tuple(a.split("?", 1)[0] if isinstance(a, str) and a.startswith("/") else a for a in record.args)
    return record.getMessage()[:LONGEST_MESSAGE]


def _extra(name: str, value: Any) -> dict[str, Any]:
    """Name an ``extra`` of a log call: under its own name if that is dotted, as ECS names are, else a label."""
    if "." in name:
        return {name: value}
    return {f"labels.{name}": str(value)}


def _error(error: BaseException) -> dict[str, Any]:
    chain = _chain(error)
    quotes_input = any(_handled_input(link.__traceback__) for link in chain)
    code = getattr(error, "code", None)
    fields = {
        "error.type": type(error).__qualname__,
        "error.message": _WITHHELD if quotes_input else str(error)[:LONGEST_MESSAGE],
        "error.stack_trace": "\n".join(_stack(link) for link in reversed(chain)),
    }
    if isinstance(code, str):
        fields["error.code"] = code
    return fields


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return chain


def _stack(error: BaseException) -> str:
    """Return frames and the type, without the exception's words: ``error.message`` has those if they may be said."""
    return "".join(traceback.format_tb(error.__traceback__)) + type(error).__qualname__


def _handled_input(frames: TracebackType | None) -> bool:
    return any(
        part in frame.f_code.co_filename for frame, _line_number in traceback.walk_tb(frames) for part in _HANDLES_INPUT
    )


_output = _Output(_Descriptor(1), _constant(""))
