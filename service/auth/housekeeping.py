"""What a worker does besides serving requests: tasks, each once in its period, in one background thread."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service.errors import Unavailable

_SHORTEST_PAUSE = 0.005

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do once in ``period`` seconds. If ``run`` raises, it is tried again when the next period begins."""

    period: float
    run: Callable[[], None]


class Housekeeping:
    """The tasks, in order, and ``when_woken``, which is done soon after ``wake``. None of them stops it by failing.

    A round ends at a task that raises Unavailable: what comes after it needs the same database.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        when_woken: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tasks = tasks
        self._due = [float("-inf")] * len(tasks)
        self._when_woken = when_woken
        self._monotonic = monotonic
        self._woken = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; call it once in each process, after the fork."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="access-housekeeping", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait a moment for it."""
        self._stopping = True
        self._woken.set()
        if self._thread is not None:
            self._thread.join(timeout=2)
            self._thread = None

    def wake(self) -> None:
        """Do ``when_woken`` soon."""
        self._woken.set()

    def run_due(self) -> None:
        """Do the tasks whose period is over; at first, all of them."""
        for index, task in enumerate(self._tasks):
            if self._monotonic() < self._due[index]:
                continue
            answered = _attempt(task.run)
            self._due[index] = self._monotonic() + task.period
            if not answered:
                self._put_off(index + 1)
                return

    def _put_off(self, first: int) -> None:
        """Let no task from that number on begin before the shortest period is over."""
        soonest = self._monotonic() + min(task.period for task in self._tasks)
        self._due[first:] = [max(due, soonest) for due in self._due[first:]]

    def _run(self) -> None:
        while not self._stopping:
            self._woken.wait(max(0.0, min(self._due) - self._monotonic()))
            self._woken.clear()
            _attempt(self._when_woken)
            self.run_due()
            time.sleep(_SHORTEST_PAUSE)  # gathers what arrives meanwhile into one transaction


def _attempt(run: Callable[[], None]) -> bool:
    """Return False if it raises Unavailable; log any other error."""
    try:
        run()
    except Unavailable:
        return False
    except Exception:  # noqa: BLE001 - whatever it is, the next round may succeed
        _LOG.exception("background work of access control failed")
    return True
