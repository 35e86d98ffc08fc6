"""One worker tries first; the others wait for what becomes of it."""

import json
import os

import pytest

from model_store import channels
from model_store.errors import DiedLoading, GateRefused, InQuarantine
from model_store.replicas.presence import Record, Unreachable
from model_store.stores.folder import FolderStore
from service.quarantine.first_try import PATIENCE, FirstTry
from tests.model_store.replicas.memory_presence import MemoryPresence

OWN = ("b", os.getpid())


def announce(presence, replica, pid, state="", version=2):
    states = {str(version): {"state": state, "reason": "why" if state == "FAILED" else ""}} if state else {}
    models = {"m": {"generation": 1, "pointers": {}, "states": states, "trouble": ""}}
    told = {"format": 1, "replica": replica, "pid": pid, "started": 0, "at": 0, "memory": 0, "settled": True}
    presence.announce(Record(replica, pid, json.dumps({**told, "models": models}).encode()))


class Stage:
    """A model whose version 2 is stable, worker ``b`` of this process, and what happens while it waits."""

    def __init__(self, folder, clock):
        self.store = FolderStore(folder / "models")
        for version in (1, 2):
            (self.store.disk / "m" / str(version)).mkdir(parents=True)
            channels.promote(self.store, "m", version, "tests")
        self.presence = MemoryPresence()
        self.clock = clock
        self.meanwhile = []
        self.waited = 0
        self.tried = 0
        announce(self.presence, *OWN)
        self.first_try = FirstTry(self.store, self.presence, "b", clock, self.sleep)

    def sleep(self, seconds):
        self.waited += 1
        self.clock.advance(seconds)
        if self.meanwhile:
            self.meanwhile.pop(0)()

    def load(self, error=None):
        def work():
            self.tried += 1
            if error:
                raise error
            return "loaded"

        return self.first_try.load("m", 2, work)

    def quarantined(self):
        return channels.read(self.store, "m").quarantined()


@pytest.fixture
def stage(tmp_path, clock):
    return Stage(tmp_path, clock)


def test_the_first_of_all_workers_does_not_wait(stage):
    announce(stage.presence, "b", OWN[1] + 1)
    announce(stage.presence, "c", 1)
    assert (stage.load(), stage.waited) == ("loaded", 0)


def test_another_waits_until_some_worker_has_it(stage):
    announce(stage.presence, "a", 1, "LOADING")
    stage.meanwhile = [
        lambda: announce(stage.presence, "a", 1, "WARMING"),
        lambda: announce(stage.presence, "a", 1, "READY"),
    ]
    assert (stage.load(), stage.waited, stage.tried) == ("loaded", 2, 1)


def test_another_does_not_even_try_what_came_into_quarantine(stage):
    announce(stage.presence, "a", 1, "LOADING")
    stage.meanwhile = [lambda: channels.quarantine(stage.store, "m", 2, instead=None, by="a: it died")]
    with pytest.raises(InQuarantine, match="by a: it died"):
        stage.load()
    assert stage.tried == 0


def test_a_first_one_that_fails_otherwise_is_no_reason_to_wait(stage):
    announce(stage.presence, "a", 1, "FAILED")
    assert (stage.load(), stage.waited) == ("loaded", 0)


def test_nobody_waits_forever_or_for_what_cannot_be_asked(stage):
    announce(stage.presence, "a", 1)
    assert (stage.load(), stage.waited) == ("loaded", PATIENCE * 2)
    stage.presence.records = unreachable
    assert (stage.load(), stage.waited) == ("loaded", PATIENCE * 2)


def unreachable():
    raise Unreachable("it is away")


def test_what_ends_the_process_that_loads_it_is_in_quarantine_after_one_try(stage):
    announce(stage.presence, "c", 1)
    with pytest.raises(DiedLoading):
        stage.load(DiedLoading("its process died of SIGSEGV as it loaded"))
    (kept,) = stage.quarantined().values()
    assert (kept.by, kept.instead, stage.tried) == ("b: its process died of SIGSEGV as it loaded", None, 1)


@pytest.mark.parametrize("how", ["others have it", "it has only begun", "another error"])
def test_otherwise_it_is_not(how, stage):
    error = GateRefused("no") if how == "another error" else DiedLoading("it died")
    if how == "others have it":
        announce(stage.presence, "c", 1, "READY")
    if how == "it has only begun":
        stage.presence.withdraw(*OWN)
    with pytest.raises(GateRefused):
        stage.load(error)
    assert stage.quarantined() == {}
