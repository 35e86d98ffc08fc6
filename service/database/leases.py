"""Leases: somebody holds a name for so many seconds, and nobody else does until they are over or given back.

A holder that lives extends its lease in time. One that dies loses it, and another takes the name over. One clock says
when: PostgreSQL's own or, for SQLite, this machine's, which is the only one. A holder that is stopped for longer than
its lease does not know that it lost it until it asks.
"""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy import Column, Connection, Double, String, Table
from sqlalchemy.dialects import postgresql, sqlite

from service.database.connection import Database
from service.database.metadata import metadata

leases = Table(
    "leases",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("holder", String(256), nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
)

Clock = Callable[[Connection], float]


class Leases:
    """The leases in a database. ``clock`` gives seconds since 1970, the same to all that share the database."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or database.time

    def hold(self, name: str, holder: str, seconds: float) -> bool:
        """Take the name, or extend one's own lease of it, for so many seconds from now.

        Return False if another holds it. Raises Unavailable.
        """
        with self._database.writing() as connection:
            return self.hold_within(connection, name, holder, seconds)

    def hold_within(self, connection: Connection, name: str, holder: str, seconds: float) -> bool:
        """Do what ``hold`` does as a part of another transaction."""
        now = self._clock(connection)
        insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(leases)
        values = {"holder": holder, "expires_at": now + seconds}
        free = sa.or_(leases.c.holder == holder, leases.c.expires_at <= now)
        statement = insert.values(name=name, **values).on_conflict_do_update(
            index_elements=[leases.c.name], set_=values, where=free
        )
        return connection.execute(statement.returning(leases.c.name)).first() is not None

    def release(self, name: str, holder: str) -> None:
        """Give the name back if one holds it. Raises Unavailable."""
        with self._database.writing() as connection:
            self.release_within(connection, name, holder)

    def release_within(self, connection: Connection, name: str, holder: str) -> None:
        """Do what ``release`` does as a part of another transaction."""
        connection.execute(leases.delete().where(leases.c.name == name, leases.c.holder == holder))

    def holder(self, name: str) -> str | None:
        """Return who holds the name now, None for nobody. Raises Unavailable."""
        with self._database.reading() as connection:
            return self.holder_within(connection, name)

    def holder_within(self, connection: Connection, name: str) -> str | None:
        """Do what ``holder`` does as a part of another transaction."""
        query = sa.select(leases.c.holder).where(leases.c.name == name, leases.c.expires_at > self._clock(connection))
        found: str | None = connection.execute(query).scalar()
        return found

    def delete_expired(self, connection: Connection) -> None:
        """Delete the leases that are over."""
        connection.execute(leases.delete().where(leases.c.expires_at <= self._clock(connection)))
