"""Real forked workers write real files; what is exposed must equal what they counted, whatever became of them."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.parser import text_string_to_metric_families

SLOWNESS = 10
"""A scrape shall take at most 200 ms; a busy machine that runs tests may be this much slower."""

PRELUDE = """
import json, os, signal, sys, time
from pathlib import Path
from typing import NamedTuple
from service.metrics import scrape
from service.metrics.access import AccessMetrics
from service.metrics.requests import RequestMetrics
from service.observers.counts import Counts
from service.observers.observer import Prediction
from service.runtime.router import Chosen

FOLDER = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
shown = scrape.Scrape(FOLDER)
requests, access, counts = RequestMetrics(), AccessMetrics(), Counts()

class Model(NamedTuple):
    name: str
    version: int

def prediction(model="iris", version=1, rows=3, decode=0.001, predict=0.002, encode=0.0005):
    return Prediction(Model(model, version), "stable", "tfserving", rows, decode, predict, encode)

def worker(work, end=None):
    pid = os.fork()
    if pid == 0:
        work()
        os.kill(os.getpid(), end) if end else os._exit(0)
    return pid

def predict(times, model="iris", version=1):
    def work():
        for _ in range(times):
            counts.predicted(prediction(model, version), None, {})
    return work

def ended(pid):
    os.waitpid(pid, 0)
    scrape.archive_dead_process(FOLDER, pid)
"""


@pytest.fixture
def run(tmp_path):
    """Run a program as gunicorn's master would be: values in files, the folder wiped first."""

    def run(program: str) -> str:
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(Path.cwd())}
        done = subprocess.run(
            [sys.executable, "-c", PRELUDE + program],
            env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def samples(text: str) -> dict[tuple[str, frozenset], float]:
    return {
        (s.name, frozenset(s.labels.items())): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


def value(text: str, name: str, **labels: str) -> float:
    return sum(v for (n, have), v in samples(text).items() if n == name and labels.items() <= dict(have).items())


SHOW = "\nprint(shown.exposition()[0].decode())"


def test_counters_of_all_workers_add_up(run):
    text = run("for n in (5, 7, 11): os.waitpid(worker(predict(n)), 0)" + SHOW)
    assert value(text, "millrace_predictions_total", model="iris", version="1", code="ok") == 23
    assert value(text, "millrace_prediction_rows_total", model="iris") == 69
    assert value(text, "millrace_stage_seconds_count", stage="predict") == 23
    assert value(text, "millrace_stage_seconds_sum", stage="predict") == pytest.approx(0.046)


def test_the_exposition_is_prometheus_text(run):
    program = """
counts.predicted(prediction("shown", 1, 1, 0.001, 0.001, 0.001), None, {})
body, media_type = shown.exposition()
print(json.dumps([body.decode(), media_type]))
"""
    text, media_type = json.loads(run(program))
    names = {family.name for family in text_string_to_metric_families(text)}
    assert media_type.startswith("text/plain; version=0.0.4")
    assert {"millrace_predictions", "millrace_worker_resident_memory_bytes"} <= names


def test_counters_stay_exact_when_workers_are_killed(run):
    text = run(
        "for n in (5, 7, 11): ended(worker(predict(n), signal.SIGKILL))\nos.waitpid(worker(predict(2)), 0)" + SHOW
    )
    assert value(text, "millrace_predictions_total", code="ok") == 25
    assert value(text, "millrace_prediction_seconds_count") == 25
    assert value(text, "millrace_worker_exits_total") == 3


def test_counts_of_versions_are_of_all_workers_and_of_dead_ones_too(run):
    program = """
from service.metrics import version_counts
from service.management.counts import told

class Chosen(NamedTuple):
    model: Model
    channel: str

def refuse():
    counts.refused(Chosen(Model("iris", 1), "stable"), "mlflow", "invalid_input")
    counts.refused(None, "mlflow", "model_not_found")

began = time.time()
ended(worker(predict(5), signal.SIGKILL))
for work in (predict(7), predict(2, version=2), refuse):
    os.waitpid(worker(work), 0)
print(json.dumps([told("one", FOLDER), began, time.time()]))
"""
    told, began, ended = json.loads(run(program))
    assert told["replica"] == "one"
    found = {(one.pop("model"), one.pop("version")): one for one in told["versions"]}
    assert found.keys() == {("iris", "1"), ("iris", "2")}
    first = found["iris", "1"]
    assert began <= first.pop("last") <= ended
    assert first == pytest.approx(
        {"answered": 12, "refused": 1, "rows": 36, "decode": 0.012, "predict": 0.024, "encode": 0.006}
    )
    assert found["iris", "2"]["answered"] == 2


def test_no_counter_goes_backwards_while_workers_come_and_go(run):
    program = """
texts = []
for n in range(1, 8):
    pid = worker(predict(n))
    os.waitpid(pid, 0)
    texts.append(shown.exposition()[0].decode())
    scrape.archive_dead_process(FOLDER, pid)
    texts.append(shown.exposition()[0].decode())
print(json.dumps(texts))
"""
    shown = [samples(text) for text in json.loads(run(program))]
    for before, after in itertools.pairwise(shown):
        for key, was in before.items():
            if key[0].startswith("millrace_p") and key[0].endswith(("_total", "_count", "_bucket")):
                assert after[key] >= was, key


def test_two_hundred_restarts_leave_few_files_and_a_quick_scrape(run, tmp_path):
    program = """
for n in range(200):
    def work(n=n):
        for model in range(10):
            for version in (1, 2):
                counts.predicted(prediction(f"m{model}", version, 1, 0.001, 0.001, 0.001), None, {})
                counts.refused(Chosen(Model(f"m{model}", version), "stable"), "tfserving", "invalid_input")
        requests.queued("t=1", 1.5)
    ended(worker(work, signal.SIGKILL))
shown.exposition()
began = time.perf_counter()
text = shown.exposition()[0].decode()
print(json.dumps([time.perf_counter() - began, text]))
"""
    seconds, text = json.loads(run(program))
    files_of_a_kind = Counter(file.name.rpartition("_")[0] for file in tmp_path.glob("*.db"))
    assert set(files_of_a_kind) >= {"counter", "histogram", "gauge_livesum"}
    assert max(files_of_a_kind.values()) <= 2, "this process's file, and one of all that have ended"
    assert value(text, "millrace_predictions_total", code="ok") == 200 * 20
    assert len(samples(text)) <= 5000
    assert seconds < 0.2 * SLOWNESS, f"a scrape of {len(samples(text))} series took {seconds:.3f} s"


def test_the_text_equals_that_of_prometheus_client(run, tmp_path):
    text = run(
        "for n in (3, 4): ended(worker(predict(n), signal.SIGKILL))\n"
        "os.waitpid(worker(predict(6, 'wine', 2)), 0)\n"
        "access.database(up=True)" + SHOW
    )
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(tmp_path))
    theirs = samples(generate_latest(registry).decode())
    theirs = {key: value for key, value in theirs.items() if key[0] != "spare"}  # a place in the files, and no metric
    ours = samples(text)
    assert {key: v for key, v in ours.items() if key in theirs} == theirs
    assert theirs


def test_the_newest_word_on_the_database_counts_whoever_said_it(run):
    program = """
os.waitpid(worker(lambda: access.database(up=True)), 0)
time.sleep(0.01)
ended(worker(lambda: access.database(up=False)))
"""
    assert value(run(program + SHOW), "millrace_database_up") == 0
    program += "\ntime.sleep(0.01)\nos.waitpid(worker(lambda: access.database(up=True)), 0)"
    assert value(run(program + SHOW), "millrace_database_up") == 1


def test_requests_in_flight_die_with_their_worker(run):
    program = """
ended(worker(lambda: requests.entered(), signal.SIGKILL))
os.waitpid(worker(lambda: (requests.entered(), requests.entered(), requests.left())), 0)
"""
    assert value(run(program + SHOW), "millrace_in_flight") == 1


def test_each_live_worker_shows_its_memory_and_files(run):
    program = """
pids = [worker(lambda: time.sleep(30)) for _ in range(2)]
time.sleep(0.2)
print(shown.exposition()[0].decode())
for pid in pids: os.kill(pid, signal.SIGKILL)
"""
    text = run(program)
    for worker in ("master", "0", "1"):
        assert value(text, "millrace_worker_resident_memory_bytes", worker=worker) > 1e6
        assert value(text, "millrace_worker_open_files", worker=worker) >= 3
        assert time.time() - value(text, "millrace_worker_start_time_seconds", worker=worker) < 120
    assert value(text, "millrace_workers") == 2


def test_details_of_versions_that_are_gone_are_not_shown_and_their_counts_stay(run):
    program = """
ended(worker(predict(5, version=1)))
ended(worker(predict(7, version=2)))
shown = scrape.Scrape(FOLDER, current=lambda: {("iris", "2")})
"""
    text = run(program + SHOW)
    assert value(text, "millrace_predictions_total", version="1") == 5
    assert value(text, "millrace_stage_seconds_count", version="1") == 0
    assert value(text, "millrace_stage_seconds_count", version="2", stage="predict") == 7


def test_route_metrics_of_all_workers_add_up_and_what_is_not_declared_is_not_shown(run):
    program = """
import flask
from service.http.red_metrics import instrument
from service.metrics.instruments import new_registry
observed = instrument(flask.Flask("red"), new_registry())
for _ in range(2): ended(worker(lambda: observed("/rule", "POST", 200, 0.01)))
"""
    text = run(program + SHOW)
    assert value(text, "flask_http_request_total", status="200") == 2
    assert value(text, "flask_http_request_duration_seconds_count", url_rule="/rule") == 2
    assert "flask_exporter_info" not in text


def test_wiping_leaves_an_empty_folder(tmp_path):
    from service.metrics import files

    folder = Path(tmp_path) / "new"
    files.wipe(folder)
    (folder / "counter_12.db").touch()
    files.wipe(folder)
    assert list(folder.iterdir()) == []
