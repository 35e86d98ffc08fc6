"""Operations: begun in a thread of one worker, their state in the database, so that any worker can tell how they stand.

While an operation runs its worker holds a lease of the operation's name and extends it every few seconds. An operation
that says it is running and whose lease is over belonged to a worker that is gone; it is shown as failed. The first
release looks at the column ``seen_at`` instead: it is written and read for the sake of replicas of that release.
"""

import json
import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from model_store.errors import StoreError
from model_store.request_errors import RequestError
from service.audit.entry import OK, STARTED, Actor
from service.audit.log import AuditLog
from service.database.connection import Database
from service.database.leases import Leases
from service.errors import NotFound, Overloaded, Unavailable
from service.operations import tables
from service.operations.operation import FAILED, RUNNING, SUCCEEDED, Operation

_AT_ONCE = 2
_HEARTBEAT_SECONDS = 3
_LEASE_SECONDS = 20
_KEEP_SECONDS = 7 * 24 * 3600

Progress = Callable[[str], None]
Work = Callable[[Progress], Mapping[str, Any]]

_LOG = logging.getLogger(__name__)


class Operations:
    """Starts operations in this worker, and tells of those of all workers."""

    def __init__(self, database: Database, audit: AuditLog, leases: Leases, replica: str) -> None:
        self._database = database
        self._audit = audit
        self._leases = leases
        self._replica = replica
        self._slots = threading.BoundedSemaphore(_AT_ONCE)

    def start(self, kind: str, model: str, by: Actor, work: Work) -> str:
        """Begin the work and return the operation's id. Raises Overloaded if too much is under way already."""
        if not self._slots.acquire(blocking=False):
            raise Overloaded("this worker is busy with other operations: try again", retry_after=5)
        try:
            operation_id = secrets.token_hex(12)
            self._begin(operation_id, kind, model, by)
            run = _Run(self._database, self._leases, operation_id)
            threading.Thread(
                target=self._run, args=(run, kind, model, by, work), name=f"operation-{kind}", daemon=True
            ).start()
        except BaseException:
            self._slots.release()
            raise
        return operation_id

    def get(self, operation_id: str) -> Operation:
        """Return how an operation stands. Raises NotFound or Unavailable."""
        table = tables.operations
        with self._database.reading() as connection:
            row = connection.execute(sa.select(table).where(table.c.id == operation_id)).one_or_none()
            held = self._leases.holder_within(connection, _lease(operation_id)) is not None
        if row is None:
            raise NotFound(f"there is no operation {operation_id[:64]!r}")
        found, seen = Operation.of(row), row.seen_at >= self._database.now() - _LEASE_SECONDS
        if found.state == RUNNING and not held and not seen:
            return replace(found, state=FAILED, detail="the worker that ran it is gone")
        return found

    def _begin(self, operation_id: str, kind: str, model: str, by: Actor) -> None:
        now, table = self._database.now(), tables.operations
        values = {
            "id": operation_id,
            "kind": kind,
            "model": model,
            "subject": by.subject,
            "state": RUNNING,
            "detail": "begun",
            "replica": self._replica,
            "created_at": now,
            "seen_at": now,
        }
        with self._database.writing() as connection:
            connection.execute(table.delete().where(table.c.created_at < now - _KEEP_SECONDS))
            connection.execute(table.insert().values(**values))
            self._leases.hold_within(connection, _lease(operation_id), operation_id, _LEASE_SECONDS)
            self._audit.append(connection, by.entry(f"model.{kind}", model, STARTED, operation=operation_id))

    def _run(self, run: "_Run", kind: str, model: str, by: Actor, work: Work) -> None:
        try:
            outcome, values = OK, _success(run.during(work))
        except (RequestError, StoreError) as error:
            outcome, values = error.code, _failure(str(error), error.code)
        except Exception:  # noqa: BLE001 - a thread has nobody to raise to
            _LOG.exception("operation %s failed for an unforeseen reason", run.id)
            outcome, values = "internal_error", _failure("it failed; the log has the reason", "internal_error")
        finally:
            self._slots.release()
        entry = by.entry(f"model.{kind}", model, outcome, operation=run.id, **(json.loads(values["result"]) or {}))
        values["finished_at"] = self._database.now()
        try:
            with self._database.writing() as connection:
                connection.execute(tables.operations.update().where(tables.operations.c.id == run.id).values(**values))
                self._leases.release_within(connection, _lease(run.id), run.id)
                self._audit.append(connection, entry)
        except Unavailable:
            _LOG.exception("the end of operation %s (%s) is neither stored nor audited", run.id, outcome)


class _Run:
    """One operation under way: its steps, and its heartbeats."""

    def __init__(self, database: Database, leases: Leases, operation_id: str) -> None:
        self.id = operation_id
        self._database = database
        self._leases = leases
        self._detail = "begun"
        self._done = threading.Event()

    def during(self, work: Work) -> Mapping[str, Any]:
        """Do the work while another thread sends heartbeats."""
        heartbeat = threading.Thread(target=self._send_heartbeats, name="operation-heartbeat", daemon=True)
        heartbeat.start()
        try:
            return work(self._report)
        finally:
            self._done.set()
            heartbeat.join()

    def _report(self, step: str) -> None:
        self._detail = step
        self._send_heartbeat()

    def _send_heartbeats(self) -> None:
        while not self._done.wait(_HEARTBEAT_SECONDS):
            self._send_heartbeat()

    def _send_heartbeat(self) -> None:
        table, values = tables.operations, {"detail": self._detail, "seen_at": self._database.now()}
        try:
            with self._database.writing() as connection:
                connection.execute(table.update().where(table.c.id == self.id).values(**values))
                self._leases.hold_within(connection, _lease(self.id), self.id, _LEASE_SECONDS)
        except Unavailable:
            _LOG.warning("operation %s goes on, though the database does not answer", self.id)


def _lease(operation_id: str) -> str:
    return f"operation:{operation_id}"


def _success(result: Mapping[str, Any]) -> dict[str, Any]:
    return {"state": SUCCEEDED, "detail": "done", "result": json.dumps(dict(result))}


def _failure(detail: str, code: str) -> dict[str, Any]:
    return {"state": FAILED, "detail": detail[:4096], "result": json.dumps({"code": code})}
