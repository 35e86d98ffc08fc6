"""Recent rows as rows of the database that all replicas share."""

import logging
import math
import secrets
import threading
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from service.database.connection import Database
from service.errors import Unavailable
from service.presence.recent_rows import MOST_WORKERS, PredictedRow, RecentRows
from service.presence.tables import recent_predictions as table

log = logging.getLogger(__name__)

PERIOD = 1.0
"""Seconds between two batches."""

_BATCH = 2000
_ASKED = 400  # keys in one statement
_CLOSING_SECONDS = 2.0
_Any = TypeVar("_Any")


class DatabaseRows(RecentRows):
    """Keeps the last ``records`` rows of this worker in the table, those of a worker that is gone until 64 are newer.

    A thread writes what was remembered in the last second. While the database does not answer, the last ``records``
    rows wait in memory. Made before a fork or after it; first used after it.
    """

    def __init__(self, database: Database, *, records: int, period: float = PERIOD) -> None:
        self._database = database
        self._records = records
        self._period = period
        self._pending: deque[PredictedRow] = deque(maxlen=records)
        self._writer: _Writer | None = None

    def remember(self, rows: Iterable[PredictedRow]) -> None:
        """See RecentRows."""
        self._pending.extend(rows)
        if self._writer is None:
            self._writer = _Writer(self._database, self._pending, self._records, self._period)
            self._writer.start()

    def find(self, keys: Collection[bytes]) -> dict[bytes, dict[int, PredictedRow]]:
        """See RecentRows."""
        found: dict[bytes, dict[int, PredictedRow]] = {}
        with self._database.reading() as connection:
            for some in _slices(list(keys), _ASKED):
                for record in connection.execute(sa.select(table).where(table.c.key.in_(some))):
                    row = _row(record)
                    found.setdefault(row.key, {})[row.row] = row
        return found

    def mark(self, rows: Collection[PredictedRow]) -> set[tuple[bytes, int]]:
        """See RecentRows."""
        marked: set[tuple[bytes, int]] = set()
        with self._database.writing() as connection:
            for index, keys in sorted(_keys_by_index(rows).items()):
                for some in _slices(sorted(keys), _ASKED):
                    marked.update((key, index) for key in _mark(connection, index, some))
        return marked

    def close(self) -> None:
        """See RecentRows."""
        if self._writer is not None:
            self._writer.stop()


class _Writer(threading.Thread):
    """Writes what is pending, once a period. A batch that the database did not take is kept for the next time."""

    def __init__(self, database: Database, pending: deque[PredictedRow], records: int, period: float) -> None:
        super().__init__(name="recent-predictions", daemon=True)
        self._database = database
        self._pending = pending
        self._records = records
        self._period = period
        self._worker = secrets.randbits(63)
        self._batch: list[PredictedRow] = []
        self._written = 0
        self._swept = False
        self._apart = False
        self._ending = threading.Event()

    def run(self) -> None:
        """Write until ``stop`` is called, and once more."""
        while not self._ending.wait(self._period):
            self._write_pending()
        self._write_pending()

    def stop(self) -> None:
        """End the thread and wait for it, but not for long."""
        self._ending.set()
        self.join(_CLOSING_SECONDS)

    def _write_pending(self) -> None:
        try:
            while self._batch or self._pending:
                while self._pending and len(self._batch) < _BATCH:
                    self._batch.append(self._pending.popleft())
                self._write(self._batch)
                self._batch = []
            self._apart = False
        except Unavailable as error:
            if not self._apart:
                log.warning("recent predictions wait in memory: %s", error)
            self._apart = True
        except Exception:
            log.exception("%d recent predictions could not be written and are forgotten", len(self._batch))
            self._batch = []

    def _write(self, batch: Sequence[PredictedRow]) -> None:
        if not self._swept:
            self._sweep()
            self._swept = True
        last = self._written + len(batch)
        with self._database.writing() as connection:
            now = self._database.time(connection)
            _insert(connection, self._records_of(batch, now))
            outlived = (table.c.worker == self._worker) & (table.c.number <= last - self._records)
            connection.execute(sa.delete(table).where(outlived))
        self._written = last

    def _records_of(self, batch: Sequence[PredictedRow], now: float) -> list[dict[str, Any]]:
        """Return what to insert, by key: of two rows of one key the newer."""
        records = {
            (row.key, row.row): {
                "key": row.key,
                "row_index": row.row,
                "version": row.version,
                "value": None if math.isnan(row.value) else row.value,
                "classified": row.classified,
                "judged": False,
                "worker": self._worker,
                "number": number,
                "at": now,
            }
            for number, row in enumerate(batch, self._written + 1)
        }
        return [records[key] for key in sorted(records)]  # in one order, so that no two workers wait for each other

    def _sweep(self) -> None:
        """Remove the rows of the workers that wrote the longest ago, if there are too many; once in each worker."""
        newest = sa.func.max(table.c.at).desc()
        with self._database.reading() as connection:
            workers = connection.scalars(sa.select(table.c.worker).group_by(table.c.worker).order_by(newest)).all()
        for worker in workers[MOST_WORKERS - 1 :]:
            with self._database.writing() as connection:
                connection.execute(sa.delete(table).where(table.c.worker == worker))


def _insert(connection: Connection, records: list[dict[str, Any]]) -> None:
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
    replaced = {column.name: insert.excluded[column.name] for column in table.c if not column.primary_key}
    connection.execute(
        insert.on_conflict_do_update(index_elements=[table.c.key, table.c.row_index], set_=replaced), records
    )


def _keys_by_index(rows: Iterable[PredictedRow]) -> dict[int, set[bytes]]:
    keys: dict[int, set[bytes]] = {}
    for row in rows:
        keys.setdefault(row.row, set()).add(row.key)
    return keys


def _mark(connection: Connection, index: int, keys: list[bytes]) -> list[bytes]:
    """Mark the rows of this index that nobody has marked, and return their keys."""
    unmarked = (table.c.row_index == index) & table.c.key.in_(keys) & ~table.c.judged
    update = sa.update(table).where(unmarked).values(judged=True).returning(table.c.key)
    return [bytes(key) for key in connection.scalars(update)]


def _row(record: Any) -> PredictedRow:
    value = math.nan if record.value is None else record.value
    return PredictedRow(bytes(record.key), record.row_index, record.version, value, record.classified, record.judged)


def _slices(items: list[_Any], size: int) -> Iterator[list[_Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
