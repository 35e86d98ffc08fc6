"""What a replica answers to Prometheus. Used in gunicorn's master, which sees the files of all its workers."""

import threading
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Protocol

from service.metrics import files, unwritten
from service.metrics.container import Container
from service.metrics.exposition import CONTENT_TYPE, Exposition, Reading, Version
from service.metrics.instruments import child
from service.metrics.processes import Processes, Told


class Source(Protocol):
    """Something that is read at each scrape."""

    def __call__(self) -> Iterable[Reading]:
        """Return readings of declared metrics, now."""


class Scrape:
    """All metrics of this replica: the workers' files, its processes, its container, and what ``source`` tells.

    Details of versions that ``current`` does not name are left out; if it returns None, nothing is. ``told`` gives what
    workers say of themselves.
    """

    def __init__(
        self,
        folder: Path,
        source: Source = lambda: (),
        current: Callable[[], Collection[Version] | None] = lambda: None,
        told: Told = dict,
    ) -> None:
        self._one_at_a_time = threading.Lock()
        self._exposition = Exposition(folder)
        self._processes = Processes(told)
        self._container = Container()
        self._source = source
        self._current = current

    def exposition(self) -> tuple[bytes, str]:
        """Return all metrics in Prometheus' text format, and its media type."""
        with self._one_at_a_time:
            unwritten.settle()
            readings = [*self._processes.read(), *self._container.read(), *self._source()]
            return self._exposition.text(readings, self._current()).encode(), CONTENT_TYPE


def archive_dead_process(folder: Path, pid: int) -> None:
    """Count a worker that has ended, keep what it counted, and remove its files."""
    child("millrace_worker_exits_total").inc()
    files.archive(folder, pid)
