import json

import pytest

from model_store.replicas.folder import FolderPresence
from model_store.replicas.presence import Presence, Record, Unreachable
from service.presence.first_release import BesideFirstRelease, RowsBesideFirstRelease, first_recent_folders
from service.presence.folder_rows import FolderRows
from tests.model_store.replicas.presence_contract import PresenceContract
from tests.model_store.replicas.test_folder_presence import age
from tests.service.presence.memory_rows import MemoryRows
from tests.service.presence.recent_rows_contract import RECORDS, RecentRowsContract, key, row

ONE = Record("replica-1", 1, b"one")


@pytest.fixture
def store(tmp_path):
    """A store that replicas of 0.1.0 have used: what each of their workers wrote lies in .replicas."""
    store = tmp_path / "models"
    (store / ".replicas" / "old").mkdir(parents=True)
    return store


@pytest.fixture
def shared(tmp_path):
    return FolderPresence(tmp_path / "presence")


@pytest.fixture
def presence(shared, store):
    return BesideFirstRelease(shared, store)


class TestBesideFirstRelease(PresenceContract):
    @pytest.fixture
    def again(self, tmp_path, store):
        return lambda: BesideFirstRelease(FolderPresence(tmp_path / "presence"), store)

    @pytest.fixture
    def grow_old(self, tmp_path):
        return lambda: age(tmp_path)


class TestRowsBesideFirstRelease(RecentRowsContract):
    @pytest.fixture
    def shared_rows(self):
        return MemoryRows(RECORDS)

    @pytest.fixture
    def again(self, shared_rows, tmp_path):
        def make():
            shared = MemoryRows(RECORDS, shared_rows.kept, shared_rows.alone)
            return RowsBesideFirstRelease(shared, FolderRows((tmp_path / ".recent",), replica="1", records=RECORDS))

        return make

    @pytest.fixture
    def rows(self, again):
        return again()

    def test_rows_of_the_first_release_are_found_and_marked_where_they_are(self, rows, again, tmp_path):
        first = FolderRows((tmp_path / ".recent",), replica="old", records=RECORDS)
        first.remember([row("a", 0), row("b", 0)])
        rows.remember([row("a", 1)])
        found = again().find([key("a"), key("b")])
        assert {key: sorted(rows) for key, rows in found.items()} == {key("a"): [0, 1], key("b"): [0]}
        assert len(again().mark([one for each in found.values() for one in each.values()])) == 3
        assert again().find([key("b")])[key("b")][0].judged
        assert first.find([key("b")])[key("b")][0].judged
        assert not first.find([key("a")])[key("a")].get(1)


class Away(Presence):
    def announce(self, record):
        raise Unreachable("away")

    def withdraw(self, replica, pid):
        raise Unreachable("away")

    def records(self):
        raise Unreachable("away")


def test_workers_of_the_first_release_are_found(presence, store):
    presence.announce(ONE)
    (store / ".replicas" / "old" / "7.json").write_bytes(b"seven")
    assert presence.records() == [Record("old", 7, b"seven"), ONE]


def test_the_first_release_finds_this_one_s_workers_where_it_looks(presence, store):
    presence.announce(Record("replica-1", 1, json.dumps({"pid": 1}).encode()))
    (told,) = store.glob(".replicas/*/*.json")
    assert (told.parent.name, told.name, json.loads(told.read_bytes())) == ("replica-1", "1.json", {"pid": 1})
    presence.withdraw("replica-1", 1)
    assert not told.exists()


def test_they_see_each_other_even_while_what_this_release_shares_is_away(store):
    with pytest.raises(Unreachable):
        BesideFirstRelease(Away(), store).announce(ONE)
    assert list(store.glob(".replicas/replica-1/1.json"))


def test_a_store_that_the_first_release_never_used_is_left_alone(shared, tmp_path):
    new = tmp_path / "new"
    new.mkdir()
    presence = BesideFirstRelease(shared, new)
    presence.announce(ONE)
    presence.withdraw("replica-1", 1)
    assert (list(new.iterdir()), first_recent_folders(new)) == ([], ())


def test_a_store_that_cannot_be_written_is_no_reason_not_to_announce(presence, shared, store):
    (store / ".replicas" / "replica-1").write_text("no folder")
    presence.announce(ONE)
    assert shared.records() == presence.records() == [ONE]
