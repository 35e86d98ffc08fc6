import logging

import pytest

from model_store.replicas.presence import Record, Unreachable
from service.presence.replica import ReplicaPresence
from tests.model_store.replicas.memory_presence import MemoryPresence

ONE, TWO = Record("replica-1", 1, b"one"), Record("replica-2", 2, b"two")


@pytest.fixture
def own():
    return MemoryPresence()


@pytest.fixture
def shared():
    return MemoryPresence()


@pytest.fixture
def presence(own, shared):
    return ReplicaPresence(own, shared)


def test_a_record_is_left_in_both_and_taken_back_from_both(presence, own, shared):
    presence.announce(ONE)
    assert own.records() == shared.records() == [ONE]
    presence.withdraw("replica-1", 1)
    assert own.records() == shared.records() == []


def test_its_own_workers_are_known_from_its_own_folder_and_others_from_the_shared_one(presence, own, shared):
    presence.announce(ONE)
    shared.announce(TWO)
    shared.announce(Record("replica-1", 9, b"of a worker that is gone"))
    assert presence.records() == [ONE, TWO]


def test_a_replica_that_nobody_else_sees_knows_its_own_workers(presence, own, shared, caplog):
    caplog.set_level(logging.INFO)
    shared.trouble = Unreachable("read-only")
    for _ in range(3):
        presence.announce(ONE)
    assert own.records() == [ONE]
    assert [record.message for record in caplog.records] == [
        "other replicas do not see what this worker has loaded: read-only"
    ]
    with pytest.raises(Unreachable):
        presence.records()
    shared.trouble = None
    presence.announce(ONE)
    assert shared.records() == [ONE]


def test_it_is_told_where_not_even_its_own_folder_can_be_written(presence, own):
    own.trouble = Unreachable("no space left")
    with pytest.raises(Unreachable):
        presence.announce(ONE)
