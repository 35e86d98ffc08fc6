"""Log records as ECS lines.

An exception's own words are withheld if it was raised by code that handles input, because such words quote it; its type
and its stack stay.
"""

import logging
import sys
import traceback
from types import TracebackType
from typing import Any

from service.logs.ids import bound
from service.logs.lines import Constant, Sink, constant, line, sink, timestamp
from service.logs.output import output

LONGEST_MESSAGE = 8192

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LEVELS = {"CRITICAL": "critical", "ERROR": "error", "WARNING": "warn", "INFO": "info", "DEBUG": "debug"}
_HANDLES_INPUT = (
    "service/dialects/",
    "model_store/codecs/",
    "model_store/validation/",
    "service/runtime/loaded.py",
    "model_store/engines/",
)
_WITHHELD = "withheld, because it may quote input"


class EcsHandler(logging.Handler):
    """Writes log records as ECS lines."""

    def __init__(self, given: Sink | None = None, replica: str | None = None) -> None:
        super().__init__()
        self._sink = given or sink(sys.stdout)
        self._constant = output.constant if replica is None else constant(replica)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; a record that cannot be written never fails its caller."""
        try:
            self._sink.write(line(_record_fields(record, self._constant)))
        except Exception:  # noqa: BLE001 - logging's own rule: report to standard error, do not raise
            self.handleError(record)


def _record_fields(record: logging.LogRecord, every: Constant) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "@timestamp": timestamp(record.created),
        "log.level": _LEVELS.get(record.levelname, record.levelname.lower()),
        "message": _message(record),
        **dict(every),
        "event.dataset": "millrace.gunicorn" if record.name.startswith("gunicorn") else "millrace.service",
        "log.logger": record.name,
        "process.pid": record.process,
    }
    fields.update(bound())
    for name, value in vars(record).items():
        if name not in _STANDARD and value is not None:
            fields.update(_extra(name, value))
    if record.exc_info and record.exc_info[1] is not None:
        fields.update(_error(record.exc_info[1]))
    return fields


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
