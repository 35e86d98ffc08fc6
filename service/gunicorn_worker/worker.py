"""gunicorn's worker class: one thread and one epoll loop, on a socket of the worker's own.

Fit only to stand behind Nginx: it takes what Nginx sends, HTTP/1.1 with bodies of a Content-Length, and refuses all
else. Slow callers, TLS, HTTP/2, Date and an access log are Nginx's part. Of gunicorn's hooks for single requests
(``pre_request``, ``post_request``) it calls none.
"""

import errno
import os
from collections.abc import Callable
from time import monotonic, sleep
from typing import Any

from gunicorn.http.wsgi import base_environ
from gunicorn.workers.base import Worker

from service.gunicorn_worker.heads import Heads
from service.gunicorn_worker.limits import Limits
from service.gunicorn_worker.listener import Listener
from service.gunicorn_worker.loop import Loop
from service.gunicorn_worker.succession import Succession

_RETRY = 0.02


class LoopWorker(Worker):  # type: ignore[misc]
    """A worker that answers together what has arrived together, by ``application.answer``.

    gunicorn's hooks ``pre_fork`` and ``child_exit`` have to call ``slots.place`` and ``slots.leave``, and the first one
    sets ``max_body_bytes``. ``bind`` has to be empty, since the worker listens itself, once it can serve.
    """

    slot: int
    listens_at: str
    succession: Succession
    max_body_bytes = 2**30

    def run(self) -> None:
        """Listen, serve until told to stop, then answer what was received. Called by gunicorn after the warm-up."""
        self.booted = False  # gunicorn stops for good, in words, if a worker fails before it can serve
        listener = self._listener()
        if listener is None:
            return
        self.booted = True
        loop = Loop(self.wsgi, listener, self._heads(), self.notify, self.PIPE[0])
        self.log.info("Listening at: %s (slot %d)", self.listens_at, self.slot)
        try:
            loop.serve(lambda: self._goes_on(loop))
            loop.serve(self._is_needed(), wait=_RETRY)
            loop.drain()
        finally:
            loop.close()

    def _listener(self) -> Listener | None:
        """Listen as soon as the address is free, which a predecessor may be about to leave; None if told to stop."""
        end = monotonic() + self.cfg.graceful_timeout
        while self.alive and os.getppid() == self.ppid:
            self.notify()
            try:
                return Listener(self.listens_at, backlog=self.cfg.backlog, umask=self.cfg.umask)
            except OSError as error:
                if error.errno != errno.EADDRINUSE or monotonic() > end:
                    raise
            finally:
                self.succession.step_in(self.slot, self.age)
            sleep(_RETRY)
        return None

    def _heads(self) -> Heads:
        base: dict[str, Any] = {**base_environ(self.cfg), "SCRIPT_NAME": ""}
        schemes = {f"HTTP_{name.replace('-', '_')}": value for name, value in self.cfg.secure_scheme_headers.items()}
        return Heads(Limits.of(self.cfg, self.max_body_bytes), base, tuple(schemes.items()))

    def _goes_on(self, loop: Loop) -> bool:
        return bool(self.alive and os.getppid() == self.ppid and loop.answered < self.max_requests)

    def _is_needed(self) -> Callable[[], bool]:
        """Return what says whether the worker has to serve on, though told to stop: until its successor is ready."""
        end = monotonic() + self.cfg.graceful_timeout
        return lambda: os.getppid() == self.ppid and self.succession.awaited(self.slot, self.age) and monotonic() < end
