"""Whether every worker does what the store says."""

import time

import pytest

from model_store import channels
from model_store.replicas.announcements import read
from model_store.replicas.presence import Unreachable
from model_store.replicas.states import State, VersionState
from service.presence.replica import ReplicaPresence
from service.runtime.announcer import Announcer
from service.runtime.catalog import CatalogSnapshot, ServedModel
from service.runtime.convergence import Convergence, converged
from tests.model_store.replicas.memory_presence import MemoryPresence
from tests.service.runtime.test_runtime_announcements import READY, snapshot


def test_workers_converge_when_all_follow_the_store(workshop):
    workshop.constant("m", promote=True)
    workshop.constant("m")
    announcer = workshop.announcer()
    assert not converged(workshop.store, read(workshop.presence), "m"), "nobody is there"
    announcer.announce(snapshot(generation=1), settled=True)
    assert converged(workshop.store, read(workshop.presence), "m")
    workshop.promote("m", 2)
    assert not converged(workshop.store, read(workshop.presence), "m")
    announcer.announce(snapshot(2, 2, {1: VersionState(State.DRAINING), 2: READY}), settled=True)
    assert converged(workshop.store, read(workshop.presence), "m")


def test_one_worker_that_lags_is_enough_not_to_have_converged(workshop):
    workshop.constant("m", promote=True)
    workshop.announcer().announce(snapshot(generation=1), settled=True)
    workshop.announcer("replica-2").announce(snapshot(generation=0), settled=True)
    assert not converged(workshop.store, read(workshop.presence), "m")


def test_a_model_that_is_gone_has_converged_when_nobody_has_it(workshop):
    workshop.announcer().announce(snapshot(), settled=True)
    assert not converged(workshop.store, read(workshop.presence), "m")
    workshop.announcer().announce(CatalogSnapshot(), settled=True)
    assert converged(workshop.store, read(workshop.presence), "m")


def test_waiting_ends_at_once_when_a_worker_has_failed(workshop):
    workshop.constant("m", promote=True)
    failed = {1: VersionState(State.FAILED, "why")}
    workshop.announcer().announce(snapshot(states=failed), settled=True)
    began = time.monotonic()
    assert not workshop.converges("m", 30)
    assert time.monotonic() - began < 10
    assert Convergence(workshop.store, workshop.presence).failures("m") == {1: "why"}


def test_waiting_ends_after_its_time(workshop):
    workshop.constant("m", promote=True)
    assert not workshop.converges("m", 0.2)


def test_an_unloaded_model_has_converged_when_nobody_has_a_version_ready(workshop):
    workshop.constant("m", promote=True)
    now = channels.unload(workshop.store, "m", "tests")
    announcer = workshop.announcer()
    announcer.announce(snapshot(generation=now.generation), settled=True)
    assert not converged(workshop.store, read(workshop.presence), "m")
    retired = ServedModel("m", now, states={1: VersionState(State.RETIRED)})
    announcer.announce(CatalogSnapshot({"m": retired}), settled=True)
    assert converged(workshop.store, read(workshop.presence), "m")


@pytest.fixture
def apart():
    """The presence of a replica that cannot reach what it shares with others."""
    presence = ReplicaPresence(MemoryPresence(), MemoryPresence())
    presence.shared.trouble = Unreachable("it does not answer")
    return presence


def test_nothing_has_converged_while_others_cannot_be_reached(workshop, apart):
    workshop.constant("m", promote=True)
    Announcer(apart, "replica-1").announce(snapshot(generation=1), settled=True)
    convergence = Convergence(workshop.store, apart, 0.1)
    assert not convergence.wait("m")
    assert [told.replica for told in convergence.announcements()] == ["replica-1"]
    apart.shared.trouble = None
    Announcer(apart, "replica-1").announce(snapshot(generation=1), settled=True)
    assert convergence.wait("m")
