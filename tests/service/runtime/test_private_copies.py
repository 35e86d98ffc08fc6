"""Arrays are mapped from one copy that all workers of a replica share, and that goes with the last of them."""

import os
import resource
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from model_store.batch import Batch
from model_store.errors import SealBroken
from model_store.plans import files
from service.runtime.catalog import Catalog
from service.runtime.limits import Limits
from service.runtime.loader import Loader
from service.runtime.private_copies import CopyLost, PrivateCopies
from service.runtime.watcher import Watcher

SAMPLE = np.arange(30.0).reshape(10, 3) ** 2
ROWS = Batch(10, matrix=SAMPLE)

WORKER = """
import gc, resource, sys
from pathlib import Path

import numpy as np

from model_store.batch import Batch
from model_store.stores.folder import FolderStore
from service.runtime.loader import Loader
from service.runtime.private_copies import PrivateCopies

gc.disable()  # what a worker holds at its start is frozen, so that no collector frees it
root, trusted, folder, largest = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), int(largest)))
loader = Loader(FolderStore(Path(root)), Path(trusted), copies=PrivateCopies(Path(folder)))
model = loader.warm(loader.open("line", 1, lambda _: None), lambda _: None)
rows = Batch(10, matrix=np.arange(30.0).reshape(10, 3) ** 2)
print(model.engine.name, model.predict(rows, ("predict_proba",))["predict_proba"].tobytes().hex(), flush=True)
for line in sys.stdin:
    del model
    print("dropped", flush=True)
"""

FORKING = """
import os, sys
from pathlib import Path

from model_store.stores.folder import FolderStore
from service.runtime.loader import Loader
from service.runtime.private_copies import PrivateCopies

root, trusted, folder = sys.argv[1:]
loader = Loader(FolderStore(Path(root)), Path(trusted), copies=PrivateCopies(Path(folder)))
opened = loader.open("line", 1, lambda _: None)

def maps():
    return {line.split()[4] for line in Path("/proc/self/maps").read_text().splitlines() if folder in line}

for _ in range(2):
    if not os.fork():
        model = loader.warm(opened, lambda _: None)
        print("worker", *maps(), flush=True)
        os._exit(0)
    os.wait()
print("master", *maps())
"""


@pytest.fixture
def line(workshop):
    """A compiled version, and what it answers to ROWS."""
    estimator = LogisticRegression().fit(SAMPLE / 100, np.arange(10) // 4)
    assert workshop.add("line", estimator, SAMPLE) == 1
    return estimator.predict_proba(SAMPLE).tobytes()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run" / "arrays"


@pytest.fixture
def loader(workshop, folder):
    return Loader(workshop.store, workshop.trusted, copies=PrivateCopies(folder))


def loaded(loader):
    return loader.warm(loader.open("line", 1, lambda _: None), lambda _: None)


def answer(model):
    return model.predict(ROWS, ("predict_proba",))["predict_proba"].tobytes()


@contextmanager
def worker(workshop, folder, largest=resource.RLIM_INFINITY):
    command = [sys.executable, "-c", WORKER, workshop.root, workshop.trusted, folder, str(largest)]
    process = subprocess.Popen(
        command, cwd=Path(__file__).parents[3], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def told(process):
    """The engine and the bytes that a worker has answered."""
    engine, answered = process.stdout.readline().split()
    return engine, bytes.fromhex(answered)


def drop(process):
    process.stdin.write("drop\n")
    process.stdin.flush()
    assert process.stdout.readline() == "dropped\n"


def mapped(pid, folder):
    """The inodes of what a process maps from a folder."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {int(line.split()[4]) for line in lines if str(folder) in line}


def names(folder):
    return [path.name for path in folder.iterdir()]


needs_proc = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not show what is mapped")


@needs_proc
def test_two_workers_map_one_copy_that_is_for_their_user_alone(workshop, line, folder):
    with worker(workshop, folder) as one, worker(workshop, folder) as other:
        assert told(one) == told(other) == ("compiled", line)
        sealed = workshop.store.manifest("line", 1).files[files.ARRAYS]
        assert names(folder) == [sealed.sha256]
        copy = folder / sealed.sha256
        assert mapped(one.pid, folder) == mapped(other.pid, folder) == {copy.stat().st_ino}
        assert not mapped(one.pid, workshop.root)
        assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(copy.stat().st_mode)) == (0o700, 0o400)
    assert names(folder) == [], "the last worker has taken it along"


@needs_proc
def test_forked_workers_map_what_the_master_copied_and_does_not_map(workshop, line, folder):
    command = [sys.executable, "-c", FORKING, workshop.root, workshop.trusted, folder]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=100, check=True
    )
    inode = str(next(folder.iterdir()).stat().st_ino)
    assert done.stdout.splitlines() == [f"worker {inode}", f"worker {inode}", "master"]


def test_a_copy_goes_once_no_worker_has_the_version_any_more(workshop, line, folder):
    with worker(workshop, folder) as one, worker(workshop, folder) as other:
        assert told(one) == told(other)
        drop(one)
        assert len(names(folder)) == 1
        drop(other)
        assert names(folder) == []


def test_the_copy_of_a_version_that_is_retired_goes_and_that_of_the_next_one_stays(workshop, loader, line, folder):
    workshop.promote("line", 1)
    watcher = Watcher(workshop.store, loader, Catalog(), workshop.announcer(), Limits(watch=0.05))
    watcher.boot()
    (first,) = names(folder)
    workshop.add("line", LogisticRegression().fit(SAMPLE / 100, np.arange(10) // 3), SAMPLE, promote=True)
    assert eventually(watcher, lambda: first not in names(folder))
    assert names(folder) == [workshop.store.manifest("line", 2).files[files.ARRAYS].sha256]


def eventually(watcher, condition):
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        watcher.turn(0.05)
    return condition()


def test_what_killed_workers_leave_goes_at_the_next_start_and_what_others_hold_stays(workshop, line, folder):
    with worker(workshop, folder) as killed:
        told(killed)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    (folder / ".writing-1").write_bytes(b"half")
    assert len(names(folder)) == 2
    with worker(workshop, folder) as living:
        told(living)
        PrivateCopies(folder).tidy()
        assert len(names(folder)) == 1
        living.send_signal(signal.SIGKILL)
    PrivateCopies(folder).tidy()
    assert names(folder) == []


def test_a_damaged_copy_is_made_again(loader, line, folder):
    first = loaded(loader)
    copy = next(folder.iterdir())
    before, content = copy.stat().st_ino, copy.read_bytes()
    copy.chmod(0o600)
    with copy.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(bytes([content[-1] ^ 1]))
    second = loaded(loader)
    assert answer(second) == line
    assert [path.name for path in folder.iterdir()] == [copy.name]
    assert copy.stat().st_ino != before
    assert copy.read_bytes() == content
    del first, second
    assert names(folder) == []


@pytest.mark.parametrize("lose", [Path.unlink, lambda copy: os.truncate(copy, 10), lambda copy: copy.write_bytes(b"x")])
def test_a_copy_that_is_lost_before_it_is_mapped_is_made_again(loader, line, folder, lose):
    opened = loader.open("line", 1, lambda _: None)
    copy = next(folder.iterdir())
    copy.chmod(0o600)
    lose(copy)
    with pytest.raises((CopyLost, FileNotFoundError)):
        opened.plan.arrays.mapped()
    model = loader.warm(opened, lambda _: None)
    assert answer(model) == line


def test_a_copy_that_changes_while_it_keeps_its_length_is_not_mapped(loader, line, folder):
    opened = loader.open("line", 1, lambda _: None)
    copy = next(folder.iterdir())
    content = copy.read_bytes()
    copy.chmod(0o600)
    assert len(opened.plan.arrays.mapped()) == len(content), "it is compared again, and is whole"
    copy.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(CopyLost, match="changed"):
        opened.plan.arrays.mapped()


def test_without_room_the_arrays_are_held_in_memory(workshop, line, folder, caplog):
    model = loaded(Loader(workshop.store, workshop.trusted, copies=PrivateCopies(folder, room=2**62)))
    assert answer(model) == line
    assert "No space left on device" in caplog.text
    assert names(folder) == []


def test_a_disk_that_fills_while_arrays_are_copied_leaves_nothing_and_they_are_held_in_memory(workshop, line, folder):
    with worker(workshop, folder, largest=100) as process:
        assert told(process) == ("compiled", line)
        assert names(folder) == []


def test_arrays_in_the_store_that_are_not_those_that_were_sealed_are_refused(workshop, loader, line, folder):
    arrays = workshop.store.version_folder("line", 1) / files.ARRAYS
    content = arrays.read_bytes()
    arrays.chmod(0o644)
    arrays.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(SealBroken, match=r"arrays\.npy is not what was sealed"):
        loader.open("line", 1, lambda _: None)
    assert names(folder) == []


@pytest.mark.parametrize("file", [files.PLAN, "golden.npz", "profile.json"])
def test_every_other_file_of_a_compiled_version_has_to_be_whole(workshop, loader, line, folder, file):
    (workshop.store.version_folder("line", 1) / file).unlink()
    with pytest.raises(SealBroken, match=file):
        loader.open("line", 1, lambda _: None)
    assert not folder.exists()


def test_a_damaged_artifact_does_not_keep_a_compiled_version_from_serving(workshop, loader, line):
    artifact = workshop.store.version_folder("line", 1) / "artifact.skops"
    artifact.unlink()
    model = loaded(loader)
    assert (model.engine.name, answer(model)) == ("compiled", line)


@pytest.mark.parametrize("damaged", [False, True])
def test_a_damaged_artifact_is_found_when_the_estimator_is_loaded(workshop, loader, line, damaged):
    store = workshop.store.version_folder("line", 1)
    plan = (store / files.PLAN).read_bytes()
    (store / files.PLAN).chmod(0o644)
    (store / files.PLAN).write_bytes(plan.replace(b'"kind": "', b'"kind": "of_a_later_release_', 1))
    workshop.seal_again("line", 1)
    if not damaged:
        assert loaded(loader).engine.name == "scikit-learn"
        return
    (store / "artifact.skops").chmod(0o644)
    os.truncate(store / "artifact.skops", 1000)
    opened = loader.open("line", 1, lambda _: None)
    with pytest.raises(SealBroken, match=r"artifact\.skops"):
        loader.warm(opened, lambda _: None)


@pytest.mark.parametrize("lacking", [False, True])
def test_a_plan_of_a_later_format_or_without_arrays_leaves_the_version_to_its_estimator(
    workshop, loader, line, caplog, lacking
):
    store = workshop.store.version_folder("line", 1)
    if lacking:
        (store / files.ARRAYS).unlink()
    else:
        (store / files.PLAN).chmod(0o644)
        (store / files.PLAN).write_bytes(b'{"format": 2, "all": "is new"}')
    workshop.seal_again("line", 1)
    model = loaded(loader)
    assert model.engine.name == "scikit-learn"
    assert ("plan.json is of format 2: this release reads format 1: the estimator is loaded" in caplog.text) != lacking


def test_without_a_folder_copies_are_in_a_temporary_one_that_goes_with_them(workshop, line):
    copies = PrivateCopies()
    loader = Loader(workshop.store, workshop.trusted, copies=copies)
    folder = loader.open("line", 1, lambda _: None).plan.arrays.path.parent
    assert len(names(folder)) == 1
    del loader, copies
    assert not folder.exists()
