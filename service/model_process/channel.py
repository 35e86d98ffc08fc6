"""A worker's end of the connection with a model process: sends and receives frames without ever waiting."""

import socket
from collections import deque
from collections.abc import Sequence

from service.model_process.arrays import Buffer
from service.model_process.frames import Frame, Incoming

_AT_ONCE = 512
"""Buffers in one call; the system takes 1024 at most."""
_JOINED = 64 * 1024


class HungUp(OSError):
    """The other end is closed."""


class Channel:
    """Frames over a stream socket."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._unsent: deque[memoryview] = deque()
        self._incoming = Incoming()

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        return self._socket.fileno()

    @property
    def sending(self) -> bool:
        """Whether a frame is not yet sent whole: ``flush`` when the socket takes more."""
        return bool(self._unsent)

    def send(self, buffers: Sequence[Buffer]) -> None:
        """Begin to send a frame. Raises HungUp."""
        if sum(map(len, buffers)) <= _JOINED:
            buffers = [b"".join(buffers)]
        self._unsent.extend(memoryview(buffer) for buffer in buffers if len(buffer))
        self.flush()

    def flush(self) -> None:
        """Send as much as the socket takes. Raises HungUp."""
        try:
            while self._unsent:
                self._sent(self._socket.sendmsg([self._unsent[i] for i in range(min(_AT_ONCE, len(self._unsent)))]))
        except BlockingIOError:
            return
        except OSError as error:
            raise HungUp(str(error)) from error

    def _sent(self, count: int) -> None:
        while count:
            first = self._unsent.popleft()
            if len(first) > count:
                self._unsent.appendleft(first[count:])
            count -= min(count, len(first))

    def receive(self, most: int) -> Frame | None:
        """Return the frame that is whole by now, if any; its body may have ``most`` bytes. Raises HungUp, BadFrame."""
        while True:
            try:
                data = self._socket.recv(self._incoming.missing)
            except BlockingIOError:
                return None
            except OSError as error:
                raise HungUp(str(error)) from error
            if not data:
                raise HungUp("it was closed")
            if (frame := self._incoming.take(data, most)) is not None:
                return frame

    def close(self) -> None:
        """Hang up."""
        self._unsent.clear()
        self._socket.close()
