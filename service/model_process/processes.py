"""All model processes of a worker, polled together: one descriptor for the loop, and one time to come back at."""

import select
from math import inf
from time import monotonic
from typing import Protocol


class Polled(Protocol):
    """A model process, as what polls it sees it. ``due`` is when it has to be looked at, by the monotonic clock."""

    due: float

    def fileno(self) -> int:
        """Return the descriptor of its connection, -1 if it has none now."""

    def advance(self) -> None:
        """Take what has come in, and send what is left."""

    def tick(self, now: float) -> None:
        """Do what is due."""

    def close(self) -> None:
        """End it for good."""


class Processes:
    """Polls the processes that are added. Make it before a fork if need be: it opens nothing before its first use."""

    def __init__(self) -> None:
        self._polled: set[Polled] = set()
        self._by_descriptor: dict[int, Polled] = {}
        self._poll: select.epoll | None = None

    def fileno(self) -> int:
        """Return a descriptor that is readable when a process has something to say."""
        return self._epoll().fileno()

    def add(self, process: Polled) -> None:
        """Look at what is due for a process from now on."""
        self._polled.add(process)

    def remove(self, process: Polled) -> None:
        """Forget a process."""
        self._polled.discard(process)

    def connected(self, process: Polled) -> None:
        """Poll a process's connection, until it is closed."""
        self._by_descriptor[process.fileno()] = process
        self._epoll().register(process.fileno(), select.EPOLLIN)

    def disconnecting(self, process: Polled) -> None:
        """Forget the connection of a process, which is about to close it."""
        if self._by_descriptor.pop(process.fileno(), None) is not None:
            self._epoll().unregister(process.fileno())

    def sending(self, process: Polled, more: bool) -> None:  # noqa: FBT001 - what it does
        """Poll a connection for whether it takes more, or no longer."""
        if process.fileno() in self._by_descriptor:
            self._epoll().modify(process.fileno(), select.EPOLLIN | (select.EPOLLOUT if more else 0))

    def turn(self) -> None:
        """Let processes that have something to say, or for which something is due, go on."""
        for descriptor, _ in self._epoll().poll(0):
            if (process := self._by_descriptor.get(descriptor)) is not None:
                process.advance()
        now = monotonic()
        for process in list(self._polled):
            if process.due <= now:
                process.tick(now)

    def due(self) -> float:
        """Return when something is due next, by the monotonic clock; infinity if nothing is."""
        return min([process.due for process in list(self._polled)]) if self._polled else inf

    def close(self) -> None:
        """End all processes."""
        for process in list(self._polled):
            process.close()

    def _epoll(self) -> select.epoll:
        if self._poll is None:
            self._poll = select.epoll()
        return self._poll
