"""Guessing a client's secret gets slower: after a few failures a caller waits, twice as long each time.

A caller is a client id seen from one address, so that a stranger cannot lock a client out. Ids that do not exist are
treated the same. Kept in the database: the token endpoint needs it anyway, and every worker has to know.
"""

import hashlib

import sqlalchemy as sa
from sqlalchemy import Connection

from service.auth import state

FREE_FAILURES = 5
LONGEST_SECONDS = 300
_KEEP_SECONDS = 3600


def caller(client_id: str, address: str) -> str:
    """The name under which failures are counted."""
    return hashlib.sha256(f"{client_id}\0{address}".encode("utf-8", "replace")).hexdigest()


def wait(connection: Connection, name: str) -> int:
    """How many seconds the caller has to wait before it may try, 0 for none."""
    until = connection.execute(
        sa.select(state.attempts.c.refused_until).where(state.attempts.c.caller == name)
    ).scalar()
    return max(0, (until or 0) - state.now())


def failed(connection: Connection, name: str) -> None:
    """Count a failure."""
    table, now = state.attempts, state.now()
    row = connection.execute(sa.select(table).where(table.c.caller == name).with_for_update()).one_or_none()
    failures = 1 + (row.failures if row is not None and row.last_at > now - _KEEP_SECONDS else 0)
    values = {"failures": failures, "refused_until": now + _seconds(failures), "last_at": now}
    if row is None:
        connection.execute(table.insert().values(caller=name, **values))
        connection.execute(table.delete().where(table.c.last_at < now - _KEEP_SECONDS))
    else:
        connection.execute(table.update().where(table.c.caller == name).values(**values))


def succeeded(connection: Connection, name: str) -> None:
    """Forget the caller's failures."""
    connection.execute(state.attempts.delete().where(state.attempts.c.caller == name))


def _seconds(failures: int) -> int:
    return 0 if failures < FREE_FAILURES else min(LONGEST_SECONDS, 2 ** (failures - FREE_FAILURES + 1))
