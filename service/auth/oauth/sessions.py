"""What the token endpoint remembers: refresh tokens, each good once, in families that are revoked as one."""

import hashlib
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from service.auth import tables
from service.auth.snapshot import announce_change

PREFIX = "mrr_"
_KEEP_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Session:
    """What a refresh token stands for."""

    client_id: str
    permissions: frozenset[str]
    family: str


class Reused(Exception):
    """A refresh token came a second time: someone else may have it, so its whole family is to be revoked."""

    def __init__(self, family: str) -> None:
        super().__init__("a refresh token came a second time")
        self.family = family


def new_family() -> str:
    """Make a name for the tokens that follow from one authentication."""
    return secrets.token_urlsafe(16)


def open_session(connection: Connection, session: Session, now: int, seconds: int) -> str:
    """Make a refresh token, good once within so many seconds from ``now``."""
    token = PREFIX + secrets.token_urlsafe(32)
    connection.execute(
        tables.refresh_tokens.insert().values(
            digest=digest(token),
            family=session.family,
            client_id=session.client_id,
            scope=" ".join(sorted(session.permissions)),
            created_at=now,
            expires_at=now + seconds,
        )
    )
    return token


def use(connection: Connection, token: str, client_id: str, now: int) -> Session | None:
    """Use a refresh token up; return None if it is unknown, expired, revoked or another client's. Raises Reused."""
    table = tables.refresh_tokens
    row = connection.execute(sa.select(table).where(table.c.digest == digest(token)).with_for_update()).one_or_none()
    if row is None or row.client_id != client_id or row.expires_at <= now:
        return None
    if row.used_at is not None:
        raise Reused(row.family)
    if is_revoked(connection, row.family):
        return None
    connection.execute(table.update().where(table.c.digest == row.digest).values(used_at=now))
    return Session(row.client_id, frozenset(row.scope.split()), row.family)


def find(connection: Connection, token: str) -> sa.Row[tuple[object, ...]] | None:
    """Return the stored row of a refresh token, used or expired ones too; None for an unknown token."""
    table = tables.refresh_tokens
    return connection.execute(sa.select(table).where(table.c.digest == digest(token))).one_or_none()


def revoke(connection: Connection, name: str, expires: int) -> None:
    """Revoke a token id or a family until ``expires``: as long as a token of it could still be good."""
    table = tables.revocations
    if is_revoked(connection, name):
        connection.execute(table.update().where(table.c.id == name).values(expires_at=expires))
    else:
        connection.execute(table.insert().values(id=name, expires_at=expires))
    announce_change(connection)


def is_revoked(connection: Connection, name: str) -> bool:
    """Return whether a token id or family is revoked."""
    return (
        connection.execute(sa.select(tables.revocations.c.id).where(tables.revocations.c.id == name)).first()
        is not None
    )


def delete_expired(connection: Connection, now: int) -> None:
    """Delete what has been over for an hour."""
    before = now - _KEEP_SECONDS
    for table in (tables.refresh_tokens, tables.revocations):
        connection.execute(table.delete().where(table.c.expires_at < before))


def digest(token: str) -> str:
    """Return what is stored of a refresh token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
