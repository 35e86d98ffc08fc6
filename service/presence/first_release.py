"""The places in the store where release 0.1.0 keeps what is no longer there, for one release.

While replicas of both run side by side, each has to see the others. It goes when nobody upgrades from 0.1.0 any more.
"""

import contextlib
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from model_store.replicas.locations import FIRST_RELEASE, first_presence
from model_store.replicas.presence import Presence, Record, Unreachable
from service.presence.recent_rows import PredictedRow, RecentRows

_RECENT = ".recent"


class BesideFirstRelease(Presence):
    """Records in ``shared``, and in the store if replicas of 0.1.0 have left theirs there.

    A store that cannot be written, or that 0.1.0 never used, is left alone.
    """

    def __init__(self, shared: Presence, store: Path) -> None:
        self._shared = shared
        self._folder = store / FIRST_RELEASE
        self._first = first_presence(store)

    def announce(self, record: Record) -> None:
        """Leave the record in both. Raises Unreachable if ``shared`` cannot be reached."""
        if self._folder.is_dir():
            with contextlib.suppress(Unreachable):
                self._first.announce(record)
        self._shared.announce(record)

    def withdraw(self, replica: str, pid: int) -> None:
        """Take the record back from both. Raises Unreachable if ``shared`` cannot be reached."""
        with contextlib.suppress(Unreachable):
            self._first.withdraw(replica, pid)
        self._shared.withdraw(replica, pid)

    def records(self) -> list[Record]:
        """Return the records of both, of one that is in both that of ``shared``. Raises Unreachable."""
        found = {(record.replica, record.pid): record for record in self._first.records()}
        found |= {(record.replica, record.pid): record for record in self._shared.records()}
        return [found[key] for key in sorted(found)]


class RowsBesideFirstRelease(RecentRows):
    """Rows in ``shared``, and those that replicas of 0.1.0 keep in ``first``, which is only read and marked."""

    def __init__(self, shared: RecentRows, first: RecentRows) -> None:
        self._shared = shared
        self._first = first

    def remember(self, rows: Iterable[PredictedRow]) -> None:
        """See RecentRows."""
        self._shared.remember(rows)

    def find(self, keys: Collection[bytes]) -> dict[bytes, dict[int, PredictedRow]]:
        """See RecentRows. Of one that is in both, return that of ``shared``."""
        found = self._first.find(keys)
        for key, rows in self._shared.find(keys).items():
            found[key] = found.get(key, {}) | rows
        return found

    def mark(self, rows: Collection[PredictedRow]) -> set[tuple[bytes, int]]:
        """See RecentRows. Each knows its own rows."""
        return self._shared.mark(rows) | self._first.mark(rows)

    def close(self) -> None:
        """See RecentRows."""
        self._shared.close()


def first_recent_folders(store: Path) -> tuple[Path, ...]:
    """Return the folder of recent predictions of 0.1.0, if there is one and what is judged can be noted there."""
    folder = store / _RECENT
    return (folder,) if os.access(folder, os.W_OK) else ()
