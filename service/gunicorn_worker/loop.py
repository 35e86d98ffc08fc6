"""The event loop: reads every request that has arrived, has all of them answered, sends each answer, and begins again.

No timer and no window: what is answered together is what arrived while the last answers were made.
"""

import logging
import os
import select
from collections.abc import Callable, Hashable, Iterator, Sequence
from time import monotonic
from typing import Any, Protocol

from model_store.request_errors import RequestError
from service.errors import RequestTimeout, Unavailable
from service.gunicorn_worker.connection import ANSWERING, CLOSED, RECEIVING, SENDING, Connection
from service.gunicorn_worker.heads import Heads
from service.gunicorn_worker.incoming import Request
from service.gunicorn_worker.listener import Exhausted, Listener
from service.gunicorn_worker.responses import BadResponse, Response, refused, written
from service.http.caller import request_id

_BEAT = 1.0
_DRAINING = 0.05
_IN, _OUT, _GONE = select.EPOLLIN, select.EPOLLOUT, select.EPOLLRDHUP

_LOG = logging.getLogger(__name__)


class Application(Protocol):
    """Answers requests that have arrived together."""

    def answer(
        self, environs: Sequence[dict[str, Any]], gone: Callable[[int], bool]
    ) -> Iterator[tuple[int, Response | Hashable]]:
        """Yield each request's place among ``environs`` with its answer, in any order; none if ``gone(place)``.

        What is no tuple stands for an answer that is still being made, and that ``finished`` yields with it.
        """

    def finished(self) -> Iterator[tuple[Hashable, Response]]:
        """Yield the answers that are made by now, each with what stood for it."""

    def drop(self, later: Any) -> None:
        """Take note that nobody waits any more for the answer that this stood for."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when ``finished`` may have something."""

    def due(self) -> float:
        """Return when to look at ``finished`` even if nothing is readable, by the monotonic clock."""


class Loop:
    """Serves one listener until it is told to stop. ``beat`` is called about once a second, and between answers."""

    def __init__(
        self, application: Application, listener: Listener, heads: Heads, beat: Callable[[], None], wakeup: int
    ) -> None:
        self._application = application
        self._listener = listener
        self._heads = heads
        self._limits = heads.limits
        self._beat = beat
        self._wakeup = wakeup
        self._epoll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._arrived: list[tuple[Connection, Request]] = []
        self._later: dict[Hashable, tuple[Connection, Request]] = {}
        self._next_beat = self._next_sweep = 0.0
        self._accepts = True
        self._stops = False
        self._goes_on: Callable[[], bool] = lambda: True
        self.answered = 0
        """Requests that were answered so far."""
        self._epoll.register(listener.fd, _IN)
        self._epoll.register(wakeup, _IN)
        self._finishing = application.fileno()
        self._epoll.register(self._finishing, _IN)

    def serve(self, goes_on: Callable[[], bool], wait: float = _BEAT) -> None:
        """Serve until ``goes_on`` says no, which is asked at every answer and at least every ``wait`` seconds."""
        self._goes_on = goes_on
        while goes_on():
            self._turn(wait)

    def drain(self) -> None:
        """Answer what was received, each with Connection: close, and stop; at the latest after ``limits.graceful``."""
        self._stops = True
        self._listener.refuse()
        self._epoll.unregister(self._listener.fd)
        self._accept(self._limits.connections)
        self._listener.close()
        end = monotonic() + self._limits.graceful
        idle_until = monotonic() + self._limits.linger
        while (self._connections or self._arrived) and monotonic() < end:
            self._hurry(idle_until)
            self._turn(_DRAINING)

    def close(self) -> None:
        """Close everything, whatever is under way."""
        self._listener.close()
        for connection in self._connections.values():
            connection.close()
        self._epoll.close()

    def _turn(self, wait: float) -> None:
        due = self._application.due()
        is_due = False
        for fd, _ in self._epoll.poll(0 if self._arrived else max(0.0, min(wait, due - monotonic()))):
            if (connection := self._connections.get(fd)) is not None:
                self._move(connection)
            elif fd == self._finishing:
                is_due = True
            elif fd == self._wakeup:
                os.read(fd, 4096)
            else:
                self._accept(1 + self._limits.connections - len(self._connections))
        if is_due or due <= monotonic():
            self._finish()
        self._answer()
        self._pulse()
        if self._stops or monotonic() >= self._next_sweep:
            self._sweep()

    def _pulse(self) -> None:
        if monotonic() >= self._next_beat:
            self._next_beat = monotonic() + _BEAT
            self._beat()

    def _sweep(self) -> None:
        """Give up what takes too long, and accept again if that was not possible."""
        now = monotonic()
        self._next_sweep = now + _BEAT
        for connection in list(self._connections.values()):
            if connection.deadline < now and connection.state is not ANSWERING:
                self._give_up(connection)
        self._listen(len(self._connections) < self._limits.connections)

    # --- connections

    def _accept(self, most: int) -> None:
        for _ in range(most):
            try:
                accepted = self._listener.accept()
            except Exhausted as error:
                _LOG.warning("no connection can be accepted for the moment: %s", error)
                self._listen(False)
                return
            if accepted is None:
                return
            self._begin(Connection(accepted[0], self._heads, accepted[1]))
        self._listen(len(self._connections) < self._limits.connections)

    def _listen(self, wanted: bool) -> None:  # noqa: FBT001 - what is wanted
        """Look at the listener, or let new connections wait in the kernel, until the next sweep."""
        if wanted != self._accepts and not self._stops:
            self._accepts = wanted
            self._epoll.modify(self._listener.fd, _IN if wanted else 0)

    def _begin(self, connection: Connection) -> None:
        self._connections[connection.fd] = connection
        self._epoll.register(connection.fd, _IN)
        self._move(connection)

    def _move(self, connection: Connection) -> None:
        """Read or write, as far as it goes."""
        if connection.state is ANSWERING:
            self._forget(connection)
        elif connection.state is SENDING:
            connection.flush()
            self._settle(connection)
        else:
            self._collect(connection, connection.receive)

    def _collect(self, connection: Connection, take: Callable[[], Request | None]) -> None:
        try:
            request = take()
        except (RequestError, OSError) as error:
            self._refuse(connection, error)
            return
        if request is not None:
            self._arrived.append((connection, request))
        else:
            self._drop_if_closed(connection)

    def _settle(self, connection: Connection) -> None:
        """After sending: wait for the way to be free, or take what came together with the last request."""
        if connection.state is CLOSED:
            self._drop_if_closed(connection)
            return
        self._epoll.modify(connection.fd, _OUT if connection.state is SENDING else _IN)
        self._collect(connection, connection.next)

    def _drop_if_closed(self, connection: Connection) -> None:
        if connection.state is CLOSED:
            self._connections.pop(connection.fd, None)

    def _refuse(self, connection: Connection, error: Exception) -> None:
        if not isinstance(error, RequestError):
            _LOG.error("a body could not be kept", exc_info=error)
            error = Unavailable("The body could not be kept: no room for it, try again later")
        _LOG.warning("a request was refused before the application saw it: %s", error)
        self._send(connection, refused(error, request_id({})), "GET", close=True)

    def _give_up(self, connection: Connection) -> None:
        if connection.idle:
            self._collect(connection, connection.last_look)
        elif connection.state is RECEIVING:
            seconds = self._limits.receiving
            self._refuse(connection, RequestTimeout(f"For {seconds:g} s, no more of the request has arrived"))
        else:
            connection.close()
            self._drop_if_closed(connection)

    def _hurry(self, deadline: float) -> None:
        for connection in self._connections.values():
            if connection.idle:
                connection.deadline = min(connection.deadline, deadline)

    # --- answers

    def _answer(self) -> None:
        """Have all that has arrived answered; a request that the application loses is answered with 500."""
        arrived, self._arrived = self._arrived, []
        if not arrived:
            return
        waiting = dict(enumerate(arrived))
        try:
            self._answer_all(arrived, waiting)
        except Exception:  # noqa: BLE001 - one request must not end the worker, nor lose the others their answers
            _LOG.exception("the application failed with %d requests left", len(waiting))
        for connection, request in waiting.values():
            if connection.gone():
                self._abandon(connection, request)
            else:
                self._reply(connection, request, refused(RuntimeError("not answered"), request_id(request.environ)))

    def _answer_all(
        self, arrived: Sequence[tuple[Connection, Request]], waiting: dict[int, tuple[Connection, Request]]
    ) -> None:
        environs = [request.environ for _, request in arrived]
        for place, response in self._application.answer(environs, lambda place: arrived[place][0].gone()):
            connection, request = waiting.pop(place)
            if isinstance(response, tuple):
                self._reply(connection, request, response)
            else:
                self._later[response] = connection, request
                self._epoll.modify(connection.fd, _GONE)
            self._pulse()

    def _finish(self) -> None:
        """Send the answers that took longer and are made by now."""
        try:
            for later, response in self._application.finished():
                if (found := self._later.pop(later, None)) is not None:
                    self._epoll.modify(found[0].fd, _IN)
                    self._reply(*found, response)
        except Exception:  # noqa: BLE001 - as in _answer
            _LOG.exception("the application failed with %d requests left", len(self._later))

    def _forget(self, connection: Connection) -> None:
        """Give up a connection that was closed before its answer was made."""
        later = next((later for later, (one, _) in self._later.items() if one is connection), None)
        if later is not None:
            _, request = self._later.pop(later)
            self._application.drop(later)
            self._abandon(connection, request)

    def _abandon(self, connection: Connection, request: Request) -> None:
        request.close()
        connection.close()
        self._drop_if_closed(connection)

    def _reply(self, connection: Connection, request: Request, response: Response) -> None:
        self.answered += 1
        request.close()
        close = self._stops or not (request.keep_alive and self._goes_on())
        self._send(connection, response, request.environ["REQUEST_METHOD"], close=close)

    def _send(self, connection: Connection, response: Response, method: str, *, close: bool) -> None:
        try:
            head, body = written(response, method=method, close=close)
        except BadResponse as error:
            head, body = written(refused(error, request_id({})), method=method, close=close)
        connection.send(head, body, close=close)
        if connection.state is not RECEIVING:
            self._settle(connection)
        elif not connection.idle:
            self._collect(connection, connection.next)
