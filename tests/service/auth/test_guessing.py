"""Guessing secrets: nothing to learn from how long a refusal takes, and never many hashes at once."""

import statistics
import threading
import time

import pytest

from service.audit.entry import Actor
from service.auth import passwords
from service.auth.authorization import InvalidClient, TooManyAttempts
from service.auth.passwords import Passwords
from service.errors import Overloaded

PAIRS = 60


@pytest.fixture
def access(make_access, database_url):
    access = make_access(database_url, start=False)
    access.refresh()
    access.passwords.prepare()
    return access


def cost(access, client_id, secret, number):
    """CPU seconds that this process spends on refusing a guess from yet another address."""
    begun = time.process_time()
    with pytest.raises(InvalidClient):
        access.authorization.check_client(client_id, secret, Actor("guesser", f"192.0.2.{number}"))
    return time.process_time() - begun


def test_unknown_and_known_clients_are_refused_at_the_same_cost(access, make_client, tester):
    known = make_client(access, "known", "viewer")
    overlapping = make_client(access, "overlapping", "viewer")
    access.registry.rotate_secret(overlapping.id, 3600, tester)
    guess = "mrs_1_" + "x" * 43
    costs = {"unknown": [], "known": [], "overlapping": [], "odd": []}
    for number in range(PAIRS):
        costs["unknown"].append(cost(access, "0" * 24, guess, number))
        costs["known"].append(cost(access, known.id, guess, number))
        costs["overlapping"].append(cost(access, overlapping.id, guess, number))
        costs["odd"].append(cost(access, known.id, "no secret's form", number))
    medians = {kind: statistics.median(spent) for kind, spent in costs.items()}
    for kind in ("unknown", "overlapping", "odd"):
        assert medians[kind] == pytest.approx(medians["known"], rel=0.05), medians


def test_an_address_that_tries_many_ids_is_slowed_down_and_no_other(access, make_client, tester, monkeypatch):
    owner = make_client(access, "owner", "viewer")
    monkeypatch.setattr(access.passwords, "_verify", lambda *_: False)
    for number in range(20):
        with pytest.raises(InvalidClient):
            access.authorization.check_client(f"id-{number}", "guess", Actor("guesser", "198.51.100.1"))
    with pytest.raises(TooManyAttempts) as refusal:
        access.authorization.check_client("id-x", "guess", Actor("guesser", "198.51.100.1"))
    assert 1 <= refusal.value.retry_after <= 2
    monkeypatch.undo()
    access.authorization.check_client(owner.id, owner.secret, tester)


def test_at_most_two_secrets_are_hashed_at_once(monkeypatch):
    checker, running, most = Passwords(), [], []

    def slow(*_):
        running.append(1)
        most.append(len(running))
        time.sleep(0.05)
        running.pop()
        return False

    monkeypatch.setattr(passwords, "_HASHER", type("Slow", (), {"verify": staticmethod(slow)}))
    monkeypatch.setattr(passwords, "_decoy", lambda: "decoy")
    threads = [threading.Thread(target=checker.right, args=("x", None)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 2


def test_whoever_would_wait_too_long_for_a_hash_is_told_to_come_back(monkeypatch):
    checker, release = Passwords(), threading.Event()
    monkeypatch.setattr(passwords, "_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(passwords, "_decoy", lambda: "decoy")
    stuck = type("Stuck", (), {"verify": staticmethod(lambda *_: release.wait(10))})
    monkeypatch.setattr(passwords, "_HASHER", stuck)
    threads = [threading.Thread(target=checker.right, args=("x", None)) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        with pytest.raises(Overloaded):
            checker.right("x", None)
    finally:
        release.set()
        for thread in threads:
            thread.join()


def test_a_right_secret_is_hashed_once_a_minute_and_a_rotated_one_not_remembered(
    access, make_client, tester, monkeypatch
):
    owner = make_client(access, "owner", "viewer")
    access.authorization.check_client(owner.id, owner.secret, tester)
    hashes = []
    monkeypatch.setattr(access.passwords, "_verify", lambda *_: hashes.append(1) or False)
    access.authorization.check_client(owner.id, owner.secret, tester)
    assert hashes == []
    access.registry.rotate_secret(owner.id, 0, tester)
    with pytest.raises(InvalidClient):
        access.authorization.check_client(owner.id, owner.secret, tester)
