"""What the token endpoint remembers: refresh tokens, each good once, in families that are revoked as one."""

import hashlib
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from service.auth import state

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
    """A name for the tokens that follow from one authentication."""
    return secrets.token_urlsafe(16)


def open_session(connection: Connection, session: Session, seconds: int) -> str:
    """A new refresh token, good once within so many seconds."""
    token = PREFIX + secrets.token_urlsafe(32)
    now = state.now()
    connection.execute(
        state.refresh_tokens.insert().values(
            digest=digest(token),
            family=session.family,
            client_id=session.client_id,
            scope=" ".join(sorted(session.permissions)),
            created_at=now,
            expires_at=now + seconds,
        )
    )
    return token


def use(connection: Connection, token: str, client_id: str) -> Session | None:
    """Use a refresh token up; None where it is unknown, expired, revoked or another client's. Raises Reused."""
    table = state.refresh_tokens
    row = connection.execute(sa.select(table).where(table.c.digest == digest(token)).with_for_update()).one_or_none()
    if row is None or row.client_id != client_id or row.expires_at <= state.now():
        return None
    if row.used_at is not None:
        raise Reused(row.family)
    if is_revoked(connection, row.family):
        return None
    connection.execute(table.update().where(table.c.digest == row.digest).values(used_at=state.now()))
    return Session(row.client_id, frozenset(row.scope.split()), row.family)


def find(connection: Connection, token: str) -> sa.Row[tuple[object, ...]] | None:
    """The stored row of a refresh token, whatever its state."""
    table = state.refresh_tokens
    return connection.execute(sa.select(table).where(table.c.digest == digest(token))).one_or_none()


def revoke(connection: Connection, name: str, seconds: int) -> None:
    """Revoke a token id or a family for so many seconds: as long as a token of it could still be good."""
    table = state.revocations
    expires = state.now() + seconds
    if is_revoked(connection, name):
        connection.execute(table.update().where(table.c.id == name).values(expires_at=expires))
    else:
        connection.execute(table.insert().values(id=name, expires_at=expires))
    state.announce(connection)


def is_revoked(connection: Connection, name: str) -> bool:
    """Whether a token id or family is revoked."""
    return (
        connection.execute(sa.select(state.revocations.c.id).where(state.revocations.c.id == name)).first() is not None
    )


def forget_expired(connection: Connection) -> None:
    """Delete what has been over for an hour."""
    before = state.now() - _KEEP_SECONDS
    for table in (state.refresh_tokens, state.revocations):
        connection.execute(table.delete().where(table.c.expires_at < before))


def digest(token: str) -> str:
    """What is stored of a refresh token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
