"""What one worker knows of access: the newest snapshot, and the credentials that were verified against it.

A background thread refreshes it every second; what was revoked is refused everywhere within a few seconds. While the
database is down the last snapshot stays good for ``stale_seconds``.
"""

import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from service.auth import snapshot
from service.auth.credentials import Credential
from service.auth.principals import Principal
from service.auth.snapshot import AccessSnapshot, SnapshotFile
from service.database.connection import Database
from service.errors import Unavailable
from service.metrics.access import AccessMetrics

_SHORTEST_SECONDS = 0.25

_LOG = logging.getLogger(__name__)


class Generation:
    """A snapshot, and who was verified against it until when. Both are replaced together, never one of them."""

    __slots__ = ("snapshot", "verified")

    def __init__(self, current: AccessSnapshot | None) -> None:
        self.snapshot = current
        self.verified: dict[Credential, tuple[Principal, float]] = {}


class AccessView:
    """The newest snapshot in this worker. ``file`` outlives the worker; ``clock`` gives seconds since 1970."""

    def __init__(
        self,
        database: Database,
        file: SnapshotFile | None,
        stale_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.generation = Generation(None)
        self.good_until = 0.0
        self._database = database
        self._file = file
        self._stale_seconds = stale_seconds
        self._clock = clock
        self._metrics = AccessMetrics()
        self._reachable = True
        self._asked_at = time.monotonic()
        self._refreshing = threading.Lock()

    @property
    def current(self) -> AccessSnapshot:
        """The snapshot. Raises Unavailable if there is none, or only one that is too old to go by."""
        current = self.generation.snapshot
        if current is None or self._clock() >= self.good_until:
            raise Unavailable("credentials cannot be checked now: the database does not answer", retry_after=2)
        return current

    def refresh(self) -> None:
        """Read the snapshot again if anything changed. Raises Unavailable."""
        with self._refreshing, self._database.reading() as connection:
            now = self._clock()
            current = self.generation.snapshot
            if current is None or snapshot.change_counter(connection) != current.counter:
                self.generation = Generation(snapshot.read(connection, now))
                self.write_file()
            self.good_until = now + self._stale_seconds

    def refresh_or_keep(self) -> bool:
        """Refresh; if the database does not answer, keep the last snapshot and return False. Log when that changes."""
        try:
            self.refresh()
        except (Unavailable, SQLAlchemyError) as error:
            self._note(reachable=False, error=error)
        else:
            self._note(reachable=True)
        return self._reachable

    def refresh_if_due(self) -> None:
        """Refresh for a caller who is unknown here, and may just have become known to another worker: at most so often.

        Does nothing while the database does not answer.
        """
        if not self._reachable or time.monotonic() - self._asked_at < _SHORTEST_SECONDS:
            return
        self._asked_at = time.monotonic()
        self.refresh_or_keep()

    def clear_verified(self) -> None:
        """Let every credential be verified again."""
        self.generation = Generation(self.generation.snapshot)

    def write_file(self) -> None:
        """Write the file, so that a worker which starts without the database goes by it."""
        current = self.generation.snapshot
        if self._file is not None and current is not None:
            self._file.write(current, self._clock())

    def read_file(self) -> None:
        """Go by the file's snapshot if there is no other; it is as old as the file says."""
        current = self._file.read() if self._file is not None and self.generation.snapshot is None else None
        if current is not None:
            self.good_until = current.read_at + self._stale_seconds
            self.generation = Generation(current)

    def _note(self, *, reachable: bool, error: Exception | None = None) -> None:
        if self._reachable and not reachable:
            _LOG.warning("the database of access control does not answer: going by the last state", exc_info=error)
        if reachable and not self._reachable:
            _LOG.warning("the database of access control answers again")
        self._reachable = reachable
        self._metrics.database(up=reachable)
