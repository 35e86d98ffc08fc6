"""Access control across two replicas of two workers each, on PostgreSQL, with real clients."""

import base64
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

from tests.postgresql_server import own_server
from tests.system.running import free_ports

ROOT = Path(__file__).parents[2]
PYTHON = sys.executable
ROW = [5.1, 3.5, 1.4, 0.2]
TRAIN = """
import sys, joblib
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier
rows, classes = load_iris(return_X_y=True)
joblib.dump(DecisionTreeClassifier(max_depth=3).fit(rows, classes), sys.argv[1])
"""


class Replicas:
    """Two replicas on one store and one database."""

    def __init__(self, folder, database):
        self.folder, self.database = folder, database
        first = free_ports(8)
        self.ports = [first, first + 4]  # of each replica's first worker; its other ones and the management follow
        self.processes = []
        self.environment = {
            **os.environ,
            "MODEL_STORE_ROOT": str(folder / "models"),
            "TRUSTED_KEYS": str(folder / "keys" / "trusted"),
            "JWT_KEYS": str(folder / "secrets" / "jwt"),
            "AUDIT_KEY_FILE": str(folder / "secrets" / "audit.key"),
            "DATABASE_URL": database.url("postgres"),
            "ISSUER": f"http://127.0.0.1:{self.ports[0]}",
            "WORKERS": "2",
            "ACCESS_LOG_SAMPLING": "1",
        }

    def run(self, *command, python=True):
        made = subprocess.run(
            [PYTHON, *command], env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stderr
        return made.stdout

    def auth(self, *arguments):
        return json.loads(self.run("-m", "service.auth", *arguments, "--json"))

    def prepare(self):
        self.auth("create-secrets")
        self.auth("migrate")
        self.run("-c", TRAIN, str(self.folder / "iris.joblib"))
        np.save(self.folder / "rows.npy", np.array([ROW] * 5))
        self.run("-m", "model_store", "keygen", "--root", self.environment["MODEL_STORE_ROOT"])
        files = [str(self.folder / "iris.joblib"), "--sample", str(self.folder / "rows.npy")]
        self.run("-m", "model_store", "publish", "iris", *files, "--promote")

    def start(self):
        for number, port in enumerate(self.ports):
            environment = {
                **self.environment,
                "REPLICA": f"replica-{number}",
                "RUN_DIR": str(self.folder / f"run-{number}"),
                "BIND": f"127.0.0.1:{port}",
                "MANAGEMENT_BIND": f"127.0.0.1:{port + 3}",
            }
            command = [PYTHON, "-m", "gunicorn", "-c", "python:service.gunicorn_conf", "service.wsgi:application"]
            log = (self.folder / f"replica-{number}.log").open("w")
            self.processes.append(
                subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
            )
        deadline = time.monotonic() + 120
        for port in (first + slot for first in self.ports for slot in range(3)):
            while not self._answers(port):
                assert time.monotonic() < deadline, (self.folder / "replica-0.log").read_text()[-3000:]
                time.sleep(0.2)

    def _answers(self, port):
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"http://127.0.0.1:{port}/v2/health/ready", timeout=10).status_code == 200
        return False

    def predict(self, headers, number=0):
        port = self.ports[number % 2] + number // 2 % 3
        address = f"http://127.0.0.1:{port}/v1/models/iris:predict"
        return requests.post(address, json={"instances": [ROW]}, headers=headers, timeout=20)

    def everywhere(self, headers, times=24):
        """The statuses of so many requests, over all three workers of both replicas."""
        return {self.predict(headers, number).status_code for number in range(times)}

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=60)


@pytest.fixture(scope="module")
def database():
    yield from own_server()


@pytest.fixture(scope="module")
def replicas(tmp_path_factory, database):
    replicas = Replicas(tmp_path_factory.mktemp("replicas"), database)
    replicas.prepare()
    replicas.start()
    yield replicas
    replicas.stop()


@pytest.fixture(scope="module")
def endpoint(replicas):
    return f"http://127.0.0.1:{replicas.ports[0]}/oauth/token"


@pytest.fixture
def client(replicas):
    return replicas.auth("create-client", f"client-{time.monotonic_ns()}", "--role", "predictor")


def token_of(endpoint, client):
    answer = requests.post(
        endpoint,
        data={"grant_type": "client_credentials"},
        auth=(client["client_id"], client["client_secret"]),
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


class Load:
    """Predictions one after another in threads, until told to stop."""

    def __init__(self, replicas, headers_of):
        self.statuses, self._going = [], True
        self._threads = [threading.Thread(target=self._run, args=(replicas, headers_of, number)) for number in range(3)]

    def _run(self, replicas, headers_of, number):
        while self._going:
            number += 1
            try:
                self.statuses.append(replicas.predict(headers_of(), number).status_code)
            except requests.RequestException as error:
                self.statuses.append(repr(error))
            time.sleep(0.02)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._going = False
        for thread in self._threads:
            thread.join()


def failed(load):
    return [status for status in load.statuses if status != 200]


def test_authlib_gets_uses_refreshes_and_revokes_tokens(replicas, endpoint, client):
    session = AuthlibSession(client["client_id"], client["client_secret"])
    session.fetch_token(endpoint, grant_type="client_credentials")
    address = f"http://127.0.0.1:{replicas.ports[0]}/v1/models/iris:predict"
    assert session.post(address, json={"instances": [ROW]}).status_code == 200
    first = session.token["refresh_token"]
    session.refresh_token(endpoint)
    assert session.token["refresh_token"] != first
    assert session.post(address, json={"instances": [ROW]}).status_code == 200
    revoked = session.revoke_token(endpoint.replace("/token", "/revoke"), token=session.token["access_token"])
    assert revoked.status_code == 200


@pytest.mark.parametrize("include_client_id", [True, False], ids=["form", "basic"])
def test_requests_oauthlib_gets_and_uses_tokens(replicas, endpoint, client, monkeypatch, include_client_id):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # plain HTTP on this machine
    session = OAuth2Session(client=BackendApplicationClient(client["client_id"]))
    if include_client_id:
        session.fetch_token(
            endpoint, client_id=client["client_id"], client_secret=client["client_secret"], include_client_id=True
        )
    else:
        auth = requests.auth.HTTPBasicAuth(client["client_id"], client["client_secret"])
        session.fetch_token(endpoint, auth=auth)
    address = f"http://127.0.0.1:{replicas.ports[1]}/v1/models/iris:predict"
    assert session.post(address, json={"instances": [ROW]}).status_code == 200


@pytest.mark.parametrize("what", ["token", "key", "grant", "client"])
def test_what_is_revoked_is_refused_by_all_workers_of_all_replicas_in_five_seconds(replicas, endpoint, client, what):
    key = replicas.auth("create-key", client["client_id"])
    token = token_of(endpoint, client)
    headers = {"X-API-Key": key["api_key"]} if what == "key" else {"Authorization": f"Bearer {token}"}
    assert replicas.everywhere(headers) == {200}
    if what == "token":
        auth = (client["client_id"], client["client_secret"])
        requests.post(endpoint.replace("/token", "/revoke"), data={"token": token}, auth=auth, timeout=20)
    elif what == "key":
        replicas.auth("revoke", "key", key["key_id"])
    elif what == "grant":
        subject = f"client:{client['client_id']}"
        (grant,) = (row["id"] for row in replicas.auth("list", "grants") if row["subject"] == subject)
        replicas.auth("revoke", "grant", grant)
    else:
        replicas.auth("revoke", "client", client["client_id"])
    time.sleep(5)
    assert replicas.everywhere(headers) <= {401, 404}


def test_a_signing_key_rotated_under_load_fails_nothing(replicas, endpoint, client):
    tokens = [token_of(endpoint, client)]

    def headers():
        return {"Authorization": f"Bearer {tokens[-1]}"}

    def kid(token):
        head = token.split(".")[0]
        return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]

    before = kid(tokens[0])
    with Load(replicas, headers) as load:
        time.sleep(1)
        created = Path(replicas.auth("rotate-signing-key")["created"])
        then = time.time() - 121  # as if two minutes had passed
        os.utime(created, (then, then))
        for _ in range(8):
            time.sleep(0.5)
            tokens.append(token_of(endpoint, client))
    assert failed(load) == []
    assert len(load.statuses) > 20
    assert kid(tokens[-1]) != before
    assert replicas.predict({"Authorization": f"Bearer {tokens[0]}"}).status_code == 200


def test_postgresql_killed_and_restarted_under_load_fails_no_known_caller(replicas, endpoint, client, database):
    token, key = token_of(endpoint, client), replicas.auth("create-key", client["client_id"])["api_key"]
    shown = [{"Authorization": f"Bearer {token}"}, {"X-API-Key": key}]
    time.sleep(2)  # a second is what a worker may take to know a new caller
    turns = iter(range(10**9))
    with Load(replicas, lambda: shown[next(turns) % 2]) as load:
        time.sleep(1)
        database.kill()
        try:
            time.sleep(4)
            refused = requests.post(
                endpoint,
                data={"grant_type": "client_credentials"},
                auth=(client["client_id"], client["client_secret"]),
                timeout=20,
            )
        finally:
            database.start()
        time.sleep(3)
    assert failed(load) == []
    assert len(load.statuses) > 50
    assert refused.status_code == 503
    assert "Retry-After" in refused.headers
    assert token_of(endpoint, client)
    assert replicas.auth("verify-audit")["intact"] is True


def test_a_quota_holds_over_all_workers_of_all_replicas(replicas, endpoint):
    client = replicas.auth(
        "create-client", f"limited-{time.monotonic_ns()}", "--role", "predictor", "--requests-per-minute", "30"
    )
    headers = {"Authorization": f"Bearer {token_of(endpoint, client)}"}
    if time.time() % 60 > 40:
        time.sleep(60 - time.time() % 60)
    answers = [replicas.predict(headers, number) for number in range(60)]
    passed = sum(answer.status_code == 200 for answer in answers)
    assert 30 - 3 <= passed <= 30 + 4
    assert {answer.status_code for answer in answers} == {200, 429}
    assert all("RateLimit" in answer.headers for answer in answers)
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert int(refused.headers["Retry-After"]) <= 60


def test_no_log_holds_a_secret(replicas, endpoint, client):
    token = token_of(endpoint, client)
    key = replicas.auth("create-key", client["client_id"])["api_key"]
    for headers in ({"Authorization": f"Bearer {token}"}, {"X-API-Key": key}, {"X-API-Key": key + "canary"}):
        replicas.predict(headers)
    logged = "".join(path.read_text() for path in replicas.folder.glob("*.log"))
    assert logged
    for secret in (token, key, client["client_secret"], "canary", str(ROW)[1:-1]):
        assert secret not in logged
