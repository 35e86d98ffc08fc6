"""A worker that lacks a version which another has says so, and only then."""

import json
import os

import pytest

from model_store.channels import Channels
from model_store.replicas.presence import Record, Unreachable
from model_store.replicas.states import State, VersionState
from service.errors import ModelNotLoaded, ModelNotReady
from service.http import problems
from service.runtime.catalog import Catalog, CatalogSnapshot, ServedModel
from service.runtime.elsewhere import Elsewhere
from service.runtime.router import Router
from service.wire import Target
from tests.model_store.replicas.memory_presence import MemoryPresence

FAILED, LOADING, NEW = VersionState(State.FAILED, "broken"), VersionState(State.LOADING), VersionState()


def announce(presence, replica, pid, **loaded):
    models = {
        name: {"generation": 1, "pointers": {}, "states": {str(version): {"state": state, "reason": ""}}, "trouble": ""}
        for name, (version, state) in loaded.items()
    }
    told = {"format": 1, "replica": replica, "pid": pid, "started": 0, "at": 0, "memory": 0, "settled": True}
    presence.announce(Record(replica, pid, json.dumps({**told, "models": models}).encode()))


class Counted(MemoryPresence):
    """Counts how often it is read, and can be away."""

    asked = 0
    away = False

    def records(self):
        self.asked += 1
        if self.away:
            raise Unreachable("it is away")
        return super().records()


@pytest.fixture
def presence():
    return Counted()


def test_another_worker_counts_of_this_replica_or_another_and_this_one_does_not(presence):
    announce(presence, "here", os.getpid(), a=(1, "READY"))
    announce(presence, "here", 1, b=(2, "READY"))
    announce(presence, "there", os.getpid(), c=(3, "READY"), d=(4, "LOADING"))
    every = [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("c", 9)]
    assert Elsewhere(presence, "here").having(every) == {("b", 2), ("c", 3)}


def test_it_is_asked_only_while_something_is_missing_and_once_a_second(presence, clock):
    announce(presence, "there", 1, a=(1, "READY"))
    elsewhere = Elsewhere(presence, "here", clock)
    assert elsewhere.having([]) == frozenset()
    assert presence.asked == 0
    for _ in range(10):
        assert elsewhere.having([("a", 1)]) == {("a", 1)}
        clock.advance(0.2)
    assert presence.asked == 2


def test_nothing_is_elsewhere_while_nobody_can_be_asked(presence):
    announce(presence, "there", 1, a=(1, "READY"))
    presence.away = True
    assert Elsewhere(presence, "here").having([("a", 1)]) == frozenset()


@pytest.mark.parametrize("state", [FAILED, LOADING, NEW])
@pytest.mark.parametrize("target", [(None, None), (1, None), (None, "beta")])
def test_what_others_have_is_404_with_a_time_to_ask_again_and_what_nobody_has_503(state, target):
    model = ServedModel("m", Channels(stable=1, labels={"beta": 1}), {}, {1: state}, {})

    def refused(elsewhere):
        with pytest.raises(ModelNotReady) as caught:
            Router(Catalog(CatalogSnapshot({"m": model}, elsewhere=elsewhere))).choose(Target("m", *target))
        return caught.value

    there = refused(frozenset({("m", 1)}))
    assert isinstance(there, ModelNotLoaded)
    assert (problems.status_of(there), there.code, there.retry_after) == (404, "model_not_loaded", 1)
    assert problems._headers(there, problems.status_of(there), credentials=True) == {"Retry-After": "1"}
    nowhere = refused(frozenset({("m", 2), ("n", 1)}))
    assert (problems.status_of(nowhere), nowhere.code) == (503, "model_not_ready")
