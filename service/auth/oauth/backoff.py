"""Guessing a client's secret gets slower: after a few failures a caller waits, twice as long each time.

A caller is a client id seen from one address, so that a stranger cannot lock a client out. Ids that do not exist are
treated the same. An address that fails with many ids is slowed to one try in two seconds: enough to keep guesses cheap
for the service, too little to shut out those who share the address. Kept in the database: the token endpoint needs it
anyway, and every worker has to know.
"""

import hashlib

import sqlalchemy as sa
from sqlalchemy import Connection

from service.auth import tables
from service.database.connection import insert_missing

FREE_FAILURES = 5
LONGEST_SECONDS = 300
FREE_FAILURES_OF_AN_ADDRESS = 20
LONGEST_SECONDS_OF_AN_ADDRESS = 2
_KEEP_SECONDS = 3600


def caller(client_id: str, address: str) -> str:
    """Return the name under which failures are counted."""
    return hashlib.sha256(f"{client_id}\0{address}".encode("utf-8", "replace")).hexdigest()


def wait(connection: Connection, client_id: str, address: str, now: int) -> int:
    """Return how many seconds the caller has to wait before it may try, 0 for none."""
    names = (caller(client_id, address), _address(address))
    longest = sa.func.max(tables.attempts.c.refused_until)
    until = connection.execute(sa.select(longest).where(tables.attempts.c.caller.in_(names))).scalar()
    return max(0, (until or 0) - now)


def failed(connection: Connection, client_id: str, address: str, now: int) -> None:
    """Count a failure of the caller, and one of its address."""
    _count(connection, _address(address), now, FREE_FAILURES_OF_AN_ADDRESS, LONGEST_SECONDS_OF_AN_ADDRESS)
    _count(connection, caller(client_id, address), now, FREE_FAILURES, LONGEST_SECONDS)


def _count(connection: Connection, name: str, now: int, free: int, longest: int) -> None:
    table = tables.attempts
    connection.execute(table.delete().where(table.c.last_at < now - _KEEP_SECONDS))
    insert_missing(connection, table, {"caller": name, "failures": 0, "refused_until": 0, "last_at": now})
    before = connection.execute(sa.select(table.c.failures).where(table.c.caller == name).with_for_update())
    failures = 1 + int(before.scalar_one())
    values = {"failures": failures, "refused_until": now + _seconds(failures, free, longest), "last_at": now}
    connection.execute(table.update().where(table.c.caller == name).values(**values))


def succeeded(connection: Connection, name: str) -> None:
    """Forget the caller's failures."""
    connection.execute(tables.attempts.delete().where(tables.attempts.c.caller == name))


def _seconds(failures: int, free: int, longest: int) -> int:
    return 0 if failures < free else min(longest, 2 ** min(failures - free + 1, 30))


def _address(address: str) -> str:
    return caller("", f"any client of {address}")
