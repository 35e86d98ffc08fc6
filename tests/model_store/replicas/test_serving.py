"""Who serves a version, by what workers say."""

import pytest

from model_store import channels, publish
from model_store.errors import NotServed
from model_store.replicas import serving
from model_store.replicas.announcements import AnnouncedModel, Announcement
from model_store.replicas.folder import FolderPresence
from model_store.replicas.locations import announced, first_presence, presence_beside
from model_store.replicas.presence import Record
from model_store.replicas.states import State, VersionState


def worker(pid, *, stable=None, generation=2, replica="one", **states):
    """A worker's announcement of `iris`, whose versions are given as `v1=State.READY`."""
    told = {int(v[1:]): VersionState(state, "why" * (state is State.FAILED)) for v, state in states.items()}
    pointers = {} if stable is None else {"stable": stable}
    return Announcement(replica, pid, 0.0, 0.0, 0, True, {"iris": AnnouncedModel(generation, pointers, told)})


@pytest.fixture
def moved(store, key, open_gate, iris):
    """A store whose stable version has moved from 1 to 2."""
    for version in (1, 2):
        publish(store, "iris", *iris, sealing_key=key, gate=open_gate)
        channels.promote(store, "iris", version, "tests")
    return store


BEFORE = worker(1, stable=1, generation=1, v1=State.READY)
LOADING = worker(1, stable=1, v1=State.READY, v2=State.LOADING)
AFTER = worker(1, stable=2, v2=State.READY)


def waited(store, *turns, version=2, seconds=60.0):
    """Wait while workers say one of ``turns`` after the other; what came of it, and the progress."""
    left, steps = list(turns), []
    found = serving.wait(store, lambda: left.pop(0), "iris", version, seconds=seconds, progress=steps.append)
    assert not left
    return found, steps


def test_it_waits_until_every_worker_answers_with_the_version(moved):
    other = worker(7, stable=2, replica="two", v2=State.READY)
    found, steps = waited(moved, [BEFORE], [LOADING, BEFORE], [LOADING, other], [LOADING, other], [AFTER, other])
    assert (found.workers, found.replicas) == (2, ("one", "two"))
    assert steps == [f"{n} of {m} workers answer with version 2" for n, m in ((0, 1), (0, 2), (1, 2))]


def test_it_does_not_wait_for_replicas_that_are_not_there(moved):
    found, steps = waited(moved, [])
    assert (found.workers, steps) == (0, [])


def test_a_worker_that_has_not_seen_the_model_yet_does_not_serve(moved):
    new = Announcement("one", 1, 0.0, 0.0, 0, True, {})
    assert waited(moved, [new], [AFTER])[1] == ["0 of 1 workers answer with version 2"]


def test_a_version_that_was_loaded_before_and_is_not_stable_there_is_not_served(moved):
    beside = worker(1, stable=1, v1=State.READY, v2=State.READY)
    assert waited(moved, [beside], [AFTER])[1] == ["0 of 1 workers answer with version 2"]


def test_it_ends_with_the_reason_of_a_worker_that_cannot_load_the_version(moved):
    failed = worker(5, stable=1, v1=State.READY, v2=State.FAILED)
    with pytest.raises(NotServed, match="1 of 2 workers cannot load it: one, process 5: why"):
        waited(moved, [AFTER, failed])


def test_a_failure_before_the_pointer_moved_is_old(moved):
    old = worker(1, stable=1, generation=1, v1=State.READY, v2=State.FAILED)
    assert waited(moved, [old], [AFTER])[0].serving == 1


def test_it_ends_when_another_version_is_made_stable(moved):
    channels.promote(moved, "iris", 1, "somebody")
    with pytest.raises(NotServed, match="version 1 was made stable meanwhile"):
        waited(moved, [BEFORE])


def test_it_ends_when_time_is_up(moved):
    with pytest.raises(NotServed, match="after 0 s 0 of 1 workers answer with version 2"):
        waited(moved, [LOADING], seconds=0)


def test_what_workers_say_is_found_next_to_the_store_and_of_the_first_release_in_it(tmp_path):
    root = tmp_path / "models"
    word = (
        b'{"format": 1, "replica": "%s", "pid": %d, "started": 0, "at": 0, "memory": 0, "settled": true, "models": {}}'
    )
    first_presence(root).announce(Record("old", 1, word % (b"old", 1)))
    for presence in (FolderPresence(presence_beside(root)), first_presence(root)):
        presence.announce(Record("new", 2, word % (b"new", 2)))
    assert [(one.replica, one.pid) for one in announced(root, presence_beside(root))] == [("new", 2), ("old", 1)]
