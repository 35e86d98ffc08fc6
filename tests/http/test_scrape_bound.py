"""What a scrape shows stays small, whatever strangers ask for and however often workers die."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, os, random, signal, string, sys, time
from pathlib import Path
from types import SimpleNamespace
from service import settings
from service.app import create_app
from service.metrics import scrape
from service.observers.counts import Counts
from service.observers.observer import Prediction
from tests.service.auth.fakes import OpenAccess

web = create_app(settings.read(os.environ), OpenAccess()).flask.test_client()
ROUTES = ("/{}", "/v1/models/{}", "/v1/models/{}/versions/3", "/v2/models/{}", "/v2/models/{}/versions/9/ready")
PREDICTIONS = (
    "/v1/models/{}:predict", "/v1/models/{}/labels/{}:predict",
    "/v2/models/{}/infer", "/models/{}/invocations"
)
BODIES = ({"instances": [[1]]}, {"inputs": []}, {"dataframe_records": [{}]})

FOLDER = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
counts = Counts()

def invented():
    return "".join(random.choices(string.ascii_letters, k=12))

def stranger():
    if random.random() < 0.5:
        path = random.choice(PREDICTIONS).format(invented(), invented())
        return web.post(path, json=random.choice(BODIES)).status_code
    path = random.choice(ROUTES).format(invented())
    return web.open(path, method=random.choice(("GET", "GET", "PUT", invented().upper()))).status_code

def worker():
    for model in range(10):
        for version in (1, 2):
            served = SimpleNamespace(name=f"m{model}", version=version)
            counts.predicted(Prediction(served, "stable", "tfserving", 1, 0.001, 0.001, 0.001), None, {})
    answered = [stranger() for _ in range(50)]
    assert not {status for status in answered if status < 400}, answered
    os.kill(os.getpid(), signal.SIGKILL)

for _ in range(200):
    pid = os.fork()
    if pid == 0:
        worker()
    os.waitpid(pid, 0)
    scrape.archive_dead_process(FOLDER, pid)
shown = scrape.Scrape(FOLDER)
shown.exposition()
began = time.perf_counter()
text = shown.exposition()[0].decode()
print("seconds of a scrape:", time.perf_counter() - began)
with open(sys.argv[1], "w") as told:
    json.dump([text, os.getpid()], told)
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_thousand_strange_requests_and_two_hundred_dead_workers_leave_a_small_scrape(tmp_path):
    (tmp_path / "metrics").mkdir()
    environment = {
        **os.environ,
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
        "MODEL_STORE_ROOT": str(tmp_path / "models"),
        "RUN_DIR": str(tmp_path / "run"),
        "PYTHONPATH": str(ROOT),
    }
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "told.json")]
        done = subprocess.run(command, env=environment, cwd=ROOT, stdout=log, stderr=log, timeout=550, check=False)
    assert done.returncode == 0, (tmp_path / "log").read_text()[-3000:]
    text, master = json.loads((tmp_path / "told.json").read_text())
    series = [line for line in text.splitlines() if not line.startswith("#")]
    counted = sum(float(line.split()[-1]) for line in series if line.startswith("flask_http_request_total{"))
    assert counted == 10_000
    assert "millrace_worker_exits_total 200.0" in series
    assert len(series) <= 5000
    files = [file.stem for file in (tmp_path / "metrics").iterdir()]
    assert {name.rpartition("_")[2] for name in files} == {"archive", str(master)}, files
