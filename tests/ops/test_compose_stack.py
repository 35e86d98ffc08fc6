"""The Compose stack on a real engine: up, scaled to three, balanced, one killed under load, down."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[2]
PROJECT = f"millrace-test-{os.getpid()}"
ROW = {"instances": [[5.1, 3.5, 1.4, 0.2]]}


def engine_answers():
    if shutil.which("docker") is None:
        return False
    asked = subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=60)
    return asked.returncode == 0


pytestmark = [
    pytest.mark.docker,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not engine_answers(), reason="no Docker engine answers"),
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stack:
    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": PROJECT,
            "PORT": str(self.port),
            "TLS_PORT": str(free_port()),
            "GRAFANA_PORT": str(free_port()),
            "REPLICAS": "3",
        }

    def compose(self, *arguments, check=True):
        done = subprocess.run(
            ["docker", "compose", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def containers(self, service):
        listed = self.compose("ps", "--all", "--format", "json", service).strip()
        rows = json.loads(listed) if listed.startswith("[") else [json.loads(line) for line in listed.splitlines()]
        return [row["ID"] for row in rows if row["State"] == "running"]

    def token(self):
        client = json.loads(
            self.compose("exec", "-T", "service", "cat", "/var/lib/millrace/keys/secrets/demo-client.json")
        )
        answer = requests.post(
            f"{self.url}/oauth/token",
            auth=(client["client_id"], client["client_secret"]),
            data={"grant_type": "client_credentials"},
            timeout=10,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    def session(self):
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self.token()}"
        return session

    def predict(self, session):
        return session.post(f"{self.url}/v1/models/iris:predict", json=ROW, timeout=15)


@pytest.fixture(scope="module")
def stack():
    subprocess.run([ROOT / "deploy/compose/make-secrets"], check=True)
    stack = Stack()
    try:
        stack.compose("build", "--quiet", "service")
        stack.compose("up", "--detach", "--wait", "nginx")
        yield stack
    finally:
        stack.compose("down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)


def inspected(container):
    return json.loads(subprocess.run(["docker", "inspect", container], capture_output=True, check=True).stdout)[0]


def test_three_replicas_share_the_requests(stack):
    session = stack.session()
    answers = [stack.predict(session) for _ in range(90)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].json() == {"predictions": [0]}
    counts = {}
    for answer in answers:
        counts[answer.headers["X-Replica"]] = counts.get(answer.headers["X-Replica"], 0) + 1
    assert len(counts) == 3
    assert min(counts.values()) >= 10


def test_health_and_metrics_are_not_reachable_from_outside(stack):
    for path in ("/livez", "/readyz", "/metrics"):
        assert requests.get(stack.url + path, timeout=5).status_code == 404


def test_containers_run_as_the_file_says(stack):
    replica = inspected(stack.containers("service")[0])
    assert replica["Config"]["User"] == "10001:10001"
    assert replica["HostConfig"]["ReadonlyRootfs"] is True
    assert replica["HostConfig"]["CapDrop"] == ["ALL"]
    assert not replica["HostConfig"]["PortBindings"]
    tools = subprocess.run(
        ["docker", "exec", replica["Id"], "sh", "-c", "command -v gcc cc make g++ || true"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not tools.stdout.strip()


def test_no_secret_is_in_a_containers_environment(stack):
    password = (ROOT / "var/compose/secrets/postgres_password").read_text().strip()
    for service in ("service", "postgres", "nginx"):
        assert password not in json.dumps(inspected(stack.containers(service)[0])["Config"]["Env"])


def test_killing_one_replica_under_load_fails_no_prediction(stack):
    token = stack.token()
    answered, stop = [], threading.Event()

    def client():
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {token}"
        while not stop.is_set():
            answered.append(stack.predict(session).status_code)
            time.sleep(0.02)

    clients = [threading.Thread(target=client) for _ in range(4)]
    for thread in clients:
        thread.start()
    try:
        time.sleep(2)
        victim = stack.containers("service")[0]
        subprocess.run(["docker", "kill", "--signal", "KILL", victim], check=True, capture_output=True)
        time.sleep(6)
    finally:
        stop.set()
        for thread in clients:
            thread.join()
    assert len(answered) > 100
    assert set(answered) == {200}


def test_scaling_is_followed_without_a_restart_of_nginx(stack):
    before = inspected(stack.containers("nginx")[0])["State"]["StartedAt"]
    stack.compose("up", "--detach", "--wait", "--no-recreate", "--scale", "service=2", "service")
    time.sleep(3)
    session = stack.session()
    answers = [stack.predict(session) for _ in range(60)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["X-Replica"] for answer in answers}) == 2
    assert inspected(stack.containers("nginx")[0])["State"]["StartedAt"] == before
