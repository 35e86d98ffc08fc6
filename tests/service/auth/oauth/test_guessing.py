"""Guessing secrets: nothing to learn from how long a refusal takes, and never many hashes at once."""

import statistics
import threading
import time

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from service.audit.entry import Actor
from service.auth.oauth.server import InvalidClient, TooManyAttempts
from service.auth.secrets.passwords import Passwords
from service.errors import Overloaded

PAIRS = 60


@pytest.fixture
def access(make_access, database_url):
    access = make_access(database_url, start=False)
    access.view.refresh()
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


class Hasher:
    """Checks hashes as it is told: ``verify`` is the test's."""

    def __init__(self, verify):
        self.verify = verify

    def hash(self, secret):
        return "a hash"


class Refusing(PasswordHasher):
    """The real hasher until ``refusing`` is set; counts the hashes it checks."""

    def __init__(self):
        super().__init__(time_cost=2, memory_cost=19456, parallelism=1)
        self.refusing = False
        self.checked = 0

    def verify(self, stored, secret):
        self.checked += 1
        if self.refusing:
            raise VerificationError
        return super().verify(stored, secret)


@pytest.fixture
def hasher():
    return Refusing()


@pytest.fixture
def guarded(make_access, database_url, hasher):
    access = make_access(database_url, start=False, passwords=Passwords(hasher))
    access.view.refresh()
    return access


def test_an_address_that_tries_many_ids_is_slowed_down_and_no_other(guarded, hasher, make_client, tester):
    owner = make_client(guarded, "owner", "viewer")
    hasher.refusing = True
    for number in range(20):
        with pytest.raises(InvalidClient):
            guarded.authorization.check_client(f"id-{number}", "guess", Actor("guesser", "198.51.100.1"))
    with pytest.raises(TooManyAttempts) as refusal:
        guarded.authorization.check_client("id-x", "guess", Actor("guesser", "198.51.100.1"))
    assert 1 <= refusal.value.retry_after <= 2
    hasher.refusing = False
    guarded.authorization.check_client(owner.id, owner.secret, tester)


def test_at_most_two_secrets_are_hashed_at_once():
    running, most = [], []

    def slow(*_):
        running.append(1)
        most.append(len(running))
        time.sleep(0.05)
        running.pop()
        return False

    checker = Passwords(Hasher(slow))
    threads = [threading.Thread(target=checker.right, args=("x", None)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 2


def test_whoever_would_wait_too_long_for_a_hash_is_told_to_come_back():
    release, busy = threading.Event(), threading.Semaphore(0)

    def stuck(*_):
        busy.release()
        return release.wait(10)

    checker = Passwords(Hasher(stuck), wait_seconds=0.05)
    threads = [threading.Thread(target=checker.right, args=("x", None)) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in threads:
            busy.acquire(timeout=10)
        with pytest.raises(Overloaded):
            checker.right("x", None)
    finally:
        release.set()
        for thread in threads:
            thread.join()


def test_a_right_secret_is_hashed_once_a_minute_and_a_rotated_one_not_remembered(guarded, hasher, make_client, tester):
    owner = make_client(guarded, "owner", "viewer")
    guarded.authorization.check_client(owner.id, owner.secret, tester)
    hasher.refusing, hasher.checked = True, 0
    guarded.authorization.check_client(owner.id, owner.secret, tester)
    assert hasher.checked == 0
    guarded.registry.rotate_secret(owner.id, 0, tester)
    with pytest.raises(InvalidClient):
        guarded.authorization.check_client(owner.id, owner.secret, tester)
