"""A version goes into quarantine when crashes and hangs are its own fault, and only once."""

import threading

from service.quarantine.judge import Judge


class Store:
    """Hears which versions go into quarantine, in which thread; raises if it is ``away``."""

    def __init__(self, *, away=False):
        self.away = away
        self.heard = []
        self.came = threading.Semaphore(0)

    def __call__(self, model, version, reason):
        self.heard.append((model, version, reason, threading.current_thread().name))
        self.came.release()
        if self.away:
            raise OSError("away")


def test_three_requests_of_two_callers_put_a_version_into_quarantine_in_another_thread():
    store = Store()
    judge = Judge(store)
    for request, caller in (("a", "ann"), ("b", "ann"), ("a", "bob"), ("c", "bob")):
        assert store.heard == []
        judge.note("m", 3, request, caller)
    assert store.came.acquire(timeout=20)
    reason = "3 requests of 2 callers crashed or hung it within a minute"
    assert store.heard == [("m", 3, reason, "quarantine")]


def test_one_caller_alone_never_does():
    store = Store()
    judge = Judge(store)
    for request in "abcdefgh":
        judge.note("m", 3, request, "ann")
    assert not store.came.acquire(timeout=0.1)


def test_a_store_that_is_away_is_told_again_after_as_much_harm():
    store = Store(away=True)
    judge = Judge(store)
    for _ in range(2):
        for request, caller in (("a", "ann"), ("b", "ann"), ("c", "bob")):
            judge.note("m", 3, request, caller)
        assert store.came.acquire(timeout=20)
    assert len(store.heard) == 2
