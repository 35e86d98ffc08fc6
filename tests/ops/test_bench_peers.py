"""What `make bench-peers` runs: other servers, in environments with the libraries that the models are made with."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bench import cells, models
from bench.foreign import dialects, environments, running
from bench.foreign.environments import LeftOut
from bench.foreign.peers import PEERS, Peer, Place

ROOT = Path(__file__).resolve().parents[2]
SAME = ("scikit-learn", "joblib", "numpy")
ROWS = [[1.0, 2.0], [3.0, 4.0]]


def pins(path):
    """The pinned requirements, markers included, and for each whether it has a hash."""
    return re.findall(r"^([a-z0-9.\[\]-]+==[^\\\n]+?) *\\?\n( +--hash=sha256:)?", path.read_text(), re.MULTILINE)


def started(command, folder):
    """A server that another project could have, from its command."""
    place = Place(Path(sys.executable).parent, folder, folder, os.environ, 1)
    return running._started(Peer("Other", "other", dialects.NAMED, lambda _place: command), place, running.MODELS)


def runs(pid):
    """Whether there is such a process that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.package)
def test_every_server_has_the_pinned_libraries_of_its_models(peer):
    ours = {pin for pin, _hash in pins(ROOT / "requirements.txt") if pin.partition("==")[0] in SAME}
    theirs = pins(environments.REQUIREMENTS / f"{peer.package}.txt")
    assert ours <= {pin for pin, _hash in theirs}
    assert all(found for _pin, found in theirs)
    assert environments.version(peer.package)[0].isdigit()


def test_a_server_that_ends_at_its_start_is_left_out_and_its_log_is_named(tmp_path):
    with pytest.raises(LeftOut, match=str(tmp_path / "server.log")):
        started([sys.executable, "-c", "print('no', flush=True)"], tmp_path).__enter__()
    assert (tmp_path / "server.log").read_text() == "no\n"


@pytest.mark.timeout(60)
def test_processes_that_a_server_leaves_behind_end_with_it(tmp_path):
    worker = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(3600)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {worker!r}, sys.argv[1]])"
    with running._tree([sys.executable, "-c", program, str(tmp_path / "up")], os.environ, tmp_path / "log") as process:
        while not (tmp_path / "up").exists():
            time.sleep(0.01)
        told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, check=True)
    worker = int(told.stdout)
    while runs(worker):  # it is killed, and may take a moment to be gone
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("dialect", "answer"),
    [
        (dialects.TENSORFLOW, {"predictions": [0, 1]}),
        (dialects.OPEN_INFERENCE, {"outputs": [{"data": [0, 1]}]}),
        (dialects.MLFLOW, {"predictions": [0, 1]}),
        (dialects.NAMED, {"predictions": [0, 1]}),
        (dialects.NAMED_ARRAY, [0, 1]),
    ],
)
def test_the_predictions_are_found_in_each_answer(dialect, answer):
    assert dialect.read(answer) == [0, 1]
    assert json.dumps(ROWS) in json.dumps(dialect.body("any", ROWS))


def test_an_answer_that_differs_from_the_models_is_told():
    class Server:
        name = "Other"

        def ask(self, *_):
            return 200, b"[0, 2]"

    cell = cells.Cell(Server(), "a case", "POST", "/", "{}")
    assert cells.mistake(cell, [0, 2], dialects.NAMED_ARRAY.read) == ""
    assert "Other answers a case wrongly: 200 b'[0, 2]'" in cells.mistake(cell, [0, 1], dialects.NAMED_ARRAY.read)


def test_the_cases_are_one_row_of_each_model_and_1000_rows():
    assert sorted({case.rows for case in running.CASES}) == [1, 1000]
    assert set(running.MODELS) == set(models.trained())
    assert all(np.shape(models.rows(case))[0] == case.rows for case in running.CASES)
