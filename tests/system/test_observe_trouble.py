"""Trouble made on purpose, in front of a real Prometheus and Alertmanager: exactly the right alerts arrive.

The rules are those of the product with every range and every `for` divided by 30, so that an hour passes in two
minutes; thresholds, guards and Alertmanager's inhibitions are as they are.
"""

import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
import yaml
from sklearn.datasets import load_iris

from tests.system.running import ROOT, Stack, eventually, free_ports

needed = ("prometheus", "prometheus-alertmanager")
pytestmark = [
    pytest.mark.skipif(not all(map(shutil.which, needed)), reason=f"not installed: {', '.join(needed)}"),
    pytest.mark.slow,
    pytest.mark.timeout(900),
]

FASTER = 30
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
IRIS = load_iris().data.tolist()


def hurried(text):
    """The rules with shorter ranges and waits."""

    def shorter(match):
        seconds = int(match[2]) * UNITS[match[3]]
        return f"{match[1]}{max(seconds // FASTER, 1)}s{match[4]}"

    return re.sub(r"(\[|for: )(\d+)([smhd])(\]|\n)", shorter, text)


def scraped(job, component, targets):
    """A job of Prometheus' whose targets are that component; ``targets`` is a file that names them."""
    found = {"files": [str(targets)], "refresh_interval": "1s"}
    relabelled = {"target_label": "component", "replacement": component}
    return {"job_name": job, "file_sd_configs": [found], "relabel_configs": [relabelled]}


class Receiver:
    """What Alertmanager calls: remembers which alerts were told to be firing."""

    def __init__(self, port):
        self.told = set()
        told = self.told

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told.update(alert["labels"]["alertname"] for alert in body["alerts"] if alert["status"] == "firing")
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Hook)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Watch:
    """Prometheus and Alertmanager on a stack, and what arrives."""

    def __init__(self, stack, folder, nginx_port):
        first = free_ports(3)
        self.prometheus, alertmanager, hook = first, first + 1, first + 2
        self.receiver = Receiver(hook)
        (folder / "rules").mkdir(parents=True)
        for file in (ROOT / "monitoring" / "prometheus" / "rules").glob("*.yml"):
            (folder / "rules" / file.name).write_text(hurried(file.read_text()))
        self.folder, self.replicas = folder, [f"127.0.0.1:{stack.management_port + number}" for number in (0, 1)]
        self.discover("replicas", self.replicas)
        self.discover("nginx", [f"127.0.0.1:{nginx_port}"])
        configuration = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "900ms", "evaluation_interval": "1s"},
            "rule_files": ["rules/*.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
            "scrape_configs": [
                scraped("any name", "replica", folder / "replicas.json"),
                scraped("another", "nginx", folder / "nginx.json"),
            ],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        routing = yaml.safe_load((ROOT / "monitoring" / "alertmanager" / "alertmanager.yml").read_text())
        routing["route"] |= {"group_wait": "3s", "group_interval": "3s"}
        routing["receivers"][0]["webhook_configs"] = [{"url": f"http://127.0.0.1:{hook}/"}]
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(routing))
        with (folder / "said.log").open("wb") as said:
            self.processes = [
                subprocess.Popen(command, stdout=said, stderr=said)
                for command in (
                    [
                        "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                        f"--web.listen-address=127.0.0.1:{first}",
                    ],
                    [
                        "prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml",
                        f"--storage.path={folder}/silences", f"--web.listen-address=127.0.0.1:{alertmanager}",
                        "--cluster.listen-address=",
                    ],
                )
            ]  # fmt: skip

    def discover(self, name, targets):
        """Name the targets of a job from now on, as a name server or Kubernetes does."""
        new = self.folder / f"{name}.new"
        new.write_text(json.dumps([{"targets": targets}]))
        new.rename(self.folder / f"{name}.json")

    def close(self):
        for process in self.processes:
            process.terminate()
            process.wait(20)
        self.receiver.server.shutdown()

    def firing(self):
        """The alerts that fire now."""
        return {one["metric"]["alertname"] for one in self._found('ALERTS{alertstate="firing"}')} - {"MillraceWatchdog"}

    def answers(self):
        """Whether Prometheus does."""
        with suppress(requests.ConnectionError):
            return requests.get(f"http://127.0.0.1:{self.prometheus}/-/ready", timeout=10).ok
        return False

    def asked(self, expression):
        """The values that an expression has now, as Prometheus writes them."""
        return [one["value"][1] for one in self._found(expression)]

    def _found(self, expression):
        url = f"http://127.0.0.1:{self.prometheus}/api/v1/query"
        return requests.get(url, params={"query": expression}, timeout=10).json()["data"]["result"]

    def expect(self, wanted, allowed=frozenset(), seconds=120):
        """Wait for the wanted alerts, and a little longer; nothing else but what is allowed may have come."""
        eventually(lambda: self.receiver.told >= wanted, seconds, f"{wanted}, beside {self.receiver.told},")
        time.sleep(6)
        assert wanted <= self.receiver.told <= wanted | allowed

    def settled(self, seconds=150):
        """Wait until nothing fires, and forget what came."""
        eventually(lambda: not self.firing(), seconds, "the end of the alerts")
        time.sleep(4)
        self.receiver.told.clear()


class Traffic:
    """Predictions of iris all the time, of rows that `rows` draws."""

    def __init__(self, stack):
        self.rows = lambda: random.sample(IRIS, 40)
        self._stack = stack
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self):
        with requests.Session() as session:
            session.headers.update(self._stack.bearer)
            while not self._stopping.wait(0.1):
                body = {"instances": self.rows()}
                session.post(f"{self._stack.url}/v1/models/iris:predict", json=body, timeout=10)

    def stop(self):
        self._stopping.set()
        self._thread.join(15)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    nginx_port = free_ports(1)
    stack = Stack(
        tmp_path_factory.mktemp("troubled"),
        REPLICAS="2",
        WORKERS="1",
        REPLICA_CONNECTIONS="4",
        CONNECTIONS_PER_ADDRESS="1000",
        NGINX_METRICS_PORT=str(nginx_port),
        PROFILE_SAMPLING="1",
    )
    stack.nginx_port = nginx_port
    try:
        stack.start()
        stack.bearer = {"Authorization": f"Bearer {stack.token()}"}
        stack.helper = stack.trainer()
        stack.helper.tell(publish="steady", constant=1.0, stable=True)
        stack.helper.tell(publish="slow", neighbours=20_000, stable=True)
        yield stack
        stack.helper.close()
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def watch(stack, tmp_path_factory):
    watch = Watch(stack, tmp_path_factory.mktemp("watch"), stack.nginx_port)
    loaded = "min(millrace_versions_converged) and count(up{component='replica'} == 1) == 2"
    eventually(watch.answers, 60, "Prometheus")
    eventually(lambda: watch.asked(loaded) == ["1"], 120, "what was just published on every worker")
    watch.settled()
    yield watch
    watch.close()


@pytest.fixture(scope="module")
def traffic(stack, watch):
    traffic = Traffic(stack)
    yield traffic
    traffic.stop()


def test_calm_traffic_fires_nothing(watch, traffic):
    time.sleep(45)
    assert watch.firing() == set()
    assert watch.receiver.told == set()


def test_a_replica_that_does_not_answer_is_told(stack, watch, traffic):
    master = stack.pid("replica-2")
    os.kill(master, signal.SIGSTOP)
    try:
        watch.expect({"MillraceReplicaDown"})
    finally:
        os.kill(master, signal.SIGCONT)
    watch.settled()


def test_a_replica_that_was_taken_away_is_not_told(stack, watch, traffic):
    master = stack.pid("replica-2")
    watch.discover("replicas", watch.replicas[:1])
    os.kill(master, signal.SIGSTOP)
    try:
        eventually(lambda: watch.asked("count(up{component='replica'})") == ["1"], what="one replica that is named")
        time.sleep(15)  # seven times as long as the rule waits here
        assert watch.firing() == set()
        assert watch.receiver.told == set()
    finally:
        os.kill(master, signal.SIGCONT)
        watch.discover("replicas", watch.replicas)
    eventually(lambda: watch.asked("sum(up{component='replica'})") == ["2"], what="both replicas")
    watch.settled()


def test_a_version_that_cannot_be_loaded_is_told(stack, watch, traffic):
    version = stack.helper.tell(publish="steady", constant=2.0)
    folder = stack.var / "models" / "steady" / str(version)
    (folder / "golden.npz").chmod(0o600)
    (folder / "golden.npz").write_bytes(b"altered after it was sealed")
    stack.helper.tell(promote="steady", version=version)
    watch.expect({"MillraceModelFailedToLoad"})
    stack.helper.tell(promote="steady", version=1)
    watch.settled()


def test_a_database_that_is_down_is_told(stack, watch, traffic):
    with sqlite3.connect(stack.var / "state" / "millrace.db", isolation_level=None) as database:
        database.execute("ALTER TABLE changes RENAME TO changes_elsewhere")
        try:
            watch.expect({"MillraceDatabaseDown"})
        finally:
            database.execute("ALTER TABLE changes_elsewhere RENAME TO changes")
    watch.settled()


def test_other_inputs_than_at_publication_are_told(watch, traffic):
    traffic.rows = lambda: [[7.9, 2.0 + random.random() / 5, 6.9, 2.5] for _ in range(40)]
    watch.expect({"MillraceInputDrift", "MillracePredictionDrift"}, seconds=200)
    traffic.rows = lambda: random.sample(IRIS, 40)
    watch.settled(300)


def test_more_load_than_can_be_answered_is_told(stack, watch, traffic):
    stopping = threading.Event()

    def flood():
        with requests.Session() as session:
            session.headers.update(stack.bearer)
            while not stopping.is_set():
                body = {"instances": [[random.random(), random.random()] for _ in range(200)]}
                session.post(f"{stack.url}/v1/models/slow:predict", json=body, timeout=30)

    threads = [threading.Thread(target=flood, daemon=True) for _ in range(24)]
    for thread in threads:
        thread.start()
    late = {"MillraceErrorBudgetBurnsSlowly", "MillraceLatencyBudgetBurnsFast", "MillraceLatencyBudgetBurnsSlowly"}
    try:
        watch.expect({"MillraceSheddingLoad", "MillraceErrorBudgetBurnsFast"}, allowed=late)
    finally:
        stopping.set()
        for thread in threads:
            thread.join(40)
