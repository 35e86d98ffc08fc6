"""A thread in each worker that keeps its view of access control current and does the bookkeeping that may wait."""

import logging
import threading
import time
from collections.abc import Callable

_LOG = logging.getLogger(__name__)
POLL_SECONDS = 1.0
_SHORTEST_PAUSE = 0.005


class Refresher:
    """Calls ``poll`` about every second, and ``book`` whenever it is woken; neither may stop it by failing."""

    def __init__(self, poll: Callable[[], None], book: Callable[[], None]) -> None:
        self._poll = poll
        self._book = book
        self._woken = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; once in each process, after it was forked."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="access-refresher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait a moment for it."""
        self._stopping = True
        self._woken.set()
        if self._thread is not None:
            self._thread.join(timeout=2)
            self._thread = None

    def wake(self) -> None:
        """Book soon."""
        self._woken.set()

    def _run(self) -> None:
        due = time.monotonic() + POLL_SECONDS
        while not self._stopping:
            self._woken.wait(max(0.0, due - time.monotonic()))
            self._woken.clear()
            self._guarded(self._book)
            if time.monotonic() >= due:
                self._guarded(self._poll)
                due = time.monotonic() + POLL_SECONDS
            time.sleep(_SHORTEST_PAUSE)  # gathers what arrives meanwhile into one transaction

    @staticmethod
    def _guarded(task: Callable[[], None]) -> None:
        try:
            task()
        except Exception:  # noqa: BLE001 - whatever it is, the next round may succeed
            _LOG.exception("background work of access control failed")
