import os
import subprocess
import sys
import time

import pytest
import sqlalchemy as sa

from model_store.replicas.presence import STALE, Record, Unreachable
from service.database.connection import Database
from service.presence.database import DatabasePresence
from service.presence.tables import presence as table
from tests.model_store.replicas.presence_contract import PresenceContract, until


class DatabaseContract(PresenceContract):
    @pytest.fixture
    def presence(self, database_url):
        return DatabasePresence(Database(database_url))

    @pytest.fixture
    def again(self, database_url):
        return lambda: DatabasePresence(Database(database_url))

    @pytest.fixture
    def grow_old(self, database_url):
        def age():
            with Database(database_url).writing() as connection:
                connection.execute(sa.update(table).values(seen_at=table.c.seen_at - STALE - 1))

        return age


class TestOnSqlite(DatabaseContract):
    @pytest.fixture
    def database_url(self, sqlite_url):
        return sqlite_url


class TestOnPostgresql(DatabaseContract):
    @pytest.fixture
    def database_url(self, new_postgresql_url):
        return new_postgresql_url()


def test_rows_are_stamped_by_the_clock_of_postgresql(new_postgresql_url):
    database = Database(new_postgresql_url(), clock=lambda: 0.0)
    DatabasePresence(database).announce(Record("replica-1", 1, b""))
    until(DatabasePresence(database).records)
    with database.reading() as connection:
        assert abs(connection.scalar(sa.select(table.c.seen_at)) - time.time()) < 5


def test_what_a_killed_worker_left_is_swept_by_the_next_one(sqlite_url):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    database = Database(sqlite_url)
    with database.writing() as connection:
        for replica in ("replica-1", "replica-2"):
            row = {"replica": replica, "pid": dead.pid, "body": b"", "seen_at": time.time()}
            connection.execute(sa.insert(table).values(**row))
    DatabasePresence(database).announce(Record("replica-1", os.getpid(), b""))
    until(lambda: ("replica-1", os.getpid()) in {(r.replica, r.pid) for r in DatabasePresence(database).records()})
    left = {(record.replica, record.pid) for record in DatabasePresence(database).records()}
    assert left == {("replica-1", os.getpid()), ("replica-2", dead.pid)}


def test_a_database_that_does_not_answer_holds_up_nobody_and_is_got_over(sqlite_url):
    def rename(one, other):
        with Database(sqlite_url).writing() as connection:
            connection.execute(sa.text(f"ALTER TABLE {one} RENAME TO {other}"))

    rename("presence", "away")
    presence = DatabasePresence(Database(sqlite_url))
    began = time.monotonic()
    presence.announce(Record("replica-1", 1, b"first"))
    assert time.monotonic() - began < 1
    with pytest.raises(Unreachable):
        presence.records()

    def refused():
        try:
            presence.announce(Record("replica-1", 1, b"second"))
        except Unreachable:
            return True
        return False

    until(refused)
    rename("away", "presence")
    until(lambda: not refused())
    until(lambda: presence.records() == [Record("replica-1", 1, b"second")])
