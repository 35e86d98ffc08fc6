"""Quotas hold across workers within the stated bound, and cost no database call in a request."""

import threading

import pytest

from service.auth.principals import Principal, Quota
from service.auth.quotas import Quotas, chunk_of
from service.database.connection import Database
from service.errors import LargerThanQuota, QuotaExceeded, Unavailable
from tests.service.database.fakes import FailingDatabase

START = 1_700_000_000 // 60 * 60


class StandingClock:
    def __init__(self):
        self.now = START + 1.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return StandingClock()


@pytest.fixture
def make_worker(database_url, clock):
    """A worker's quotas, with the background booking that `Access` does."""
    workers, databases, running = [], [], threading.Event()
    running.set()

    def make():
        database, woken = Database(database_url), threading.Event()
        quotas = Quotas(database, woken.set, clock)

        def keep_booking():
            while running.is_set():
                woken.wait(0.2)
                woken.clear()
                quotas.book()

        thread = threading.Thread(target=keep_booking)
        thread.start()
        workers.append(thread)
        databases.append(database)
        return quotas

    yield make
    running.clear()
    for thread in workers:
        thread.join()
    for database in databases:
        database.close()


def someone(requests=None, rows=None, name="client:someone"):
    return Principal(name, quota=Quota(requests, rows))


def spend(quotas, principal, times, rows=1):
    passed = 0
    for _ in range(times):
        try:
            quotas.charge(principal, rows)
            passed += 1
        except QuotaExceeded:
            pass
    return passed


@pytest.mark.parametrize("limit", [1, 10, 200])
def test_one_worker_counts_exactly(make_worker, limit):
    quotas = make_worker()
    assert spend(quotas, someone(limit), limit + 50) in range(limit, limit + chunk_of(limit) + 1)


@pytest.mark.parametrize("limit", [8, 300])
def test_all_workers_together_keep_to_the_stated_bound(make_worker, limit):
    workers, passed = [make_worker() for _ in range(4)], []
    threads = [
        threading.Thread(target=lambda q=quotas: passed.append(spend(q, someone(limit), limit))) for quotas in workers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chunk = chunk_of(limit)
    assert limit - 3 * chunk <= sum(passed) <= limit + 4 * chunk


def test_a_new_minute_begins_a_new_quota(make_worker, clock):
    quotas, caller = make_worker(), someone(5)
    assert spend(quotas, caller, 20) >= 5
    assert spend(quotas, caller, 5) == 0
    clock.now += 60
    assert spend(quotas, caller, 20) >= 5


def test_rows_are_counted_beside_requests(make_worker):
    quotas, caller = make_worker(), someone(1000, 100)
    assert spend(quotas, caller, 10, rows=30) == 3
    with pytest.raises(QuotaExceeded, match="rows a minute"):
        quotas.charge(caller, 90)


def test_more_rows_than_the_whole_quota_are_another_fault_and_count_nothing(make_worker):
    quotas, caller = make_worker(), someone(10, 100)
    with pytest.raises(LargerThanQuota, match="send at most 100 rows"):
        quotas.charge(caller, 101)
    assert quotas.charge(caller, 100)["RateLimit"].startswith('"requests";r=9;')


def test_large_requests_pass_while_the_quota_lasts(make_worker):
    quotas = make_worker()
    assert spend(quotas, someone(None, 1000), 5, rows=400) == 2


def test_callers_do_not_share_quotas(make_worker):
    quotas = make_worker()
    assert spend(quotas, someone(3, name="client:a"), 10) >= 3
    assert spend(quotas, someone(3, name="client:b"), 1) == 1


def test_without_a_quota_nothing_is_counted(make_worker):
    assert make_worker().charge(someone(), 10**9) == {}


def test_the_headers_tell_policy_and_what_remains(make_worker):
    headers = make_worker().charge(someone(50, 1000), 10)
    assert headers["RateLimit-Policy"] == '"requests";q=50;w=60, "rows";q=1000;w=60'
    assert headers["RateLimit"] == '"requests";r=49;t=59, "rows";r=990;t=59'


def test_a_refusal_says_when_to_come_back(make_worker, clock):
    quotas, caller = make_worker(), someone(1)
    spend(quotas, caller, 5)
    clock.now = START + 20
    with pytest.raises(QuotaExceeded) as refusal:
        quotas.charge(caller, 1)
    assert refusal.value.retry_after == 40
    assert "r=0;t=40" in refusal.value.headers["RateLimit"]


def test_while_the_database_is_away_each_worker_counts_for_itself(sqlite_url, clock):
    quotas = Quotas(FailingDatabase(sqlite_url, away=True), lambda: None, clock)
    quotas.charge(someone(100), 1)
    with pytest.raises(Unavailable):
        quotas.book()
    assert spend(quotas, someone(100), 200) == 99


def test_no_request_touches_the_database(sqlite_url, clock):
    database = FailingDatabase(sqlite_url)
    quotas = Quotas(database, lambda: None, clock)
    for _ in range(20):
        quotas.charge(someone(1000), 1)
    assert database.asked == 0
