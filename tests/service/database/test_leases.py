"""Leases: one holder at a time, lost when they are over, on both kinds of database."""

import subprocess
import sys
import textwrap
import time

import pytest

from service.database.connection import Database
from service.database.leases import Leases


class StandingClock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self, _connection):
        return self.now


@pytest.fixture
def database(database_url):
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def time_of():
    return StandingClock()


@pytest.fixture
def leases(database, time_of):
    return Leases(database, time_of)


def test_a_free_name_can_be_held_and_no_other_gets_it(leases):
    assert leases.holder("tidy") is None
    assert leases.hold("tidy", "one", 10) is True
    assert leases.hold("tidy", "other", 10) is False
    assert leases.holder("tidy") == "one"


def test_names_do_not_hinder_each_other(leases):
    assert leases.hold("tidy", "one", 10)
    assert leases.hold("check", "other", 10)


def test_a_holder_extends_its_lease(leases, time_of):
    leases.hold("tidy", "one", 10)
    time_of.now += 9
    assert leases.hold("tidy", "one", 10)
    time_of.now += 9
    assert leases.hold("tidy", "other", 10) is False
    assert leases.holder("tidy") == "one"


def test_a_lease_that_is_over_is_nobody_s_and_another_takes_it_over(leases, time_of):
    leases.hold("tidy", "one", 10)
    time_of.now += 10
    assert leases.holder("tidy") is None
    assert leases.hold("tidy", "other", 10)
    assert leases.hold("tidy", "one", 10) is False


def test_a_lease_that_is_given_back_is_free_and_only_its_holder_can_do_that(leases):
    leases.hold("tidy", "one", 10)
    leases.release("tidy", "other")
    assert leases.holder("tidy") == "one"
    leases.release("tidy", "one")
    assert leases.hold("tidy", "other", 10)


def test_a_lease_is_part_of_the_transaction_it_is_taken_in(database, leases):
    def hold_and_fail():
        with database.writing() as connection:
            leases.hold_within(connection, "tidy", "one", 10)
            raise ValueError("whatever else is in the transaction")

    with pytest.raises(ValueError, match="whatever"):
        hold_and_fail()
    assert leases.holder("tidy") is None


def test_leases_that_are_over_are_forgotten_and_others_kept(database, leases, time_of):
    leases.hold("over", "one", 5)
    leases.hold("kept", "one", 15)
    time_of.now += 10
    with database.writing() as connection:
        leases.delete_expired(connection)
        assert connection.exec_driver_sql("SELECT name FROM leases").scalars().all() == ["kept"]


def test_without_a_clock_of_its_own_it_goes_by_the_database_s(database):
    leases = Leases(database)
    assert leases.hold("tidy", "one", 0.05)
    time.sleep(0.1)
    assert leases.hold("tidy", "other", 60)
    with database.reading() as connection:
        assert database.time(connection) == pytest.approx(time.time(), abs=5)


def test_of_processes_that_ask_at_once_exactly_one_gets_the_lease(database_url):
    script = textwrap.dedent("""
        import sys
        from service.database.connection import Database
        from service.database.leases import Leases
        leases = Leases(Database(sys.argv[1]))
        sys.stdin.readline()
        print([leases.hold(f"name-{number}", sys.argv[2], 60) for number in range(20)])
    """)
    command = [sys.executable, "-c", script, database_url]
    running = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for name in "abc"
    ]
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    got = [eval(process.communicate()[0]) for process in running]  # noqa: S307 - a list that we printed
    assert [sum(held) for held in zip(*got, strict=True)] == [1] * 20
