"""How much of a connection a worker takes, and for how long."""

from dataclasses import dataclass
from typing import Any, Self

_RECEIVING = 30.0
_BUFFERS = 4
"""Nginx's large_client_header_buffers: a head that it takes is at most that many fields of the longest length."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds in bytes, numbers and seconds; 0 bytes of a request line are no bound other than the head's.

    ``receiving`` is how long a head may take to arrive, and each further piece of a body or an answer; ``idle`` how
    long a connection is kept without a request; ``linger`` how long an idle one is kept by a worker that stops.
    """

    line: int = 8190
    fields: int = 1000
    field: int = 16_380
    body: int = 2**30
    in_memory: int = 2**20
    connections: int = 1000
    idle: float = 75.0
    receiving: float = _RECEIVING
    linger: float = 1.0
    graceful: float = 30.0

    @property
    def shortest(self) -> int:
        """The length of a head up to which no line of it can be too long."""
        return min(self.line or self.field, self.field) - 2

    @property
    def head(self) -> int:
        """The most bytes of a head: request line and all fields."""
        return _BUFFERS * self.field

    @classmethod
    def of(cls, config: Any, body: int) -> Self:
        """Take them from gunicorn's configuration, and the most bytes of a body."""
        return cls(
            line=config.limit_request_line,
            fields=config.limit_request_fields,
            field=config.limit_request_field_size,
            body=body,
            connections=config.worker_connections,
            idle=config.keepalive,
            receiving=config.timeout or _RECEIVING,
            graceful=config.graceful_timeout,
        )
