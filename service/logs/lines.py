"""Lines: JSON objects in the field names of the Elastic Common Schema, and where they are written."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol, TextIO

import orjson

ECS_VERSION = "9.5.0"
SERVICE = "millrace"

Constant = tuple[tuple[str, str], ...]
"""Fields that are in every line, and their values."""


class Sink(Protocol):
    """Where finished lines go."""

    def write(self, lines: bytes) -> None:
        """Write one line or several, their newlines included, whole."""


class Descriptor:
    """A file descriptor: one system call for all of it, so that lines of several processes do not mix."""

    def __init__(self, number: int) -> None:
        self._number = number

    def write(self, lines: bytes) -> None:
        """See Sink."""
        try:
            os.write(self._number, lines)
        except OSError:  # a full disk or a closed pipe must not fail the request that is being logged
            return


class Text:
    """Any other text stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, lines: bytes) -> None:
        """See Sink."""
        self._stream.write(lines.decode())
        self._stream.flush()


def sink(stream: TextIO) -> Sink:
    """Give the sink that writes to ``stream``: by its descriptor if it has one."""
    try:
        return Descriptor(stream.fileno())
    except (OSError, AttributeError, ValueError):
        return Text(stream)


def constant(replica: str) -> Constant:
    """Give the fields of every line of ``replica``."""
    fields = {"ecs.version": ECS_VERSION, "service.name": SERVICE, "service.node.name": replica}
    return tuple((name, value) for name, value in fields.items() if value)


def line(fields: Mapping[str, Any]) -> bytes:
    """Write the fields as one line of JSON, whatever their values are."""
    try:
        return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a lone surrogate or an odd type: as text that JSON can hold
        return orjson.dumps({k: _plain(v) for k, v in fields.items()}, option=orjson.OPT_APPEND_NEWLINE)


def timestamp(seconds: float) -> str:
    """Write seconds since 1970 as ISO 8601 in UTC, with milliseconds."""
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


def _plain(value: Any) -> str:
    return str(value).encode("utf-8", "backslashreplace").decode()


@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
