"""The Compose stack on a real engine, with the profile monitoring: balanced, published into, killed, starved of its
database, rolled, taken down and up again. The tests run in this order, on one stack.
"""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import joblib
import numpy as np
import pytest
import requests
import skops.io
from sklearn.dummy import DummyClassifier

from deploy.local.certificate import write_pair

ROOT = Path(__file__).parents[2]
PROJECT = f"millrace-test-{os.getpid()}"
ROW = {"instances": [[5.1, 3.5, 1.4, 0.2]]}
STARTED = ("nginx", "nginx-metrics", "node-exporter", "prometheus", "alertmanager")
"""And what they depend on. Grafana and the profile elk are left out: nothing can be asked of them without a browser."""
READYZ = (
    "import http.client as h; c = h.HTTPConnection('127.0.0.1', 9100); c.request('GET', '/readyz'); "
    "print(c.getresponse().read().decode())"
)
LONGEST = 120
"""Seconds that anything may take that is waited for. Generous: what is tested is that it happens, not how fast."""


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


def free_ports(count):
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def docker(*arguments):
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


def inspected(container):
    return json.loads(docker("inspect", container))[0]


def eventually(condition, what):
    """The first true value of the condition; it may also fail to connect for a while."""
    deadline = time.monotonic() + LONGEST
    last = None
    while time.monotonic() < deadline:
        try:
            last = condition()
        except requests.ConnectionError as error:
            last = error
        if last and not isinstance(last, Exception):
            return last
        time.sleep(0.5)
    pytest.fail(f"{what}: not within {LONGEST} s; last: {last!r}")


class Stack:
    def __init__(self, var):
        self.var = var
        port, tls_port, grafana_port, kibana_port = free_ports(4)
        self.url = f"http://127.0.0.1:{port}"
        self.tls_url = f"https://127.0.0.1:{tls_port}"
        self.environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": PROJECT,
            "COMPOSE_PROFILES": "monitoring",
            "VAR_DIR": str(var),
            "PORT": port,
            "TLS_PORT": tls_port,
            "GRAFANA_PORT": grafana_port,
            "KIBANA_PORT": kibana_port,
            "REPLICAS": "3",
        }

    def run(self, *command):
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def compose(self, *arguments):
        return self.run("docker", "compose", *arguments)

    def containers(self, service):
        return self.compose("ps", "--quiet", "--status", "running", service).split()

    def scale(self, count):
        self.compose("up", "--detach", "--wait", "--no-deps", "--no-recreate", "--scale", f"service={count}", "service")

    def secret(self, name):
        return (self.var / "compose/secrets" / name).read_text().strip()

    def client(self):
        path = "/var/lib/millrace/keys/secrets/demo-client.json"
        return json.loads(self.compose("exec", "-T", "service", "cat", path))

    def token(self):
        return self.run("make", "-s", "token", "STACK=compose").strip()

    def predict(self, session):
        return session.post(f"{self.url}/v1/models/iris:predict", json=ROW, timeout=30)

    def replicas_and_versions(self, session, requests_made=60):
        """What answers, as a set of (replica, version); every request must be answered."""
        answers = [self.predict(session) for _ in range(requests_made)]
        assert {answer.status_code for answer in answers} == {200}
        return {(answer.headers["X-Replica"], answer.headers["X-Model-Version"]) for answer in answers}

    def replicas(self, session):
        return {replica for replica, _ in self.replicas_and_versions(session)}

    @contextmanager
    def load(self, known, clients=4):
        """Predictions, one after the other from each client, until the end of the block; gives the list of statuses."""
        answered, stop = [], threading.Event()

        def client():
            session = requests.Session()
            session.headers.update(known.headers)
            while not stop.is_set():
                try:
                    answered.append(self.predict(session).status_code)
                except requests.RequestException as error:
                    answered.append(repr(error))
                stop.wait(0.02)

        threads = [threading.Thread(target=client) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            eventually(lambda: len(answered) > 20 * clients, "load before the fault")
            yield answered
            enough = len(answered) + 20 * clients
            eventually(lambda: len(answered) > enough, "load after the fault")
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def ask(self, container_path, service="service"):
        """JSON from an address on the stack's own networks, asked by a container of a service."""
        program = f"import urllib.request as r; print(r.urlopen({container_path!r}, timeout=10).read().decode())"
        return self.compose("exec", "-T", service, "python", "-c", program)

    def prometheus(self, page):
        return json.loads(self.ask(f"http://prometheus:9090/api/v1/{page}"))["data"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp("compose"))
    try:
        stack.run("deploy/compose/make-secrets")
        stack.compose("build", "--quiet", "service")
        stack.compose("up", "--detach", "--wait", *STARTED)
        yield stack
    finally:
        for _ in range(2):  # a container that removes itself at this moment makes the first one fail
            with suppress(AssertionError):
                stack.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5")


@pytest.fixture(scope="module")
def session(stack):
    """A caller with a token."""
    return caller(stack.token())


def caller(token):
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    return session


def test_three_replicas_share_the_requests(stack, session):
    answers = [stack.predict(session) for _ in range(90)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].json() == {"predictions": [0]}
    names = [answer.headers["X-Replica"] for answer in answers]
    assert len(set(names)) == 3
    assert min(names.count(name) for name in set(names)) >= 10


def test_health_and_metrics_are_not_reachable_from_outside(stack):
    for path in ("/livez", "/readyz", "/metrics", "/counts"):
        assert requests.get(stack.url + path, timeout=5).status_code == 404


def test_containers_run_as_the_file_says(stack):
    for service in (*STARTED, "service", "postgres"):
        container = inspected(stack.containers(service)[0])
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"] is True, service
        assert host["CapDrop"] == ["ALL"], service
        assert not host["CapAdd"] or service == "postgres"
        assert "no-new-privileges:true" in host["SecurityOpt"], service
        assert not host["Privileged"]
        assert min(host["Memory"], host["NanoCpus"], host["PidsLimit"]) > 0, service
        assert bool(host["PortBindings"]) is (service == "nginx")
        main = Path(f"/proc/{container['State']['Pid']}/status")
        if main.exists():  # the engine runs on this machine
            assert "\nUid:\t0\t" not in main.read_text(), service
    replica = inspected(stack.containers("service")[0])
    assert replica["Config"]["User"] == "10001:10001"


def test_the_image_holds_no_tools_caches_or_tests_of_libraries(stack):
    found = docker(
        *("run", "--rm", "--user", "0", "--network", "none", "--entrypoint", "sh"),
        inspected(stack.containers("service")[0])["Config"]["Image"],
        "-c",
        "command -v gcc cc make g++; ls -d /root/.cache/pip /opt/millrace/bin/pip /srv/millrace/tests /tmp/*; "
        "find /opt/millrace -type d -name tests; true",
    )
    assert not found.strip()


def test_no_secret_is_in_a_containers_environment(stack):
    secrets = [stack.secret(name) for name in ("postgres_password", "grafana_password", "kibana_password")]
    for service in (*STARTED, "service", "postgres"):
        told = json.dumps(inspected(stack.containers(service)[0])["Config"])
        assert not [secret for secret in secrets if secret in told]


def test_prometheus_scrapes_every_replica_by_itself_and_knows_rules_and_alertmanager(stack):
    def up():
        active = stack.prometheus("targets?state=active")["activeTargets"]
        # No stand-in of the blackbox exporter's image can be made where images cannot be pulled.
        targets = [target for target in active if target["labels"]["component"] != "probe"]
        healthy = [target["labels"]["job"] for target in targets if target["health"] == "up"]
        return healthy if len(healthy) == len(targets) else None

    healthy = eventually(up, "all targets up")
    assert sorted(healthy) == ["alertmanager", *["millrace"] * 3, "nginx", "node", "prometheus"]
    groups = stack.prometheus("rules")["groups"]
    assert {Path(group["file"]).name for group in groups} == {
        path.name for path in (ROOT / "monitoring/prometheus/rules").glob("*.yml")
    }
    assert {rule["health"] for group in groups for rule in group["rules"]} <= {"ok", "unknown"}
    managers = stack.prometheus("alertmanagers")["activeAlertmanagers"]
    assert [manager["url"] for manager in managers] == ["http://alertmanager:9093/api/v2/alerts"]


def test_every_request_that_nginx_answers_is_counted_once(stack, session):
    def counted():
        text = stack.ask("http://127.0.0.1:9101/metrics", "nginx-metrics")
        lines = [line.split() for line in text.splitlines() if line.startswith("millrace_nginx_requests_total{")]
        return sum(int(float(count)) for _, count in lines)

    before = counted()
    with stack.load(session) as answered:
        pass
    made = len(answered) + 1
    assert stack.predict(session).status_code == 200
    eventually(lambda: counted() >= before + made, "all requests counted")
    assert counted() == before + made


def test_grafana_has_a_port_that_says_so_where_it_does_not_run_and_kibana_asks_for_a_password(stack):
    grafana = requests.get(f"http://127.0.0.1:{stack.environment['GRAFANA_PORT']}/", timeout=30)
    assert grafana.status_code == 503
    assert "--profile monitoring" in grafana.text
    kibana = f"http://127.0.0.1:{stack.environment['KIBANA_PORT']}/"
    assert requests.get(kibana, timeout=30).status_code == 401
    assert requests.get(kibana, auth=("millrace", "wrong"), timeout=30).status_code == 401
    assert requests.get(kibana, auth=("millrace", stack.secret("kibana_password")), timeout=30).status_code == 503


def test_a_published_version_is_followed_by_every_replica(stack, session, tmp_path):
    model, sample = tmp_path / "constant.joblib", tmp_path / "sample.npy"
    rows = np.random.default_rng(0).normal(size=(20, 4))
    joblib.dump(DummyClassifier(strategy="constant", constant=2).fit(rows, np.arange(20) % 3), model)
    np.save(sample, rows)
    before = stack.replicas_and_versions(session)
    assert {version for _, version in before} == {"1"}
    with stack.load(session) as answered:
        stack.run("make", "-s", "publish", "STACK=compose", "NAME=iris", f"MODEL={model}", f"SAMPLE={sample}")
        eventually(
            lambda: stack.replicas_and_versions(session) == {(replica, "2") for replica, _ in before},
            "all replicas on version 2",
        )
    assert set(answered) == {200}
    assert stack.predict(session).json() == {"predictions": [2]}


def test_a_version_published_and_promoted_over_rest_is_followed_by_every_replica(stack, session, tmp_path):
    rows = np.random.default_rng(0).normal(size=(20, 4))
    estimator = DummyClassifier(strategy="constant", constant=1).fit(rows, np.arange(20) % 3)
    np.save(tmp_path / "sample.npy", rows)
    files = {
        "model": ("model.skops", skops.io.dumps(estimator)),
        "sample": ("sample.npy", (tmp_path / "sample.npy").read_bytes()),
    }
    accepted = session.post(
        f"{stack.url}/admin/models/iris/versions", files=files, data={"promote": "true"}, timeout=60
    )
    assert accepted.status_code == 202, accepted.text
    version = eventually(
        lambda: {v for _, v in stack.replicas_and_versions(session)} == {"3"}, "all replicas on version 3"
    )
    assert version
    assert stack.predict(session).json() == {"predictions": [1]}


def test_killing_one_replica_under_load_fails_no_prediction(stack, session):
    victim = inspected(stack.containers("service")[0])
    address = victim["NetworkSettings"]["Networks"][f"{PROJECT}_front"]["IPAddress"]

    def asked_since_a_moment_ago():
        text = docker("logs", "--tail", "50", stack.containers("nginx")[0])
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [line for line in lines if address in line["labels"]["upstream"]]

    with stack.load(session) as answered:
        assert asked_since_a_moment_ago()
        docker("kill", "--signal", "KILL", victim["Id"])
        eventually(lambda: not asked_since_a_moment_ago(), "the dead replica is left alone")
    assert set(answered) == {200}


def test_scaling_is_followed_without_a_restart_of_nginx(stack, session):
    before = inspected(stack.containers("nginx")[0])["State"]["StartedAt"]
    stack.scale(3)
    eventually(lambda: len(stack.replicas(session)) == 3, "three replicas answer")
    stack.scale(2)
    eventually(lambda: len(stack.replicas(session)) == 2, "two replicas answer")
    eventually(
        lambda: (
            sum(t["labels"]["job"] == "millrace" for t in stack.prometheus("targets?state=active")["activeTargets"])
            == 2
        ),
        "Prometheus scrapes two",
    )
    assert inspected(stack.containers("nginx")[0])["State"]["StartedAt"] == before


def test_known_callers_keep_predicting_while_the_database_is_away(stack, session):
    with stack.load(session) as answered:
        stack.compose("stop", "postgres")
        assert stack.predict(session).status_code == 200
        time.sleep(3)  # longer than replicas take to look at the database again
        stack.compose("start", "postgres")
    assert set(answered) == {200}
    client = stack.client()

    def token():
        return requests.post(
            f"{stack.url}/oauth/token",
            auth=(client["client_id"], client["client_secret"]),
            data={"grant_type": "client_credentials"},
            timeout=30,
        )

    issued = eventually(lambda: (answer := token()).status_code == 200 and answer, "tokens again")
    assert issued.json()["access_token"]


def test_replicas_are_replaced_one_after_the_other_without_a_failed_prediction(stack, session):
    before = set(stack.containers("service"))
    assert len(before) == 2
    began = time.monotonic()
    with stack.load(session) as answered:
        stack.run("deploy/compose/roll")
    assert set(answered) == {200}
    since = int(time.monotonic() - began) + 60
    firing = f'last_over_time(ALERTS{{alertname="MillraceReplicaDown", alertstate="firing"}}[{since}s])'
    watched = f'count_over_time(ALERTS{{alertname="MillraceWatchdog"}}[{since}s])'
    assert stack.prometheus("query?query=" + quote(watched))["result"], "no alert was evaluated"
    assert stack.prometheus("query?query=" + quote(firing))["result"] == []
    after = set(stack.containers("service"))
    assert len(after) == 2
    assert not before & after
    eventually(lambda: len(stack.replicas(session)) == 2, "both new replicas answer")


def test_a_replica_that_can_load_no_model_is_not_healthy(stack):
    name = f"{PROJECT}-untrusting"
    stack.compose("run", "--detach", "--no-deps", "--name", name, "--env", "TRUSTED_KEYS=/nowhere", "service")
    try:
        check = inspected(name)["Config"]["Healthcheck"]["Test"][1:]

        def assessed():
            told = subprocess.run(
                ["docker", "exec", name, "python", "-c", READYZ], capture_output=True, text=True, check=False
            ).stdout
            answer = json.loads(told) if told else None
            return answer if answer and answer["workers"] and not answer["loading"] else None

        told = eventually(assessed, "it has tried to load")
        assert told["ready"] is False
        assert told["failed"]
        assert subprocess.run(["docker", "exec", name, *check], capture_output=True, check=False).returncode == 1
        assert inspected(name)["State"]["Health"]["Status"] != "healthy"
    finally:
        docker("rm", "--force", "--volumes", name)


def test_with_all_replicas_gone_nginx_answers_in_the_one_shape_and_serves_again_when_they_are_back(stack, session):
    stack.compose("stop", "service")
    answer = stack.predict(session)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["code"] == "unavailable"
    stack.compose("start", "service")
    eventually(lambda: stack.predict(session).status_code == 200, "predictions again")


def test_no_log_holds_a_secret(stack, session):
    secrets = [stack.secret(name) for name in ("postgres_password", "grafana_password", "kibana_password")]
    secrets += [stack.client()["client_secret"], session.headers["Authorization"].removeprefix("Bearer ")]
    secrets.append(stack.compose("exec", "-T", "service", "cat", "/var/lib/millrace/keys/secrets/audit.key").strip())
    assert stack.predict(session).status_code == 200
    logs = stack.compose("logs", "--no-color")
    assert "/v1/models/iris:predict" in logs
    assert not [secret for secret in secrets if secret in logs]
    assert "PRIVATE KEY" not in logs


def test_models_and_secrets_outlive_the_stack_which_comes_back_with_tls(stack, session, tmp_path):
    client = stack.client()
    before = stack.replicas_and_versions(session)
    stack.compose("down")
    assert not docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}")
    write_pair(tmp_path / "cert.pem", tmp_path / "key.pem")
    stack.environment |= {"TLS_CERT": str(tmp_path / "cert.pem"), "TLS_KEY": str(tmp_path / "key.pem"), "REPLICAS": "1"}
    stack.run("deploy/compose/make-secrets")
    stack.compose("up", "--detach", "--wait", "nginx")
    assert stack.client() == client
    assert stack.run("deploy/compose/address").strip() == stack.tls_url
    session = caller(stack.token())  # from another issuer than before: its address is another
    answer = session.post(
        f"{stack.tls_url}/v1/models/iris:predict", json=ROW, timeout=30, verify=str(tmp_path / "cert.pem")
    )
    assert answer.status_code == 200
    assert {answer.headers["X-Model-Version"]} == {version for _, version in before}
    assert answer.headers["Strict-Transport-Security"]
    assert stack.predict(session).status_code == 403


def test_down_leaves_nothing_behind(stack):
    stack.compose("--profile", "*", "down", "--volumes")
    label = f"label=com.docker.compose.project={PROJECT}"
    for listing in (["ps", "--all"], ["volume", "ls"], ["network", "ls"]):
        assert not docker(*listing, "--quiet", "--filter", label).strip()
