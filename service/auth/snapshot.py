"""Everything that authentication and authorization need of the database, read whole and kept in memory.

The newest one is also kept in a file, for workers that start while the database is down.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from model_store import atomic_file
from service.auth import tables
from service.auth.permissions import ROLES
from service.auth.principals import Grant, Limit

_FILE = "access-snapshot.json"

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """An API key that is not revoked."""

    id: str
    client_id: str
    digest: str
    permissions: list[str] | None
    models: list[str] | None
    expires_at: int | None

    @property
    def limit(self) -> Limit:
        """What the key keeps of its client's grants."""
        return Limit(
            None if self.permissions is None else frozenset(self.permissions),
            None if self.models is None else tuple(self.models),
        )


@dataclass(frozen=True, slots=True)
class StoredGrant:
    """A grant that is not revoked."""

    subject: str
    role: str
    models: list[str]
    requests_per_minute: int | None
    rows_per_minute: int | None

    @property
    def grant(self) -> Grant:
        """The grant as principals carry it; a role that this version does not know grants nothing."""
        permissions = ROLES.get(self.role, frozenset())
        return Grant(permissions, tuple(self.models), self.requests_per_minute, self.rows_per_minute)


@dataclass(frozen=True, slots=True)
class AccessSnapshot:
    """One state of the database; ``read_at`` is when it was seen to be current."""

    counter: int
    read_at: float
    clients: frozenset[str]
    keys: Mapping[str, StoredKey]
    grants: Mapping[str, tuple[Grant, ...]]
    stored_grants: tuple[StoredGrant, ...]
    revoked: frozenset[str]

    def to_json(self) -> bytes:
        """Return the snapshot for a file; it holds digests, no secrets."""
        return json.dumps(
            {
                "counter": self.counter,
                "read_at": self.read_at,
                "clients": sorted(self.clients),
                "keys": [asdict(key) for key in self.keys.values()],
                "grants": [asdict(grant) for grant in self.stored_grants],
                "revoked": sorted(self.revoked),
            }
        ).encode()


def announce_change(connection: Connection) -> None:
    """Let every worker read the snapshot again; part of the change's own transaction."""
    connection.execute(tables.changes.update().values(counter=tables.changes.c.counter + 1))


def change_counter(connection: Connection) -> int:
    """Return how many changes there have been."""
    return int(connection.execute(sa.select(tables.changes.c.counter)).scalar_one())


def from_json(content: bytes) -> AccessSnapshot:
    """Return the snapshot in a file. Raises ValueError, KeyError or TypeError for anything else."""
    fields = json.loads(content)
    keys = [StoredKey(**key) for key in fields["keys"]]
    grants = tuple(StoredGrant(**grant) for grant in fields["grants"])
    return _snapshot(
        int(fields["counter"]), float(fields["read_at"]), fields["clients"], keys, grants, fields["revoked"]
    )


def read(connection: Connection, now: float) -> AccessSnapshot:
    """Return what the database holds; ``now`` is seconds since 1970."""
    second = int(now)
    clients, keys, grants, revocations = tables.clients.c, tables.api_keys.c, tables.grants.c, tables.revocations.c
    active_keys = sa.select(tables.api_keys).where(
        keys.revoked_at.is_(None), sa.or_(keys.expires_at.is_(None), keys.expires_at > second)
    )
    return _snapshot(
        change_counter(connection),
        now,
        connection.execute(sa.select(clients.id).where(clients.revoked_at.is_(None))).scalars().all(),
        [_key(row) for row in connection.execute(active_keys)],
        tuple(_grant(row) for row in connection.execute(sa.select(tables.grants).where(grants.revoked_at.is_(None)))),
        connection.execute(sa.select(revocations.id).where(revocations.expires_at > second)).scalars().all(),
    )


class SnapshotFile:
    """A file in the replica's own folder. Only its owner reads it: it holds digests of keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, snapshot: AccessSnapshot, now: float) -> None:
        """Write a snapshot that is current at ``now``, in place of the one before; log a folder that refuses it."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            atomic_file.write(self._folder / _FILE, replace(snapshot, read_at=now).to_json(), mode=0o600)
        except OSError as error:
            _LOG.warning("the state of access cannot be stored in %s: %s", self._folder, error)

    def read(self) -> AccessSnapshot | None:
        """Return the snapshot in the file; None if there is no file, or one of another form."""
        try:
            return from_json((self._folder / _FILE).read_bytes())
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _snapshot(  # noqa: PLR0913, PLR0917 - one argument a table
    counter: int, read_at: float, clients: Any, keys: list[StoredKey], grants: tuple[StoredGrant, ...], revoked: Any
) -> AccessSnapshot:
    by_subject: dict[str, tuple[Grant, ...]] = {}
    for stored in grants:
        by_subject[stored.subject] = (*by_subject.get(stored.subject, ()), stored.grant)
    by_id = {key.id: key for key in keys}
    return AccessSnapshot(counter, read_at, frozenset(clients), by_id, by_subject, grants, frozenset(revoked))


def _key(row: Any) -> StoredKey:
    permissions = None if row.permissions is None else json.loads(row.permissions)
    models = None if row.models is None else json.loads(row.models)
    return StoredKey(row.id, row.client_id, row.digest, permissions, models, row.expires_at)


def _grant(row: Any) -> StoredGrant:
    return StoredGrant(row.subject, row.role, json.loads(row.models), row.requests_per_minute, row.rows_per_minute)
