"""One connection from Nginx: reads without waiting, writes an answer with one call, and closes so that it arrives."""

import socket
from collections.abc import Mapping
from enum import Enum
from time import monotonic

from service.gunicorn_worker.heads import Heads
from service.gunicorn_worker.incoming import Incoming, Request
from service.gunicorn_worker.limits import Limits
from service.gunicorn_worker.responses import CONTINUE

_READ = 256 * 1024
_JOINED = 64 * 1024
_LINGERING = 2.0


class State(Enum):
    """What a connection does: waits for bytes or for an answer, sends it, throws away what still comes, or is gone."""

    RECEIVING = "receiving"
    ANSWERING = "answering"
    SENDING = "sending"
    LINGERING = "lingering"
    CLOSED = "closed"


RECEIVING, ANSWERING, SENDING, LINGERING, CLOSED = State
"""Each request looks at ten of them, and to look one up in its class takes 0.25 µs in Python 3.11."""


class Connection:
    """A connection and where it stands. Nothing here waits, and nothing raises because the other end is gone.

    ``deadline`` is when it is given up, by the monotonic clock, in seconds. All of a head has to come within
    ``limits.receiving`` seconds, and the same goes for each piece of a body and of an answer.
    """

    __slots__ = ("_close", "_incoming", "_limits", "_rest", "_socket", "deadline", "fd", "state")

    def __init__(self, accepted: socket.socket, heads: Heads, addresses: Mapping[str, str]) -> None:
        accepted.setblocking(False)
        self._socket = accepted
        self._limits: Limits = heads.limits
        self._incoming = Incoming(heads, addresses)
        self._rest = memoryview(b"")
        self._close = False
        self.fd = accepted.fileno()
        self.state = RECEIVING
        self.deadline = monotonic() + self._limits.idle

    @property
    def idle(self) -> bool:
        """Whether it is kept alive between two requests, or was never used."""
        return self.state is RECEIVING and not self._incoming.begun

    def receive(self) -> Request | None:
        """Read what has come, once, and give the request that it completes. Raises what ``Incoming.take`` raises.

        What comes after a request waits in the kernel until that one is answered.
        """
        if self.state is ANSWERING:
            return None
        try:
            data = self._socket.recv(_READ)
        except BlockingIOError:
            return None
        except OSError:
            data = b""
        if not data:
            self.close()
        elif self.state is RECEIVING:
            return self._take(data)
        return None

    def next(self) -> Request | None:
        """Give the request that came together with the one just answered. Raises what ``Incoming.take`` raises."""
        return self._take(b"") if self.state is RECEIVING and self._incoming.begun else None

    def _take(self, data: bytes) -> Request | None:
        if self._incoming.in_body or not self._incoming.begun:
            self.deadline = monotonic() + self._limits.receiving
        request = self._incoming.take(data)
        if request is not None:
            self.state = ANSWERING
        if request is None and self._incoming.waits_for_continue:
            self._write(CONTINUE, b"")
            if self._rest:
                self.close()
        return request

    def gone(self) -> bool:
        """Return whether the caller has hung up. Takes nothing of what it may have sent."""
        try:
            return self._socket.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def send(self, head: bytes, body: bytes, *, close: bool) -> None:
        """Send an answer: with one call, unless the other end takes less; ``flush`` sends the rest."""
        self._close = close
        self.state = SENDING
        self.deadline = monotonic() + self._limits.receiving
        self._write(head, body)
        if self.state is SENDING and not self._rest:
            self._finish()

    def flush(self) -> None:
        """Send more of an answer that was not taken whole."""
        try:
            self._rest = self._rest[self._socket.send(self._rest) :]
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        self.deadline = monotonic() + self._limits.receiving
        if not self._rest:
            self._finish()

    def _write(self, head: bytes, body: bytes) -> None:
        try:
            if len(body) <= _JOINED:
                head, body = head + body, b""
            sent = self._socket.sendmsg((head, body)) if body else self._socket.send(head)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        if sent < len(head) + len(body):
            self._rest = memoryview(head + body)[sent:]

    def _finish(self) -> None:
        """Wait for the next request; or close, but not before the other end has read the answer.

        Bytes that nobody has read turn a close into a reset, which would overtake the answer.
        """
        if not self._close:
            self.state = RECEIVING
            self.deadline = monotonic() + self._limits.idle
        elif self._incoming.begun:
            self.linger()
        else:
            self.close()

    def linger(self) -> None:
        """Say that nothing more comes, and throw away what still arrives, for a short time."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()
            return
        self._incoming.close()
        self.state = LINGERING
        self.deadline = monotonic() + _LINGERING

    def last_look(self) -> Request | None:
        """Take nothing more; give the request that has come at the last moment, else close.

        On a unix socket this is one step for the other end: either its request is here, or it cannot send it.
        """
        try:
            self._socket.shutdown(socket.SHUT_RD)
        except OSError:
            self.close()
            return None
        request = self.receive()
        if request is None:
            self.close()
        return request

    def close(self) -> None:
        """Close it; what is missing of an answer is lost."""
        if self.state is not CLOSED:
            self.state = CLOSED
            self._incoming.close()
            self._socket.close()
