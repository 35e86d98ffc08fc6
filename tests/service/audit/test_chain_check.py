"""The regular check of the audit log: by one worker of each replica, its outcome in the log and a metric."""

import logging
import threading

import pytest

from service.audit.chain_check import PERIOD, ChainCheck
from service.audit.entry import Entry
from service.audit.log import AuditLog
from service.database.connection import Database
from service.database.leases import Leases


class CountingLog(AuditLog):
    """Says when it was verified."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.verified = threading.Semaphore(0)

    def verify(self):
        found = super().verify()
        self.verified.release()
        return found

    def was_verified(self, seconds=10.0):
        return self.verified.acquire(timeout=seconds)


@pytest.fixture
def database(sqlite_url):
    database = Database(sqlite_url)
    yield database
    database.close()


@pytest.fixture
def audit(database):
    audit = CountingLog(database, b"k" * 40)
    audit.record(Entry("client:a", "token.issue"))
    return audit


@pytest.fixture
def leases(database, clock):
    return Leases(database, lambda _connection: clock())


def test_a_worker_checks_unless_another_of_its_replica_did_within_the_period(audit, leases, clock):
    leases.hold("audit-check:replica-1", "another worker", PERIOD)
    check = ChainCheck(audit, leases, "replica-1")
    check.start()
    assert not audit.was_verified(0.3)
    ChainCheck(audit, leases, "replica-2").start()
    assert audit.was_verified()
    clock.advance(PERIOD)
    check.start()
    assert audit.was_verified()


def test_a_worker_that_ends_hands_the_check_over(audit, leases):
    check = ChainCheck(audit, leases, "replica-1")
    check.start()
    assert audit.was_verified()
    check.hand_over()
    assert leases.hold("audit-check:replica-1", "the next worker", PERIOD)


def test_an_altered_log_is_an_error_line(database, audit, leases, caplog):
    with database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_no_update")
        connection.exec_driver_sql("UPDATE audit SET actor = 'client:b'")
    with caplog.at_level(logging.ERROR):
        ChainCheck(audit, leases, "replica-1").run()
    assert "the audit trail was altered after entry 0" in caplog.text
