"""Everything is tried in a real confined process, once; each test reads how one thing ended."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from model_store.confinement import environment, kernel
from model_store.confinement.calls import MACHINES
from model_store.confinement.parts import Part
from model_store.confinement.probe import probed
from tests.model_store.confinement import inside

ROOT = Path(__file__).resolve().parents[3]
ALL = {part.value: True for part in Part}
BY = {
    "files": "reads lists moves links removes writes changes cuts",
    "calls": "makes slows signals traces connects starts forks becomes raises asks",
    "descriptors": "uses",
    "limits": "takes",
}
"""Which part refuses a deed, by the deed's first word."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what confines is Linux's")


def responsible(deed):
    if deed in {"reads another process's memory", "changes a key's times"}:
        return "calls"
    return next(part for part, words in BY.items() if deed.split()[0] in words.split())


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with a forest and a boosting that have seen some rows, and what they answer."""
    folder = tmp_path_factory.mktemp("version")
    rows = np.random.default_rng(0).normal(size=(200, 4))
    classes = (rows[:, 0] > 0).astype(int)
    forest = RandomForestClassifier(n_estimators=5, random_state=0).fit(rows, classes)
    boosting = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(rows, classes)
    joblib.dump((forest, rows), folder / "model.joblib")
    joblib.dump((boosting, rows), folder / "boosting.joblib")
    return folder, {"forest": forest.predict(rows).tolist(), "histogram": boosting.predict(rows).tolist()}


@pytest.fixture(scope="module")
def told(models, tmp_path_factory):
    """What the confined process says."""
    tmp_path = tmp_path_factory.mktemp("confined")
    (tmp_path / "keys").mkdir()
    (tmp_path / "scratch").mkdir()
    (tmp_path / "keys" / "sealing").write_text("secret")
    here, there = socket.socketpair()
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as listening,
        (tmp_path / "keys" / "sealing").open("rb") as left_open,
        here,
        there,
    ):
        listening.bind(str(tmp_path / "socket"))
        listening.listen()
        facts = {
            "version": str(models[0]),
            "scratch": str(tmp_path / "scratch"),
            "key": str(tmp_path / "keys" / "sealing"),
            "port": server.getsockname()[1],
            "unix": str(tmp_path / "socket"),
            "inherited": there.fileno(),
            "left_open": left_open.fileno(),
        }
        run = subprocess.run(
            [sys.executable, "-P", inside.__file__, json.dumps(facts)],
            env=environment.bare(tmp_path / "scratch", [str(ROOT)]),
            pass_fds=(there.fileno(), left_open.fileno()),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert run.returncode == 0, run.stderr
        answer = json.loads(run.stdout)
        answer["heard"] = here.recv(100).decode()
        answer["scratch"] = facts["scratch"]
    assert (tmp_path / "keys" / "sealing").read_text() == "secret"
    assert sorted(path.name for path in models[0].iterdir()) == ["boosting.joblib", "model.joblib"]
    return answer


def has_landlock():
    try:
        return kernel.call(444, 0, 0, 1) >= 1
    except OSError:
        return False


def has_filters():
    return os.uname().machine in MACHINES and Path("/proc/sys/kernel/seccomp/actions_avail").exists()


def test_what_is_reported_is_what_this_kernel_offers(told):
    assert told["held"] == ALL | {"files": has_landlock(), "calls": has_filters()}


def test_the_kernel_says_the_same(told):
    assert told["status"]["NoNewPrivs"] == "1"
    assert told["status"]["Seccomp"] == ("2" if told["held"]["calls"] else "0")
    assert {told["status"]["CapEff"], told["status"]["CapPrm"]} == {"0" * 16}


def test_a_process_that_is_only_asked_reports_the_same(told):
    assert probed() == told["held"]


def test_no_variable_is_left_but_those_that_it_was_started_with(told):
    assert set(told["variables"]) <= environment._ALLOWED


@pytest.mark.parametrize("deed", inside.REFUSED)
def test_in_a_confined_process_nothing(deed, told):
    part = responsible(deed)
    if not told["held"][part]:
        pytest.skip(f"this kernel does not offer what {part!r} needs")
    expected = {"limits": {"MemoryError"}, "descriptors": {"OSError"}}.get(part, {"PermissionError"})
    if deed == "raises a limit":
        expected = {"PermissionError", "ValueError"}  # what Python makes of it
    if deed in {"moves a key into its folder", "links a key into its folder"}:
        expected = {"OSError", "PermissionError"}  # EXDEV, as between two disks
    assert told["refused"][deed][0] in expected, told["refused"][deed]


@pytest.mark.parametrize("deed", inside.WORKS)
def test_a_confined_process_still(deed, told, models):
    expected = {
        "makes temporary files in its folder": told["scratch"],
        "has threads": [1, 2],
        "takes joblib's threads for one": [1, 2],
        "multiplies matrices": 600.0**3,
        "knows time zones": "1:00:00",
        "loads and predicts a forest": models[1]["forest"],
        "loads and predicts with a histogram": models[1]["histogram"],
        "writes to a null device": 1,
        "signals itself": "None",
        "talks through the inherited socket": 5,
    }.get(deed, True)
    assert told["works"][deed] == ["did", expected]


def test_the_inherited_socket_brings_what_was_sent(told):
    assert told["heard"] == "hello"
