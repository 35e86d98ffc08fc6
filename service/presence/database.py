"""Records as rows of the database that all replicas share."""

import logging
import os
import threading

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from model_store.replicas.presence import STALE, Presence, Record, Unreachable
from service.database.connection import Database
from service.errors import Conflict, Unavailable
from service.presence.tables import presence

log = logging.getLogger(__name__)


class DatabasePresence(Presence):
    """Keeps a row for each worker, stamped by the database's clock.

    A separate thread writes, so that a database that does not answer holds up nobody who announces. Made before a
    fork or after it; first used after it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pending: dict[tuple[str, int], Record] = {}
        self._wake = threading.Event()
        self._writer: threading.Thread | None = None
        self._trouble = ""

    def announce(self, record: Record) -> None:
        """Have the record written soon. Raises Unreachable if the one before could not be written."""
        self._pending[record.replica, record.pid] = record
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_pending, name="presence", daemon=True)
            self._writer.start()
        self._wake.set()
        if self._trouble:
            raise Unreachable(self._trouble)

    def withdraw(self, replica: str, pid: int) -> None:
        """See Presence."""
        self._pending.pop((replica, pid), None)
        try:
            with self._database.writing() as connection:
                _delete(connection, replica, pid)
        except (Unavailable, Conflict) as error:
            raise Unreachable(str(error)) from error

    def records(self) -> list[Record]:
        """See Presence."""
        try:
            with self._database.reading() as connection:
                fresh = presence.c.seen_at >= self._database.time(connection) - STALE
                asked = sa.select(presence).where(fresh).order_by(presence.c.replica, presence.c.pid)
                return [Record(row.replica, row.pid, row.body) for row in connection.execute(asked)]
        except Unavailable as error:
            raise Unreachable(str(error)) from error

    def _write_pending(self) -> None:
        swept = False
        while True:
            self._wake.wait()
            self._wake.clear()
            try:
                for key, record in list(self._pending.items()):
                    self._write(record, sweep=not swept)
                    swept = True
                    if self._pending.get(key) is record:
                        del self._pending[key]
                self._trouble = ""
            except (Unavailable, Conflict) as error:
                self._trouble = str(error)
            except Exception as error:
                log.exception("a worker's record could not be written")
                self._trouble = str(error)

    def _write(self, record: Record, *, sweep: bool) -> None:
        with self._database.writing() as connection:
            now = self._database.time(connection)
            if sweep:
                _sweep(connection, record, now)
            insert = (sqlite if self._database.sqlite else postgresql).insert(presence)
            values = {"body": record.body, "seen_at": now}
            connection.execute(
                insert.values(replica=record.replica, pid=record.pid, **values).on_conflict_do_update(
                    index_elements=[presence.c.replica, presence.c.pid], set_=values
                )
            )


def _sweep(connection: Connection, record: Record, now: float) -> None:
    """Remove what has been stale for long, and what workers of this replica left that were killed."""
    connection.execute(sa.delete(presence).where(presence.c.seen_at < now - 10 * STALE))
    for pid in connection.scalars(sa.select(presence.c.pid).where(presence.c.replica == record.replica)).all():
        if not _is_alive(pid):
            _delete(connection, record.replica, pid)


def _delete(connection: Connection, replica: str, pid: int) -> None:
    connection.execute(sa.delete(presence).where(presence.c.replica == replica, presence.c.pid == pid))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
