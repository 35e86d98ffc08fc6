"""Clients that others wrote, unmodified, against the stack through Nginx, each in an environment of its own."""

import json
from pathlib import Path

import pytest

from tests.foreign import environment, run
from tests.system.running import Stack

CLIENTS = Path(__file__).parent / "clients"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """MLflow's client cannot send a token: one model is open to everyone, and answers where none is named."""
    stack = Stack(tmp_path_factory.mktemp("clients"), PUBLIC_MODELS="progression", DEFAULT_MODEL="progression")
    try:
        yield stack.start()
    finally:
        stack.stop()


def environment_of(client):
    """The client's own virtual environment."""
    return environment(client, CLIENTS / f"{client}.txt")


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
