"""What every Presence keeps to.

Tests of what implements it inherit these, and have the fixtures `presence`, a new, empty one; `again`, which makes
another one of the same place, as other processes have; and `grow_old`, which makes all records there stale.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from model_store.replicas.presence import Record


def until(true, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)


class PresenceContract:
    def test_what_was_announced_is_found_by_others(self, presence, again):
        first, second = Record("replica-1", os.getpid(), b"\x00\xff"), Record("replica-0", 7, b"{}")
        assert presence.records() == []
        presence.announce(first)
        presence.announce(second)
        until(lambda: again().records() == [second, first])

    def test_a_record_takes_the_place_of_the_one_before(self, presence, again):
        for i in range(5):
            presence.announce(Record("replica-1", 1, str(i).encode()))
        until(lambda: [record.body for record in again().records()] == [b"4"])

    def test_one_that_was_withdrawn_is_gone_and_the_others_stay(self, presence, again):
        for pid in (1, 2):
            presence.announce(Record("replica-1", pid, b""))
        until(lambda: len(presence.records()) == 2)
        again().withdraw("replica-1", 1)
        again().withdraw("replica-1", 1)
        again().withdraw("nobody", 1)
        assert [record.pid for record in presence.records()] == [2]

    def test_a_worker_that_falls_silent_counts_as_gone_until_it_speaks_again(self, presence, grow_old):
        presence.announce(Record("replica-1", 1, b""))
        until(presence.records)
        grow_old()
        assert presence.records() == []
        presence.announce(Record("replica-1", 1, b""))
        until(presence.records)

    @pytest.mark.parametrize("replica", [".", "..", "../../../x", "a/b", "ä b", "x" * 60])
    def test_a_replica_may_have_any_name(self, presence, again, replica):
        presence.announce(Record(replica, 1, b"1"))
        until(lambda: again().records() == [Record(replica, 1, b"1")])
        again().withdraw(replica, 1)
        assert presence.records() == []

    def test_many_announce_at_the_same_time(self, presence, again):
        def announce(pid):
            for i in range(5):
                presence.announce(Record("replica-1", pid, str(i).encode()))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(announce, range(1, 9)))
        until(lambda: [record.body for record in again().records()] == [b"4"] * 8)
