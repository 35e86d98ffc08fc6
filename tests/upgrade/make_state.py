"""Makes the state that a release leaves, and records what it answers: python -m tests.upgrade.make_state COMMIT NAME.

COMMIT is the release's. The release itself makes everything, with its own commands, in a folder of its own; what comes
out is NAME.tar.gz (.env, store, keys, secrets, database, credentials) and a file of answers for each dialect in NAME/.
"""

import json
import os
import re
import shutil
import sqlite3
import sys
import tarfile
import tempfile
import time
from contextlib import closing
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import requests
import skops.io

from tests.system.running import Stack, eventually
from tests.upgrade import calls
from tests.upgrade.asking import Asker, difference
from tests.upgrade.estimators import publications
from tests.upgrade.releases import check_out

HERE = Path(__file__).parent
ENV = """\
# What an operator may have written, each form of a line once.
REPLICAS=2
export WORKERS=1
DEFAULT_MODEL="iris"
PUBLIC_MODELS='moods'
MAX_ROWS=500
ISSUER=http://millrace.example
AUDIENCE=upgrade
REFRESH_TOKEN_SECONDS=2592000
FEEDBACK_RECORDS=50
WATCH_SECONDS=0.2
GRACEFUL_TIMEOUT=10
CONNECTIONS_PER_ADDRESS=1000
TOKEN_REQUESTS_PER_SECOND=1000
ALL_TOKEN_REQUESTS_PER_SECOND=1000
NGINX_METRICS_PORT=0
PROMETHEUS_PORT=0
"""
KEPT = (".env", "credentials.json", "var/models", "var/keys", "var/secrets", "var/state")
BY = {"LOGNAME": "operator"}


def main(commit, name):
    """Make both."""
    with tempfile.TemporaryDirectory() as folder:
        root = check_out(commit, Path(folder) / "release")
        (root / ".env").write_text(ENV)
        stack = Stack(root, root=root, **BY)
        for forced in ("REPLICAS", "WORKERS"):
            stack.environment.pop(forced, None)
        publish(stack, Path(folder))
        stack.start()
        try:
            credentials = administer(stack)
            (root / "credentials.json").write_text(json.dumps(credentials, indent=1) + "\n")
            record(stack, credentials, HERE / name)
            predict_what_is_judged_later(stack, credentials)
        finally:
            stack.stop()
        pack(root, HERE / f"{name}.tar.gz")


def publish(stack, folder):
    """All versions, with the store's command line; the channels, labels and gaps of a store that has been used."""
    run(stack, "model_store", "keygen")
    for publication in publications():
        estimator = folder / f"estimator.{publication.file}"
        (skops.io.dump if publication.file == "skops" else joblib.dump)(publication.estimator, estimator)
        where = [str(estimator), "--sample", str(write(publication.sample, folder / "sample"))]
        run(stack, "model_store", "publish", publication.model, *where, *publication.options, "--by", "team")
        if publication.model == "moods":
            run(stack, "model_store", "publish", "resting", *where, "--promote", "--by", "team")
    for name in ("diabetes", "loans", "moods", "sizes", "targets"):
        run(stack, "model_store", "promote", name, "1", "--by", "operator")
    for version in ("1", "2", "3"):
        run(stack, "model_store", "promote", "iris", version, "--by", "operator")
    run(stack, "model_store", "rollback", "iris", "--by", "operator")
    run(stack, "model_store", "label", "iris", "champion", "1", "--by", "operator")
    run(stack, "model_store", "retire", "iris", "4")


def write(sample, path):
    """The sample in a file of the format that suits it."""
    if isinstance(sample, pd.DataFrame):
        path = path.with_suffix(".parquet")
        sample.to_parquet(path, index=False)
    elif isinstance(sample, np.ndarray):
        path = path.with_suffix(".npy")
        np.save(path, sample)
    else:
        path = path.with_suffix(".json")
        path.write_text(json.dumps(sample))
    return path


def administer(stack):
    """Clients, keys, grants and tokens of every kind, work on models over REST; returns the credentials."""
    demo = json.loads((stack.var / "secrets" / "demo-client.json").read_text())
    made = {"demo": demo, "operations": {}}
    for name, role in (("scorer", "predictor"), ("rotated", "predictor"), ("revoked-client", "predictor")):
        made[name] = client(stack, name, "--role", role)
    made["viewer"] = client(stack, "viewer", "--role", "viewer", "--models", "iris*")
    quotas = ("--requests-per-minute", "600", "--rows-per-minute", "5")
    made["limited"] = client(stack, "limited", "--role", "predictor", *quotas)
    made["revoked-grant"] = client(stack, "revoked-grant", "--role", "predictor")
    access(stack, "grant", "corp:alice", "--role", "operator", "--models", "iris", "loans")
    make_keys(stack, made)
    made["rotated-before"] = made["rotated"]
    made["rotated"] = told(access(stack, "rotate", "client", "rotated", "--overlap", "700"))
    withdraw(stack, made)
    asker = Asker(stack.url, made)
    eventually(lambda: asker.token(grant_type="client_credentials", **made["rotated"]).ok)
    make_tokens(asker, made)
    work_on_models(stack, asker, made)
    return made


def make_keys(stack, made):
    """API keys: a whole one, one for a header, a narrow one, a replaced and a revoked one."""
    key = lambda name, *options: access(stack, "create-key", "scorer", "--name", name, *options)  # noqa: E731
    made["key"], made["header-key"] = key("whole", "--days", "300")["api_key"], key("header")["api_key"]
    narrow = ("--permissions", "model:predict", "--models", "iris", "diabetes")
    made["narrow-key"] = key("narrow", *narrow)["api_key"]
    replaced, revoked = key("replaced"), key("revoked")
    made["replaced-key"], made["revoked-key"] = replaced["api_key"], revoked["api_key"]
    access(stack, "rotate", "key", replaced["key_id"], "--overlap", "700")
    access(stack, "revoke", "key", revoked["key_id"])


def withdraw(stack, made):
    """Take back a client and a grant."""
    access(stack, "revoke", "client", made["revoked-client"]["client_id"])
    grants = access(stack, "list", "grants")
    subject = f"client:{made['revoked-grant']['client_id']}"
    access(stack, "revoke", "grant", next(grant["id"] for grant in grants if grant["subject"] == subject))


def make_tokens(asker, made):
    """Refresh tokens: two that are good, one that was used, one that was revoked; and a secret that was wrong."""
    scorer = made["scorer"]
    first, second, used, revoked = (asker.token(grant_type="client_credentials", **scorer).json() for _ in range(4))
    made["refresh"], made["another-refresh"] = first["refresh_token"], second["refresh_token"]
    made["used-refresh"], made["revoked-refresh"] = used["refresh_token"], revoked["refresh_token"]
    asker.token(grant_type="refresh_token", refresh_token=made["used-refresh"], **scorer)
    form = {"token": made["revoked-refresh"], **scorer}
    requests.post(f"{asker.url}/oauth/revoke", data=form, timeout=30).raise_for_status()
    asker.token(grant_type="client_credentials", client_id=scorer["client_id"], client_secret="wrong")


def work_on_models(stack, asker, made):
    """An operation that succeeds and one that fails; a model loaded, one unloaded."""
    admin = asker.authorization("demo")
    promoted = requests.post(f"{stack.url}/admin/models/iris/versions/2/promote", headers=admin, timeout=30).json()
    files = {"model": ("m.skops", b"no model"), "sample": ("s.json", b"[[1]]")}
    refused = requests.post(f"{stack.url}/admin/models/broken/versions", headers=admin, files=files, timeout=30).json()
    made["operations"] = {"finished": promoted["operation"], "failed": refused["operation"]}
    for name, operation in made["operations"].items():
        ended = eventually(lambda at=operation: ended_operation(stack, admin, at), 60, f"the {name} operation")
        assert ended == {"finished": "succeeded", "failed": "failed"}[name], ended
    for name, verb in (("groups", "load"), ("resting", "unload")):
        url = f"{stack.url}/v2/repository/models/{name}/{verb}"
        requests.post(url, headers=admin, timeout=60).raise_for_status()


def ended_operation(stack, admin, operation):
    """How an operation ended; None while it runs."""
    shown = requests.get(f"{stack.url}/admin/operations/{operation}", headers=admin, timeout=30).json()
    return None if shown["state"] == "running" else shown["state"]


def predict_what_is_judged_later(stack, credentials):
    """A prediction whose truth is told to a later release."""
    headers = {"X-API-Key": credentials["key"], "X-Request-ID": "to-be-judged"}
    body = {"instances": calls.IRISES}
    requests.post(f"{stack.url}/v1/models/iris:predict", json=body, headers=headers, timeout=30).raise_for_status()


def record(stack, credentials, folder):
    """Ask everything twice, and keep what was answered; both answers have to be the same."""
    asker = Asker(stack.url, credentials)
    time.sleep(2)  # so that every worker knows every credential
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for dialect, listed in calls.DIALECTS.items():
        recorded = []
        for call in listed():
            answer = asker.ask(call)
            differs = difference(call, answer, asker.ask(call))
            assert not differs, f"{dialect}, {call.name}: {differs}"
            assert answer["status"] < requests.codes.server_error or call.path.startswith(STARTS_503), (call, answer)
            if call.compare == calls.STATUS:
                answer = {"status": answer["status"]}
            recorded.append(calls.to_json(call, answer))
        text = json.dumps(recorded, indent=1, ensure_ascii=False)
        (folder / f"{dialect}.json").write_text(text + "\n")


STARTS_503 = ("/v1/models/resting", "/v2/models/resting", "/v1/models/iris:explain")
"""Addresses whose answer is rightly a server's error."""


def pack(root, archive):
    """The kept files, with no trace of who packed them or where."""
    with closing(sqlite3.connect(root / "var" / "state" / "millrace.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for path in root.rglob(".lock"):
        path.unlink()
    refuse_places(root)
    with tarfile.open(archive, "w:gz") as tar:
        for name in KEPT:
            tar.add(root / name, name, filter=anonymous)


def anonymous(entry):
    """An entry of nobody; none for what only a running stack needs."""
    if re.search(r"/(\.replicas|[^/]*-(wal|shm))$", entry.name):
        return None
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def refuse_places(root):
    """End where a file to be kept names a folder of this machine."""
    places = [os.fsencode(path) for path in (root, HERE.parents[1], tempfile.gettempdir(), Path.home())]
    for name in KEPT:
        for path in [root / name, *(root / name).rglob("*")]:
            found = [place for place in places if path.is_file() and len(place) > 1 and place in path.read_bytes()]
            if found:
                sys.exit(f"{path.relative_to(root)} names {found}")


def client(stack, name, *options):
    """A new client's id and secret."""
    return access(stack, "create-client", name, *options)


def access(stack, *arguments):
    """What a command of access control answers."""
    return json.loads(run(stack, "service.auth", arguments[0], "--json", *arguments[1:]))


def told(answer):
    """The id and secret in an answer."""
    return {name: answer[name] for name in ("client_id", "client_secret")}


def run(stack, *command):
    """What a command prints; ends where it fails."""
    done = stack.run(*command)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main(*sys.argv[1:])
