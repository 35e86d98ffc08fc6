"""The store in a folder: it keeps the contract, also when writers come together or die at any moment."""

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from model_store import channels, publish, seal
from model_store.errors import InUse, StoreError, UnknownModel, UnknownVersion
from model_store.lifecycle.retire import retire
from model_store.seal import TrustedKeys
from model_store.stores.folder import FolderStore
from tests.model_store.gate.fakes import ClosedGate
from tests.model_store.stores.contract import StoreContract
from tests.model_store.stores.versions import add

REPOSITORY = Path(__file__).parents[3]

DRIVER = """
import os, signal, sys
import numpy as np
from pathlib import Path
from sklearn.linear_model import LinearRegression
from model_store import publish
from model_store.lifecycle import retire
from model_store.stores.folder import FolderStore
from tests.model_store.gate.fakes import OpenGate

root, key, moments = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
rows = np.arange(20.0).reshape(10, 2)
model = LinearRegression().fit(rows, rows[:, 0])
publish(root, "m", model, rows, sealing_key=key, promote=True, gate=OpenGate())
EVENTS = ("open", "os.", "shutil.", "fcntl.")

def dies_at(moment):
    count = 0
    def hook(event, arguments):
        nonlocal count
        if event.startswith(EVENTS):
            count += 1
            if count == moment:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)
    publish(root, "m", model, rows, sealing_key=key, promote=True, gate=OpenGate())
    versions = FolderStore(root).versions("m")
    if len(versions) > 3:
        retire.retire(FolderStore(root), "m", versions[0])
    os._exit(0)

for moment in range(1, moments):
    child = os.fork()
    if not child:
        dies_at(moment)
    _, status = os.waitpid(child, 0)
    print(moment, os.WIFSIGNALED(status), flush=True)
    if not os.WIFSIGNALED(status):
        break
"""


def run(code: str, *arguments) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )


def assert_readable(store: FolderStore, trusted: TrustedKeys) -> None:
    """Every version that is listed is whole, and every pointer names one of them."""
    for name in store.models():
        versions = store.versions(name)
        for version in versions:
            assert seal.verify(store.version_folder(name, version), trusted).version == version
        assert channels.read(store, name).named() <= set(versions)


class TestFolderStore(StoreContract):
    """Its fixture `store` is that of all tests here."""


def test_a_publisher_killed_at_any_moment_leaves_a_readable_store(store, key, trusted, tmp_path):
    driver = run(DRIVER, store.disk, tmp_path / "keys" / "sealing.pem", 1000)
    seen, killed = 0, 0
    for line in driver.stdout:
        seen += 1
        killed += line.split()[1] == "True"
        assert_readable(store, trusted)
    assert driver.wait() == 0
    assert killed > 40  # each of them at another moment
    assert killed == seen - 1  # the last one got through
    with store.staging("m") as folder:
        left = sorted(path.name for path in store.model_folder("m").iterdir() if path.name.startswith("."))
        assert left == [".highest-removed", ".lock", folder.name]


CRASHING = """
import sys, numpy as np
from pathlib import Path
from sklearn.linear_model import LinearRegression
from model_store import publish
rows = np.arange(20.0).reshape(10, 2)
model = LinearRegression().fit(rows, rows[:, 0])
print("ready", flush=True)
publish(Path(sys.argv[1]), "m", model, rows, sealing_key=Path(sys.argv[2]), promote=True)
"""


@pytest.mark.parametrize("seconds", [0.02, 0.3, 1.5])
def test_a_whole_publication_killed_after_a_while_leaves_a_readable_store(store, key, trusted, tmp_path, seconds):
    process = run(CRASHING, store.disk, tmp_path / "keys" / "sealing.pem")
    assert process.stdout.readline() == "ready\n"
    time.sleep(seconds)
    process.kill()
    process.wait()
    assert_readable(store, trusted)


MANY = """
import sys, numpy as np
from pathlib import Path
from sklearn.linear_model import LinearRegression
from model_store import publish
from tests.model_store.gate.fakes import OpenGate
rows = np.arange(20.0).reshape(10, 2)
model = LinearRegression().fit(rows, rows[:, 0])
print("ready", flush=True)
sys.stdin.readline()
root, key = Path(sys.argv[1]), Path(sys.argv[2])
print(*[publish(root, "m", model, rows, sealing_key=key, gate=OpenGate()) for _ in range(10)])
"""


def test_publishers_at_the_same_time_get_different_numbers(store, key, trusted, tmp_path):
    publishers = [
        subprocess.Popen(
            [sys.executable, "-c", MANY, store.disk, tmp_path / "keys" / "sealing.pem"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for publisher in publishers:
        assert publisher.stdout.readline() == "ready\n"
    numbers = []
    for publisher in publishers:
        publisher.stdin.write("go\n")
        publisher.stdin.flush()
    for publisher in publishers:
        numbers += map(int, publisher.communicate()[0].split())
        assert publisher.returncode == 0
    assert sorted(numbers) == list(range(1, 31)) == store.versions("m")
    assert_readable(store, trusted)


AS_IN_THE_FIRST_RELEASE = """
import fcntl, json, os, sys
from pathlib import Path
model = Path(sys.argv[1])
for i in range(60):
    lock = os.open(model / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(lock, fcntl.LOCK_EX)
    document = json.loads((model / "channels.json").read_bytes())
    document["labels"][f"old{i}"] = 1
    document["generation"] += 1
    (model / ".writing-old").write_text(json.dumps(document))
    (model / ".writing-old").replace(model / "channels.json")
    os.close(lock)
"""


def test_changes_by_processes_of_the_first_release_and_of_this_one_are_all_kept(store, key):
    add(store, key)
    channels.promote(store, "m", 1, "t")
    old = run(AS_IN_THE_FIRST_RELEASE, store.model_folder("m"))
    made = 0
    while old.poll() is None:
        channels.set_label(store, "m", f"new{made}", 1, "t")
        made += 1
    assert old.returncode == 0
    now = channels.read(store, "m")
    assert len(now.labels) == 60 + made
    assert now.generation == 61 + made


def test_reading_an_empty_store_creates_nothing(store):
    assert store.models() == []
    with pytest.raises(UnknownModel):
        store.versions("m")
    assert channels.read(store, "m") == channels.Channels()
    assert store.pointers("m").data is None
    assert not store.disk.exists()


def test_half_written_and_foreign_things_are_not_listed(store, published):
    model = published.parent
    for name in ("02", "0", "x", "-1", "9" * 30, ".staging-1", "1.5"):
        (model / name).mkdir()
    (model / "7").write_text("a file")
    (model / "8").symlink_to(published)
    (store.disk / ".replicas").mkdir()
    (store.disk / "empty").mkdir()
    (store.disk / "a b").mkdir()
    (store.disk / "file").write_text("")
    assert store.models() == ["iris"]
    assert store.versions("iris") == [1]
    with pytest.raises(UnknownVersion):
        store.version_folder("iris", 8)


def test_the_files_of_a_version_cannot_be_written_by_accident(published):
    assert {path.stat().st_mode & 0o777 for path in published.iterdir()} == {0o444}
    assert published.stat().st_mode & 0o777 == 0o755


def test_a_failed_publication_leaves_nothing(store, key, iris):
    with pytest.raises(StoreError):
        publish(store, "iris", *iris, sealing_key=key, gate=ClosedGate())
    assert store.models() == []
    assert [path.name for path in store.model_folder("iris").iterdir()] == [".lock"]


def test_the_number_of_a_retired_version_is_never_used_again(store, key, iris, open_gate):
    for expected in (1, 2):
        assert publish(store, "iris", *iris, sealing_key=key, gate=open_gate) == expected
    retire(store, "iris", 2)
    retire(store, "iris", 1)
    assert store.models() == []
    assert publish(store, "iris", *iris, sealing_key=key, gate=open_gate) == 3
    assert store.versions("iris") == [3]


def test_a_version_that_is_named_cannot_be_retired(store, published):
    for name, point in {
        "stable": lambda: channels.promote(store, "iris", 1, "t"),
        "label best": lambda: channels.set_label(store, "iris", "best", 1, "t"),
    }.items():
        point()
        with pytest.raises(InUse, match=name):
            retire(store, "iris", 1)
    assert store.versions("iris") == [1]


def test_retiring_what_is_not_there_says_so(store, published):
    with pytest.raises(UnknownVersion):
        retire(store, "iris", 9)
    with pytest.raises(UnknownModel):
        retire(store, "none", 1)
