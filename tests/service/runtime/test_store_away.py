"""A store that is away is not an empty store: what is loaded serves on, and nothing is changed."""

import os
import re
import shutil
import threading
import time

import pytest

from model_store import channels
from model_store.errors import StoreAway
from model_store.lifecycle.retire import retire
from model_store.replicas.announcements import read
from model_store.stores import identity
from service.management.readiness import Assessor
from service.metrics.instruments import child
from tests.service.runtime.conftest import Workshop


def until(true, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)


def make_empty(root):
    root.rename(root.with_name("away"))
    root.mkdir()


def make_another(root):
    root.rename(root.with_name("away"))
    other = Workshop(root.parent / "elsewhere")
    other.constant("other", promote=True)
    other.root.rename(root)


def lose_identity(root):
    (root / identity.FILE).rename(root.with_name("identity"))


def lose_every_model(root):
    (root / "m").rename(root.with_name("m"))


def give_back(root):
    if root.with_name("away").is_dir():
        shutil.rmtree(root)
        root.with_name("away").rename(root)
    if root.with_name("identity").is_file():
        root.with_name("identity").rename(root / identity.FILE)
    if root.with_name("m").is_dir():
        root.with_name("m").rename(root / "m")


@pytest.mark.parametrize("happens", [make_empty, make_another, lose_identity, lose_every_model])
def test_a_store_that_is_missing_another_or_empty_is_away_and_what_is_loaded_stays(workshop, worker, happens):
    workshop.constant("m", promote=True)
    worker.watcher.start()
    happens(workshop.root)
    until(lambda: workshop.store.away)
    time.sleep(0.3)
    assert {worker.choose("m").version for _ in range(10)} == {1}
    assert set(worker.catalog.snapshot().models) == {"m"}
    with pytest.raises(StoreAway), workshop.store.staging("m"):
        pass
    give_back(workshop.root)
    until(lambda: not workshop.store.away)
    workshop.constant("m", promote=True)
    until(lambda: worker.choose("m").version == 2)


def test_a_store_of_an_earlier_release_gets_its_identity_at_the_first_start(workshop, worker):
    workshop.constant("m", promote=True)
    (workshop.root / identity.FILE).unlink()
    worker.watcher.start()
    given = identity.read(workshop.root)
    assert re.fullmatch("[0-9a-f]{32}", given)
    assert worker.choose("m").version == 1
    workshop.constant("m", promote=True)
    until(lambda: worker.choose("m").version == 2)
    assert identity.read(workshop.root) == given


def test_the_last_model_of_a_store_goes_if_it_is_demoted_and_retired(workshop, worker):
    workshop.constant("m", promote=True)
    worker.watcher.start()
    channels.demote(workshop.store, "m", "tests")
    retire(workshop.store, "m", 1)
    until(lambda: not worker.catalog.snapshot().models)
    assert not workshop.store.away


@pytest.mark.parametrize("happens", [make_empty, make_another, lose_identity])
def test_a_worker_that_starts_meanwhile_waits_for_the_store_that_its_replica_serves(workshop, make_worker, happens):
    workshop.constant("m", promote=True)
    make_worker().watcher.start()
    happens(workshop.root)
    later = make_worker()
    starting = threading.Thread(target=later.watcher.start)
    starting.start()
    starting.join(0.5)
    assert starting.is_alive()
    give_back(workshop.root)
    starting.join(20)
    assert not starting.is_alive()
    assert later.choose("m").version == 1


def test_while_it_is_away_readiness_and_a_metric_say_so_and_the_replica_stays_ready(workshop, worker):
    workshop.constant("m", promote=True)
    worker.watcher.start()
    make_empty(workshop.root)

    def told():
        return next((one.store for one in read(workshop.presence) if one.store), "")

    until(told)
    readiness = Assessor("replica-1").assess([os.getpid()], read(workshop.presence))
    assert (readiness.ready, readiness.store) == (True, "it has lost its identity")
    assert child("millrace_store_away")._value.get() == 1
    give_back(workshop.root)
    until(lambda: not told())
    assert child("millrace_store_away")._value.get() == 0
