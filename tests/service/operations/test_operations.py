"""Operations: any worker tells how they stand, also of those whose worker is gone."""

import threading
import time

import pytest

from service.audit.entry import Actor
from service.audit.log import AuditLog
from service.database.connection import Database
from service.database.leases import Leases
from service.errors import NotFound, Overloaded
from service.operations.operations import Operations

BY = Actor("client:x")


@pytest.fixture
def database(database_url, clock):
    database = Database(database_url, clock)
    yield database
    database.close()


@pytest.fixture
def make_worker(database, clock):
    """Makes the operations of one worker after another, on one database."""
    return lambda: Operations(
        database, AuditLog(database, b"k" * 40), Leases(database, lambda _connection: clock()), "replica"
    )


@pytest.fixture
def release():
    event = threading.Event()
    yield event
    event.set()


def finished(operations, operation_id):
    deadline = time.monotonic() + 20
    while operations.get(operation_id).state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return operations.get(operation_id)


def test_another_worker_sees_the_steps_and_the_end(make_worker, release):
    one, other = make_worker(), make_worker()
    told = threading.Event()

    def work(report):
        report("half-way")
        told.set()
        release.wait(20)
        return {"version": 7}

    operation_id = one.start("publish", "iris", BY, work)
    told.wait(20)
    assert (other.get(operation_id).state, other.get(operation_id).detail) == ("running", "half-way")
    release.set()
    found = finished(other, operation_id)
    assert (found.state, found.detail, found.result) == ("succeeded", "done", {"version": 7})


@pytest.mark.parametrize(
    ("error", "code", "detail"),
    [(NotFound("there is none"), "not_found", "there is none"), (ValueError("secret"), "internal_error", "the log")],
)
def test_a_failure_is_told_with_its_code(make_worker, error, code, detail):
    def work(_tell):
        raise error

    operations = make_worker()
    found = finished(operations, operations.start("publish", "iris", BY, work))
    assert (found.state, found.result) == ("failed", {"code": code})
    assert detail in found.detail


def test_an_operation_whose_worker_is_gone_is_shown_as_failed(make_worker, clock):
    make_worker()._begin("lost", "publish", "iris", BY)
    assert make_worker().get("lost").state == "running"
    clock.advance(30)
    found = make_worker().get("lost")
    assert (found.state, found.detail) == ("failed", "the worker that ran it is gone")


def test_an_operation_of_a_worker_of_the_first_release_lives_by_its_column(make_worker, database, clock):
    make_worker()._begin("old", "publish", "iris", BY)
    with database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM leases")
    assert make_worker().get("old").state == "running"
    clock.advance(30)
    assert make_worker().get("old").state == "failed"


def test_a_replica_of_the_first_release_sees_that_an_operation_lives(make_worker, database, clock):
    make_worker()._begin("new", "publish", "iris", BY)
    with database.reading() as connection:
        seen_at = connection.exec_driver_sql("SELECT seen_at FROM operations WHERE id = 'new'").scalar_one()
    assert seen_at == pytest.approx(clock(), abs=2)


def test_a_third_operation_at_once_is_refused(make_worker, release):
    def work(_tell):
        release.wait(20)
        return {}

    operations = make_worker()
    started = [operations.start("publish", "iris", BY, work) for _ in range(2)]
    with pytest.raises(Overloaded):
        operations.start("publish", "iris", BY, work)
    release.set()
    assert {finished(operations, operation_id).state for operation_id in started} == {"succeeded"}


def test_what_was_never_begun_is_not_found(make_worker):
    with pytest.raises(NotFound):
        make_worker().get("nothing")
