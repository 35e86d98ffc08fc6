"""Clients, API keys and grants: made, listed, replaced and revoked, each change recorded in its own transaction."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from model_store.request_errors import InvalidInput
from service.audit.entry import Actor, Entry
from service.audit.log import AuditLog
from service.auth import tables
from service.auth.permissions import parse_models, parse_permissions, parse_role
from service.auth.secrets import api_keys, passwords
from service.auth.snapshot import announce_change
from service.database.connection import Database
from service.errors import Conflict, NotFound

CLIENT = "client:"
LONGEST_OVERLAP = 30 * 24 * 3600
LONGEST_SUBJECT = 512
_MOST_PER_MINUTE = 10**12
_LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Shown:
    """Something new whose secret is shown this once and never again."""

    id: str
    secret: str


class Registry:
    """Changes to who may do what."""

    def __init__(self, database: Database, audit: AuditLog) -> None:
        self._database = database
        self._audit = audit

    def create_client(self, name: str, by: Actor) -> Shown:
        """Make a client without grants. Raises Conflict if the name is taken, InvalidInput if it is none."""
        _check_name(name)
        shown = Shown(secrets.token_hex(12), passwords.new_secret(1))
        values = {
            "id": shown.id,
            "name": name,
            "secret_number": 1,
            "secret_hash": passwords.hashed(shown.secret),
            "created_at": self._database.now(),
        }
        with self._database.writing() as connection:
            if connection.execute(sa.select(tables.clients.c.id).where(tables.clients.c.name == name)).first():
                raise Conflict(f"there is a client named {name!r} already")
            connection.execute(tables.clients.insert().values(**values))
            self._changed(connection, by.entry("client.create", shown.id, name=name))
        return shown

    def rotate_secret(self, client_id: str, overlap: int, by: Actor) -> Shown:
        """Make a new secret; the old one stays good for ``overlap`` seconds. Raises NotFound, InvalidInput."""
        until = self._database.now() + _check_overlap(overlap)
        with self._database.writing() as connection:
            client = _active(connection, tables.clients, client_id, "client")
            number = client.secret_number + 1
            shown = Shown(client_id, passwords.new_secret(number))
            connection.execute(
                tables.clients.update()
                .where(tables.clients.c.id == client_id)
                .values(
                    secret_number=number,
                    secret_hash=passwords.hashed(shown.secret),
                    previous_hash=client.secret_hash,
                    previous_until=until,
                )
            )
            self._changed(connection, by.entry("client.rotate", client_id, overlap=overlap))
        return shown

    def revoke_client(self, client_id: str, by: Actor) -> None:
        """Refuse the client, its tokens and its keys from now on. Raises NotFound."""
        with self._database.writing() as connection:
            _active(connection, tables.clients, client_id, "client")
            _revoke(connection, tables.clients, client_id, self._database.now())
            self._changed(connection, by.entry("client.revoke", client_id))

    def create_key(  # noqa: PLR0913 - what a key is made of
        self,
        client_id: str,
        name: str,
        by: Actor,
        *,
        permissions: Sequence[str] | None = None,
        models: Sequence[str] | None = None,
        seconds: int | None = None,
    ) -> Shown:
        """Make a key of a client, which keeps of the client's grants what ``permissions`` and ``models`` name.

        Raises NotFound for an unknown client, InvalidInput.
        """
        _check_name(name)
        values = {
            "client_id": client_id,
            "name": name,
            "permissions": None if permissions is None else json.dumps(sorted(parse_permissions(permissions))),
            "models": None if models is None else json.dumps(parse_models(models)),
            "expires_at": None if seconds is None else self._database.now() + _check_positive("seconds", seconds),
        }
        with self._database.writing() as connection:
            _active(connection, tables.clients, client_id, "client")
            key = _insert_key(connection, self._database.now(), values)
            self._changed(connection, by.entry("key.create", key.id, client=client_id, name=name))
        return Shown(key.id, key.text)

    def rotate_key(self, key_id: str, overlap: int, by: Actor) -> Shown:
        """Make a key with the same rights and expiry; the old one stays good for ``overlap`` seconds.

        Raises NotFound, InvalidInput, and Conflict if the old one was replaced before.
        """
        until = self._database.now() + _check_overlap(overlap)
        with self._database.writing() as connection:
            old = _active(connection, tables.api_keys, key_id, "key")
            _active(connection, tables.clients, old.client_id, "client")
            if old.replaced_by:
                raise Conflict(f"key {key_id} has been replaced by {old.replaced_by} already")
            kept = ("client_id", "name", "permissions", "models", "expires_at")
            key = _insert_key(connection, self._database.now(), {name: getattr(old, name) for name in kept})
            ends = until if old.expires_at is None else min(until, old.expires_at)
            connection.execute(
                tables.api_keys.update()
                .where(tables.api_keys.c.id == key_id)
                .values(expires_at=ends, replaced_by=key.id)
            )
            self._changed(connection, by.entry("key.rotate", key_id, replaced_by=key.id, overlap=overlap))
        return Shown(key.id, key.text)

    def revoke_key(self, key_id: str, by: Actor) -> None:
        """Refuse the key from now on. Raises NotFound."""
        with self._database.writing() as connection:
            _active(connection, tables.api_keys, key_id, "key")
            _revoke(connection, tables.api_keys, key_id, self._database.now())
            self._changed(connection, by.entry("key.revoke", key_id))

    def grant(  # noqa: PLR0913 - what a grant is made of
        self,
        subject: str,
        role: str,
        models: Sequence[str],
        by: Actor,
        *,
        requests_per_minute: int | None = None,
        rows_per_minute: int | None = None,
    ) -> str:
        """Give a subject a role on models and return the grant's id. A client's subject is ``client:<id>``.

        Raises NotFound for an unknown client, InvalidInput.
        """
        _check_subject(subject)
        grant_id = secrets.token_hex(8)
        values = {
            "id": grant_id,
            "subject": subject,
            "role": parse_role(role),
            "models": json.dumps(parse_models(models)),
            "requests_per_minute": _check_positive("requests_per_minute", requests_per_minute),
            "rows_per_minute": _check_positive("rows_per_minute", rows_per_minute),
            "created_at": self._database.now(),
            "created_by": by.subject,
        }
        with self._database.writing() as connection:
            if subject.startswith(CLIENT):
                _active(connection, tables.clients, subject.removeprefix(CLIENT), "client")
            connection.execute(tables.grants.insert().values(**values))
            self._changed(
                connection, by.entry("grant.create", grant_id, subject=subject, role=role, models=list(models))
            )
        return grant_id

    def revoke_grant(self, grant_id: str, by: Actor) -> None:
        """Take a grant back. Raises NotFound."""
        with self._database.writing() as connection:
            _active(connection, tables.grants, grant_id, "grant")
            _revoke(connection, tables.grants, grant_id, self._database.now())
            self._changed(connection, by.entry("grant.revoke", grant_id))

    def clients(self) -> list[dict[str, Any]]:
        """Return all clients, also revoked ones, without their secrets."""
        hidden = {"secret_number", "secret_hash", "previous_hash"}
        return self._listed(tables.clients, tables.clients.c.name, hidden)

    def keys(self, client_id: str | None = None) -> list[dict[str, Any]]:
        """Return all keys, or a client's, also revoked ones, without their digests."""
        table = tables.api_keys
        return self._listed(
            table, table.c.created_at, {"digest"}, None if client_id is None else table.c.client_id == client_id
        )

    def grants(self, subject: str | None = None) -> list[dict[str, Any]]:
        """Return all grants, or a subject's, also revoked ones."""
        table = tables.grants
        return self._listed(table, table.c.created_at, set(), None if subject is None else table.c.subject == subject)

    def _listed(self, table: sa.Table, order: Any, hidden: set[str], where: Any = None) -> list[dict[str, Any]]:
        query = sa.select(*(column for column in table.c if column.name not in hidden)).order_by(order, table.c.id)
        with self._database.reading() as connection:
            rows = connection.execute(query if where is None else query.where(where)).mappings().all()
        return [{name: _opened(name, value) for name, value in row.items()} for row in rows]

    def _changed(self, connection: Connection, entry: Entry) -> None:
        announce_change(connection)
        self._audit.append(connection, entry)


def client_named(connection: Connection, name: str) -> Any | None:
    """Return the row of the client of that name, None if there is none."""
    return connection.execute(sa.select(tables.clients).where(tables.clients.c.name == name)).one_or_none()


def _insert_key(connection: Connection, now: int, values: dict[str, Any]) -> api_keys.NewKey:
    key = api_keys.new_key()
    connection.execute(tables.api_keys.insert().values(id=key.id, digest=key.digest, created_at=now, **values))
    return key


def _active(connection: Connection, table: sa.Table, row_id: str, what: str) -> Any:
    query = sa.select(table).where(table.c.id == row_id, table.c.revoked_at.is_(None)).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"there is no {what} {row_id[:64]!r}, or it is revoked")
    return row


def _revoke(connection: Connection, table: sa.Table, row_id: str, now: int) -> None:
    connection.execute(table.update().where(table.c.id == row_id).values(revoked_at=now))


def _opened(name: str, value: Any) -> Any:
    return json.loads(value) if name in {"models", "permissions"} and value is not None else value


def _check_name(name: str) -> None:
    if not name or len(name) > _LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise InvalidInput(f"{name[:64]!r} is no name: expected 1 to {_LONGEST_NAME} printable characters")


def _check_subject(subject: str) -> None:
    kind, colon, rest = subject.partition(":")
    if not (kind and colon and rest) or len(subject) > LONGEST_SUBJECT or not subject.isprintable():
        raise InvalidInput(f"{subject[:64]!r} is no subject: expected client:<id> or <issuer>:<sub>")


def _check_positive(name: str, number: int | None) -> Any:
    if number is not None and not 1 <= number <= _MOST_PER_MINUTE:
        raise InvalidInput(f"{name} is {number}: expected a whole number from 1")
    return number


def _check_overlap(seconds: int) -> int:
    if not 0 <= seconds <= LONGEST_OVERLAP:
        raise InvalidInput(f"the overlap is {seconds} seconds: expected 0 to {LONGEST_OVERLAP}")
    return seconds
