"""Clients that others wrote, unmodified, against the stack through Nginx, each in an environment of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.running import ROOT, Stack

CLIENTS = Path(__file__).parent / "clients"
PYTHON = "3.11"  # what all of these clients can run on


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """MLflow's client cannot send a token: one model is open to everyone, and answers where none is named."""
    stack = Stack(tmp_path_factory.mktemp("clients"), PUBLIC_MODELS="progression", DEFAULT_MODEL="progression")
    try:
        yield stack.start()
    finally:
        stack.stop()


def environment_of(client):
    """The client's own virtual environment, made once for each content of its requirements."""
    requirements = CLIENTS / f"{client}.txt"
    folder = ROOT / "var" / "clients" / client
    made_from = folder / "made-from.txt"
    if made_from.is_file() and made_from.read_text() == requirements.read_text():
        return folder / "bin"
    uv = [sys.executable, "-m", "uv"]
    shutil.rmtree(folder, ignore_errors=True)
    interpreter = run(*uv, "python", "find", PYTHON)
    if interpreter.returncode:
        pytest.skip(f"{client} needs Python {PYTHON}, which this machine does not have")
    made = run(*uv, "venv", "--quiet", "--python", interpreter.stdout.strip(), folder)
    assert made.returncode == 0, made.stderr
    install = [*uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python", "--require-hashes", "-r"]
    installed = run(*install, requirements)
    assert installed.returncode == 0, installed.stderr[-3000:]
    made_from.write_text(requirements.read_text())
    return folder / "bin"


def run(*command):
    clean = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL, env=clean
    )


@pytest.mark.parametrize("client", ["tritonclient", "kserve", "mlflow", "ovmsclient"])
def test_the_client_gets_what_it_asks_for(client, stack):
    python = environment_of(client) / "python"
    done = run(python, CLIENTS / f"{client}_script.py", f"127.0.0.1:{stack.port}", stack.token())
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert done.stdout.splitlines()[-1] == "fine"


@pytest.mark.parametrize("mode", [[], ["--binary-data"]])
def test_mlserver_infer_gets_an_answer_to_every_line(mode, stack, tmp_path):
    rows = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]
    tensors = [{"name": "input", "shape": [1, 4], "datatype": "FP64", "data": row} for row in rows]
    asked, answered = tmp_path / "asked.jsonl", tmp_path / "answered.jsonl"
    asked.write_text("".join(json.dumps({"inputs": [tensor]}) + "\n" for tensor in tensors))
    done = run(
        *(environment_of("mlserver") / "mlserver", "infer", "--url", f"127.0.0.1:{stack.port}", "--model-name", "iris"),
        *("--input-data-path", asked, "--output-data-path", answered, "--workers", "1", *mode),
        *("--request-headers", f"Authorization: Bearer {stack.token()}"),
    )
    assert done.returncode == 0, done.stderr[-4000:]
    answers = sorted(map(json.loads, answered.read_text().splitlines()), key=lambda a: a["parameters"]["batch_index"])
    assert [answer["outputs"][0]["data"] for answer in answers] == [[0], [2]]
