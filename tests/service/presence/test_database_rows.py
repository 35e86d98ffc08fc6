import logging
import time

import pytest
import sqlalchemy as sa

from service.database.connection import Database
from service.errors import Unavailable
from service.presence.database_rows import DatabaseRows
from service.presence.recent_rows import MOST_WORKERS
from service.presence.tables import recent_predictions as table
from tests.model_store.replicas.presence_contract import until
from tests.service.presence.recent_rows_contract import RECORDS, RecentRowsContract, key, row


def rows_of(url, records=RECORDS):
    return DatabaseRows(Database(url), records=records, period=0.05)


class DatabaseContract(RecentRowsContract):
    @pytest.fixture
    def rows(self, database_url):
        rows = rows_of(database_url)
        yield rows
        rows.close()

    @pytest.fixture
    def again(self, database_url):
        return lambda: rows_of(database_url)


class TestOnSqlite(DatabaseContract):
    @pytest.fixture
    def database_url(self, sqlite_url):
        return sqlite_url


class TestOnPostgresql(DatabaseContract):
    @pytest.fixture
    def database_url(self, new_postgresql_url):
        return new_postgresql_url()


def rename(url, one, other):
    with Database(url).writing() as connection:
        connection.execute(sa.text(f"ALTER TABLE {one} RENAME TO {other}"))


def test_while_the_database_is_away_the_last_rows_wait_and_nobody_is_held_up(sqlite_url, caplog):
    caplog.set_level(logging.INFO)
    rename(sqlite_url, "recent_predictions", "away")
    rows = rows_of(sqlite_url)
    began = time.monotonic()
    for i in range(10 * RECORDS):
        rows.remember([row(str(i))])
    assert time.monotonic() - began < 1
    with pytest.raises(Unavailable):
        rows.find([key("1")])
    until(lambda: "wait in memory" in caplog.text)
    time.sleep(0.2)
    assert len(caplog.records) == 1
    rename(sqlite_url, "away", "recent_predictions")
    last = [key(str(i)) for i in range(9 * RECORDS, 10 * RECORDS)]
    until(lambda: len(rows.find(last)) == RECORDS)


def test_what_cannot_be_written_is_forgotten_and_the_rest_goes_on(sqlite_url, caplog):
    rows = rows_of(sqlite_url)
    rows.remember([row("a", version=2**70)])
    until(lambda: "could not be written and are forgotten" in caplog.text)
    rows.remember([row("b")])
    until(lambda: rows.find([key("b")]))


def test_rows_of_a_worker_that_is_gone_stay_until_as_many_newer_ones_came(database_url):
    database = Database(database_url)
    for i in range(MOST_WORKERS + 3):
        worker = rows_of(database_url)
        worker.remember([row(str(i))])
        worker.close()
    with database.reading() as connection:
        kept = connection.scalars(sa.select(table.c.key)).all()
    assert {bytes(one) for one in kept} == {key(str(i)) for i in range(3, MOST_WORKERS + 3)}
    assert list(worker.find([key("3")])) == [key("3")]


def test_a_thousand_rows_a_second_are_kept_up_with_and_the_table_stays_bounded(database_url):
    rows = rows_of(database_url, records=1000)
    for i in range(5000):
        rows.remember([row(str(i))])
        time.sleep(0.0001)
    until(lambda: rows.find([key("4999")]))
    with Database(database_url).reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 1000
