import json
import os
import time

import pytest

from model_store import channels
from model_store.channels import Channels
from service.runtime import announcements
from service.runtime.announcements import Announcer, converged, read
from service.runtime.catalog import ServedModel, Snapshot
from service.runtime.states import State, VersionState

READY = VersionState(State.READY)


def snapshot(generation=1, stable=1, states=None):
    served = ServedModel(
        "m",
        Channels(stable=stable, generation=generation),
        states={1: READY, 2: VersionState()} if states is None else states,
        pointers={"stable": stable},
    )
    return Snapshot({"m": served})


def grow_old(root):
    old = time.time() - announcements.STALE - 1
    for path in root.rglob("*.json"):
        os.utime(path, (old, old))


def test_what_a_worker_announces_can_be_read(tmp_path):
    Announcer(tmp_path, "replica-1", tmp_path / "run").announce(snapshot(), settled=True)
    (told,) = read(tmp_path)
    assert (told.replica, told.pid, told.settled) == ("replica-1", os.getpid(), True)
    assert told.memory > 0
    assert told.started <= told.at
    assert told.models["m"].generation == 1
    assert told.models["m"].stable == 1
    assert told.models["m"].states == {1: READY}


def test_a_worker_that_falls_silent_counts_as_gone(tmp_path):
    Announcer(tmp_path, "replica-1", tmp_path / "run").announce(snapshot(), settled=True)
    grow_old(tmp_path)
    assert not read(tmp_path)


def test_what_a_killed_worker_left_is_swept_by_the_next_one(tmp_path):
    left = tmp_path / ".replicas" / "replica-1" / "1.json"
    left.parent.mkdir(parents=True)
    left.write_text("{}")
    grow_old(tmp_path)
    Announcer(tmp_path, "replica-1", tmp_path / "run").announce(snapshot(), settled=True)
    assert not left.exists()


def test_a_dead_worker_s_announcement_can_be_taken_back_by_its_master(tmp_path):
    announcer = Announcer(tmp_path, "replica-1", tmp_path / "run")
    announcer.announce(snapshot(), settled=True)
    Announcer(tmp_path, "replica-1", tmp_path / "run").withdraw(os.getpid())
    assert not read(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"format": 2}', '{"format": 1, "models": 5}'])
def test_a_file_that_announces_nothing_is_passed_over(tmp_path, content):
    folder = tmp_path / ".replicas" / "replica-1"
    folder.mkdir(parents=True)
    (folder / "1.json").write_text(content)
    assert not read(tmp_path)


def test_a_replica_s_name_cannot_lead_out_of_the_store(tmp_path):
    root = tmp_path / "a" / "b"
    Announcer(root, "../../../x", root / "run").announce(snapshot(), settled=True)
    assert [told.replica for told in read(root)] == ["../../../x"]
    assert list(tmp_path.rglob("*.json")) == list((root / ".replicas").rglob("*.json"))


def test_where_the_store_is_read_only_the_run_folder_serves(tmp_path, monkeypatch, caplog):
    store, run = tmp_path / "store", tmp_path / "run"

    def refused(path, body, write=announcements._replace):
        if path.is_relative_to(store):
            raise PermissionError(13, "read-only")
        write(path, body)

    monkeypatch.setattr(announcements, "_replace", refused)
    caplog.set_level("INFO", announcements.log.name)
    announcer = Announcer(store, "replica-1", run)
    announcer.announce(snapshot(), settled=True)
    announcer.announce(snapshot(), settled=True)
    assert not read(store)
    assert read(store, run)
    assert len([record for record in caplog.records if "announces itself" in record.message]) == 1


def test_a_full_disk_does_not_silence_a_worker(tmp_path, monkeypatch):
    announcer = Announcer(tmp_path, "replica-1", tmp_path / "run")
    announcer.announce(snapshot(), settled=True)
    grow_old(tmp_path)

    def full(path, body):
        raise OSError(28, "no space left")

    monkeypatch.setattr(announcements, "_replace", full)
    announcer.announce(snapshot(), settled=True)
    assert read(tmp_path)


def test_workers_converge_when_all_follow_the_store(workshop):
    workshop.constant("m", promote=True)
    workshop.constant("m")
    announcer = workshop.announcer()
    assert not converged(workshop.store, read(workshop.root), "m"), "nobody is there"
    announcer.announce(snapshot(generation=1), settled=True)
    assert converged(workshop.store, read(workshop.root), "m")
    workshop.promote("m", 2)
    assert not converged(workshop.store, read(workshop.root), "m")
    announcer.announce(snapshot(2, 2, {1: VersionState(State.DRAINING), 2: READY}), settled=True)
    assert converged(workshop.store, read(workshop.root), "m")


def test_one_worker_that_lags_is_enough_not_to_have_converged(workshop):
    workshop.constant("m", promote=True)
    workshop.announcer().announce(snapshot(generation=1), settled=True)
    workshop.announcer("replica-2").announce(snapshot(generation=0), settled=True)
    assert not converged(workshop.store, read(workshop.root), "m")


def test_a_model_that_is_gone_has_converged_when_nobody_has_it(workshop):
    workshop.announcer().announce(snapshot(), settled=True)
    assert not converged(workshop.store, read(workshop.root), "m")
    workshop.announcer().announce(Snapshot(), settled=True)
    assert converged(workshop.store, read(workshop.root), "m")


def test_waiting_ends_at_once_when_a_worker_has_failed(workshop):
    workshop.constant("m", promote=True)
    failed = {1: VersionState(State.FAILED, "why")}
    workshop.announcer().announce(snapshot(states=failed), settled=True)
    began = time.monotonic()
    assert not announcements.await_convergence(workshop.store, "m", 30)
    assert time.monotonic() - began < 10
    assert announcements.failures(workshop.store, read(workshop.root), "m") == {1: "why"}


def test_waiting_ends_after_its_time(workshop):
    workshop.constant("m", promote=True)
    assert not announcements.await_convergence(workshop.store, "m", 0.2)


def test_an_unloaded_model_has_converged_when_nobody_has_a_version_ready(workshop):
    workshop.constant("m", promote=True)
    now = channels.unload(workshop.store, "m", "tests")
    announcer = workshop.announcer()
    announcer.announce(snapshot(generation=now.generation), settled=True)
    assert not converged(workshop.store, read(workshop.root), "m")
    retired = ServedModel("m", now, states={1: VersionState(State.RETIRED)})
    announcer.announce(Snapshot({"m": retired}), settled=True)
    assert converged(workshop.store, read(workshop.root), "m")


def test_announcements_are_whole_json_in_a_known_format(tmp_path):
    Announcer(tmp_path, "replica-1", tmp_path / "run").announce(snapshot(), settled=False)
    (path,) = tmp_path.rglob("*.json")
    assert json.loads(path.read_bytes())["format"] == 1
