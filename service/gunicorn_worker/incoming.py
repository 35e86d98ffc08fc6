"""What arrives on one connection, in pieces of any size: requests, one after the other, within bounds."""

import io
import tempfile
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

from service.errors import HeadersTooLarge
from service.gunicorn_worker.heads import Head, Heads

_END = b"\r\n\r\n"


class Request(NamedTuple):
    """One whole request: its WSGI environment (PEP 3333), and whether its connection stays open after it."""

    environ: dict[str, Any]
    keep_alive: bool

    def close(self) -> None:
        """Forget the body, and its file if it has one."""
        self.environ["wsgi.input"].close()


class Incoming:
    """Takes what a connection brings, and gives whole requests. A request that was begun holds at most one buffer."""

    __slots__ = ("_base", "_body", "_buffer", "_head", "_heads", "_searched")

    def __init__(self, heads: Heads, addresses: Mapping[str, str]) -> None:
        self._heads = heads
        self._base = heads.of_connection(addresses)
        self._buffer = bytearray()
        self._searched = 0
        self._head: Head | None = None
        self._body: IO[bytes] | None = None

    @property
    def begun(self) -> bool:
        """Whether a part of a request is here."""
        return self._head is not None or bool(self._buffer)

    @property
    def in_body(self) -> bool:
        """Whether a head is here, and its body is on its way."""
        return self._head is not None

    @property
    def waits_for_continue(self) -> bool:
        """Whether the caller waits for 100 (Continue): all of a head that asks for it is here, and nothing else."""
        return self._head is not None and self._head.continues and not self._written()

    def take(self, data: bytes = b"") -> Request | None:
        """Take more bytes, and give the next request if all of it is here.

        Raises what ``Heads.read`` raises, and OSError if a large body cannot be written to its file; nothing that
        comes after it can be understood then.
        """
        self._buffer += data
        if self._head is None:
            self._head = self._read_head()
        if self._head is None or not self._body_is_whole(self._head):
            return None
        request = Request(self._head.environ, self._head.keep_alive)
        self._head = self._body = None
        return request

    def close(self) -> None:
        """Forget what is here, and the file of a large body."""
        self._buffer.clear()
        if self._body is not None:
            self._body.close()

    def _read_head(self) -> Head | None:
        end = self._buffer.find(_END, self._searched)
        if max(end, len(self._buffer) if end < 0 else 0) > self._heads.limits.head:
            raise HeadersTooLarge(f"The head of the request has over {self._heads.limits.head} bytes")
        if end < 0:
            self._searched = max(0, len(self._buffer) - len(_END) + 1)
            return None
        head = self._heads.read(bytes(self._buffer[:end]), self._base)
        del self._buffer[: end + len(_END)]
        self._searched = 0
        return head

    def _body_is_whole(self, head: Head) -> bool:
        if self._body is None:
            self._body = self._begin_body(head)
            if not head.length:
                return True
        missing = head.length - self._written()
        if missing:
            self._body.write(self._buffer[:missing])
            del self._buffer[:missing]
            if self._written() < head.length:
                return False
        self._body.seek(0)
        return True

    def _begin_body(self, head: Head) -> IO[bytes]:
        large = head.length > self._heads.limits.in_memory
        body: IO[bytes] = tempfile.TemporaryFile() if large else io.BytesIO()  # noqa: SIM115 - Request.close does
        head.environ["wsgi.input"] = body
        return body

    def _written(self) -> int:
        return self._body.tell() if self._body is not None else 0
