import os
import time

import pytest

from model_store import atomic_file
from model_store.replicas.folder import FolderPresence
from model_store.replicas.presence import STALE, Record, Unreachable
from tests.model_store.replicas.presence_contract import PresenceContract


def age(root):
    old = time.time() - STALE - 1
    for path in root.rglob("*.json"):
        os.utime(path, (old, old))


class TestFolderPresence(PresenceContract):
    @pytest.fixture
    def presence(self, tmp_path):
        return FolderPresence(tmp_path / "presence")

    @pytest.fixture
    def again(self, tmp_path):
        return lambda: FolderPresence(tmp_path / "presence")

    @pytest.fixture
    def grow_old(self, tmp_path):
        return lambda: age(tmp_path)


def test_a_replica_s_name_cannot_lead_out_of_the_folder(tmp_path):
    root = tmp_path / "a" / "b"
    for name in ("../../../x", "..", "/etc"):
        FolderPresence(root).announce(Record(name, 1, b""))
    assert len(list(tmp_path.rglob("*.json"))) == len(list((root / "replicas").glob("*/*.json"))) == 3


def test_what_a_killed_worker_left_is_swept_by_the_next_one(tmp_path):
    FolderPresence(tmp_path).announce(Record("replica-1", 1, b""))
    (left,) = tmp_path.rglob("*.json")
    age(tmp_path)
    FolderPresence(tmp_path).announce(Record("replica-1", 2, b""))
    assert not left.exists()


def test_files_that_are_none_of_its_own_are_passed_over(tmp_path):
    folder = tmp_path / "replicas" / "replica-1"
    folder.mkdir(parents=True)
    (folder / "x.json").write_text("{}")
    (folder / ".writing-1").write_text("{}")
    (folder / "1.json").mkdir()
    assert FolderPresence(tmp_path).records() == []


def test_a_full_disk_does_not_silence_a_worker(tmp_path):
    full = []

    def write(path, data):
        if full:
            raise OSError(28, "no space left")
        atomic_file.write(path, data)

    presence = FolderPresence(tmp_path, write)
    presence.announce(Record("replica-1", 1, b"before"))
    age(tmp_path)
    full.append(True)
    with pytest.raises(Unreachable, match="no space left"):
        presence.announce(Record("replica-1", 1, b"after"))
    assert presence.records() == [Record("replica-1", 1, b"before")]


def test_a_folder_that_cannot_be_is_unreachable(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unreachable):
        FolderPresence(tmp_path / "file").announce(Record("replica-1", 1, b""))
    assert FolderPresence(tmp_path / "file").records() == []
    assert atomic_file.WRITING not in str(list(tmp_path.rglob("*")))
