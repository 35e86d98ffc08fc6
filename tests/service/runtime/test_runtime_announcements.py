"""What a worker tells of itself, and what is read of that."""

import json
import os

import pytest

from model_store.channels import Channels
from model_store.replicas.announcements import read
from model_store.replicas.presence import HEARTBEAT, Record, Unreachable
from model_store.replicas.states import State, VersionState
from service.runtime.announcer import Announcer
from service.runtime.catalog import CatalogSnapshot, ServedModel
from tests.model_store.replicas.memory_presence import MemoryPresence

READY = VersionState(State.READY)


@pytest.fixture
def presence():
    return MemoryPresence()


def snapshot(generation=1, stable=1, states=None):
    served = ServedModel(
        "m",
        Channels(stable=stable, generation=generation),
        states={1: READY, 2: VersionState()} if states is None else states,
        pointers={"stable": stable},
    )
    return CatalogSnapshot({"m": served})


def test_what_a_worker_announces_can_be_read(presence):
    Announcer(presence, "replica-1").announce(snapshot(), settled=True)
    (told,) = read(presence)
    assert (told.replica, told.pid, told.settled) == ("replica-1", os.getpid(), True)
    assert told.memory > 0
    assert told.started <= told.at
    assert told.models["m"].generation == 1
    assert told.models["m"].stable == 1
    assert told.models["m"].states == {1: READY}


def test_a_worker_says_where_its_master_can_be_asked(presence):
    Announcer(presence, "replica-1", management="127.0.0.1:9101").announce(snapshot(), settled=True)
    assert [one.management for one in read(presence)] == ["127.0.0.1:9101"]


def test_a_worker_of_0_1_0_says_nothing_of_its_master(presence):
    Announcer(presence, "replica-1").announce(snapshot(), settled=True)
    (record,) = presence.records()
    told = json.loads(record.body)
    del told["management"]
    presence.announce(Record(record.replica, record.pid, json.dumps(told).encode()))
    assert [one.management for one in read(presence)] == [""]


def test_an_announcement_is_due_again_after_a_while(presence):
    now = [100.0]
    announcer = Announcer(presence, "replica-1", clock=lambda: now[0])
    assert announcer.due
    announcer.announce(snapshot(), settled=True)
    assert not announcer.due
    now[0] += HEARTBEAT
    assert announcer.due


def test_a_worker_takes_its_announcement_back(presence):
    announcer = Announcer(presence, "replica-1")
    announcer.announce(snapshot(), settled=True)
    announcer.withdraw()
    assert not read(presence)


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"format": 2}', '{"format": 1, "models": 5}'])
def test_a_record_that_announces_nothing_is_passed_over(presence, content):
    presence.announce(Record("replica-1", 1, content.encode()))
    assert not read(presence)


def test_a_worker_that_nobody_sees_goes_on_and_says_so(presence, caplog):
    presence.trouble = Unreachable("no space left")
    announcer = Announcer(presence, "replica-1")
    announcer.announce(snapshot(), settled=True)
    announcer.withdraw()
    assert [record.message for record in caplog.records] == ["this worker could not announce what it has loaded"]


def test_announcements_are_whole_json_in_a_known_format(presence):
    Announcer(presence, "replica-1").announce(snapshot(), settled=False)
    (record,) = presence.records()
    assert json.loads(record.body)["format"] == 1
