"""From the first release to this tree and back: what it left goes on working, and no prediction fails on the way.

The tests build on each other, in this order: up, work, back, and at last both releases side by side on a fresh state.
"""

import json
import shutil
import sqlite3
import subprocess
import tarfile
from contextlib import closing

import pytest
import requests

from tests.system.load import Load
from tests.system.running import Stack, eventually
from tests.upgrade import calls
from tests.upgrade.asking import Asker, difference
from tests.upgrade.releases import FIRST, check_out, copy_of_this_tree, unpack
from tests.upgrade.replica import Replica

ROWS = {"instances": calls.IRISES}
LARGER = "more rows than the quota"
"""The recorded call that the first release told to come again, for ever; now it is refused for good."""
RENAMED = "tensorflow_serving, metadata of an array"
"""The recorded call whose answer calls the tensor of an array ``inputs``; now it has the name that /v2 gives it."""
EXTENDED = "open_inference, the server"
"""The recorded call whose answer lists the protocol's extensions; now there are more."""


@pytest.fixture(scope="module")
def this_tree(tmp_path_factory):
    """The code as it is, in a folder where an .env of its own can be."""
    return copy_of_this_tree(tmp_path_factory.mktemp("this-tree"))


@pytest.fixture(scope="module")
def first_tree(tmp_path_factory):
    """The first release's code."""
    try:
        return check_out(FIRST.commit, tmp_path_factory.mktemp("first-tree"))
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"the first release's code is not here: this checkout has no history with {FIRST.commit[:7]}")


class Upgrade:
    """A stack of this tree in the place, and with the .env, of a stack of the first release."""

    def __init__(self, root):
        self.root = root
        self.credentials = unpack(FIRST, root)
        self.database = root / "var" / "state" / "millrace.db"
        self.before = rows(self.database)
        self.stack = Stack(root, root=root)
        self.asker = Asker(self.stack.url, self.credentials)

    def admin(self, method, path, **how):
        headers = self.asker.authorization("demo")
        return requests.request(method, f"{self.stack.url}/admin/{path}", headers=headers, timeout=60, **how)


@pytest.fixture(scope="module")
def upgrade(this_tree):
    upgrade = Upgrade(this_tree)
    try:
        upgrade.stack.start()
        eventually(upgrade.stack.all_ready, 60, "a ready stack")
        yield upgrade
    finally:
        upgrade.stack.stop()


def rows(database):
    """Every row of every table, by the table's name, each row an object."""
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        queries = {name: f"SELECT * FROM {name}" for name in names}  # noqa: S608 - the database's own names
        return {name: [dict(row) for row in connection.execute(query)] for name, query in queries.items()}


def failures(asker, dialects, but=()):
    """How many recorded calls of these dialects were asked, and in what each answer differs that does."""
    asked = [
        (f"{dialect}, {call.name}", call, before)
        for dialect, call, before in FIRST.recorded()
        if dialect in dialects and not {call.name, f"{dialect}, {call.name}"} & set(but)
    ]
    differences = {name: difference(call, before, asker.ask(call)) for name, call, before in asked}
    return len(asked), {name: differs for name, differs in differences.items() if differs}


def recorded_call(name):
    """A recorded call and its answer, by dialect and name."""
    (found,) = ((call, before) for dialect, call, before in FIRST.recorded() if f"{dialect}, {call.name}" == name)
    return found


def test_every_recorded_request_gets_the_answer_that_the_first_release_gave(upgrade):
    asked, failed = failures(upgrade.asker, calls.DIALECTS, but=(LARGER, RENAMED, EXTENDED))
    assert (asked, failed) == (len(list(FIRST.recorded())) - 3, {})
    assert asked > 90


def test_of_an_array_s_metadata_nothing_has_changed_but_the_tensor_s_name_and_the_old_one_is_taken(upgrade):
    call, before = recorded_call(RENAMED)
    told = before["body"]["text"]
    text = told.replace('"inputs":{"inputs":', '"inputs":{"input":').replace('"inputs:0"', '"input:0"')
    assert text != told
    assert upgrade.asker.ask(call) == {**before, "body": {"text": text}}
    bodies = [{"inputs": {name: calls.IRISES}} for name in ("inputs", "input")]
    asked = [upgrade.asker.ask(calls.post("named", "/v1/models/iris:predict", body)) for body in bodies]
    assert asked[0]["status"] == 200
    assert asked[0] == asked[1]


def test_the_server_has_every_extension_of_the_first_release(upgrade):
    call, before = recorded_call(EXTENDED)
    then, now = (json.loads(answer["body"]["text"]) for answer in (before, upgrade.asker.ask(call)))
    assert set(then.pop("extensions")) <= set(now.pop("extensions"))
    assert now == {**then, "version": now["version"]}


def test_a_request_larger_than_its_whole_quota_is_told_so(upgrade):
    (call,) = (call for _, call, _ in FIRST.recorded() if call.name == LARGER)
    answer = upgrade.asker.ask(call)
    assert (answer["status"], json.loads(answer["body"]["text"])["code"]) == (400, "larger_than_quota")


def test_refresh_tokens_of_the_first_release_are_good_once_and_withdrawn_ones_are_not(upgrade):
    client = upgrade.credentials["scorer"]

    def refreshed(name):
        token = upgrade.credentials[name]
        return upgrade.asker.token(grant_type="refresh_token", refresh_token=token, **client)

    assert [refreshed(name).status_code for name in ("refresh", "another-refresh")] == [200, 200]
    assert refreshed("refresh").status_code == 400
    for name in ("used-refresh", "revoked-refresh"):
        assert (refreshed(name).status_code, refreshed(name).json()["error"]) == (400, "invalid_grant")


def test_a_prediction_of_the_first_release_can_be_judged(upgrade):
    feedback = {"feedback": [{"request_id": "to-be-judged", "truth": ["setosa", "setosa"]}]}
    assert upgrade.admin("POST", "models/iris/feedback", json=feedback).json()["joined"] == 2


def test_versions_of_the_first_release_are_promoted_and_rolled_back(upgrade):
    accepted = upgrade.admin("POST", "models/iris/versions/3/promote").json()["operation"]
    ended = eventually(lambda: ended_operation(upgrade, accepted), 60, "the promotion")
    assert (ended["state"], ended["result"]["served_everywhere"]) == ("succeeded", True)
    assert upgrade.admin("POST", "models/iris/rollback").json()["stable"] == 2
    history = upgrade.admin("GET", "models/iris").json()["history"]
    assert [move["action"] for move in history][-3:] == ["promote", "promote", "rollback"]


def ended_operation(upgrade, operation):
    shown = upgrade.admin("GET", f"operations/{operation}").json()
    return None if shown["state"] == "running" else shown


@pytest.fixture(scope="module")
def published(upgrade):
    """The number of a version that this tree published into the first release's store."""
    artifact = upgrade.root / "var" / "models" / "iris" / "1" / "artifact.skops"
    sample = upgrade.root / "sample.json"
    sample.write_text(json.dumps(calls.IRISES * 10))
    done = upgrade.stack.run("model_store", "publish", "iris", str(artifact), "--sample", str(sample), "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["version"]


def test_what_is_published_never_takes_the_number_of_a_retired_version(published):
    assert published == 5


def test_the_audit_chain_of_the_first_release_is_whole_and_goes_on(upgrade):
    told = upgrade.stack.run("service.auth", "verify-audit", "--json")
    assert told.returncode == 0, told.stdout
    kept = len(upgrade.before["audit"])
    assert json.loads(told.stdout)["entries"] > kept
    assert rows(upgrade.database)["audit"][:kept] == upgrade.before["audit"]
    newest = upgrade.admin("GET", "audit?action=model.rollback&limit=1").json()["entries"]
    assert [(entry["target"], entry["outcome"]) for entry in newest] == [("iris", "ok")]


@pytest.fixture(scope="module")
def returned(upgrade):
    """All rows before and after the way back: this tree's stack is stopped, its database taken to the schema before."""
    upgrade.stack.stop()
    before = rows(upgrade.database)
    done = upgrade.stack.run("service.auth", "migrate", "--to", FIRST.schema)
    assert done.returncode == 0, done.stderr
    return before, rows(upgrade.database)


def test_the_database_goes_back_to_the_migration_before_and_no_row_is_lost(upgrade, returned, tmp_path):
    """What this tree added may stay: the first release does not look at it."""
    before, after = returned
    assert after.pop("alembic_version") == [{"version_num": FIRST.schema}]
    with tarfile.open(FIRST.archive) as tar:
        tar.extract("var/state/millrace.db", tmp_path, filter="data")
    assert schema(tmp_path / "var" / "state" / "millrace.db") <= schema(upgrade.database)
    assert after == {table: before[table] for table in after}
    assert after.keys() >= upgrade.before.keys() - {"alembic_version"}


def test_the_first_release_starts_again_and_serves_what_this_tree_published(published, upgrade, returned, first_tree):
    shutil.copyfile(upgrade.root / ".env", first_tree / ".env")
    stack = Stack(upgrade.root, root=first_tree)
    try:
        stack.start()
        eventually(stack.all_ready, 60, "a ready stack")
        asker = Asker(stack.url, upgrade.credentials)
        asked, failed = failures(asker, calls.DIALECTS.keys() - {"administration"}, but={"states", "index", LARGER})
        assert (asked > 75, failed) == (True, {})
        promote = f"{stack.url}/admin/models/iris/versions/{published}/promote"
        assert requests.post(promote, headers=asker.authorization("demo"), timeout=30).status_code == 202
        eventually(lambda: version_of(stack.url, asker) == str(published), 30, "the version that this tree published")
        assert stack.run("service.auth", "verify-audit").returncode == 0
    finally:
        stack.stop()


def schema(database):
    """Every table, index and trigger, and every column of every table."""
    with closing(sqlite3.connect(database)) as connection:
        objects = connection.execute("SELECT type, name FROM sqlite_master").fetchall()
        tables = [name for kind, name in objects if kind == "table"]
        columns = {(name, *column) for name in tables for column in connection.execute(f"PRAGMA table_info({name})")}
    return {*objects, *columns}


def version_of(url, asker):
    headers = asker.authorization("scorer")
    answer = requests.post(f"{url}/v1/models/iris:predict", json=ROWS, headers=headers, timeout=30)
    return answer.headers.get("X-Model-Version")


def test_replicas_of_both_releases_serve_side_by_side(this_tree, first_tree, tmp_path):
    """One of the first release goes on while the database is migrated; one starts when it has been taken back."""
    credentials = unpack(FIRST, tmp_path)
    new = Replica("new", this_tree, tmp_path)
    with Replica("old", first_tree, tmp_path) as old, predictions(old, credentials) as of_old:
        new.run("service.auth", "migrate")
        with new, predictions(new, credentials) as of_new:
            promote_and_roll_back(old, new, credentials)
            new.run("service.auth", "migrate", "--to", FIRST.schema)
            with Replica("old-again", first_tree, tmp_path) as again, predictions(again, credentials) as of_again:
                promote_and_roll_back(again, new, credentials)
    loads = {"old": of_old, "new": of_new, "old again": of_again}
    for name, load in loads.items():
        assert (name, load.failed) == (name, [])
        assert {seen.version for seen in load.seen} == {"2", "3"}
    assert json.loads(new.run("service.auth", "verify-audit", "--json"))["intact"]


def predictions(replica, credentials):
    bearer = {"Authorization": f"Bearer {credentials['key']}"}
    return Load(f"{replica.url}/v1/models/iris:predict", bearer, ROWS, clients=1, pause=0.02)


def promote_and_roll_back(old, new, credentials):
    """Promoted by the new replica, rolled back by the old one; each with a token that the other issued."""
    by_old, by_new = (Asker(replica.url, credentials).authorization("demo") for replica in (old, new))
    promoted = requests.post(f"{new.url}/admin/models/iris/versions/3/promote", headers=by_old, timeout=30)
    assert promoted.status_code == 202, promoted.text
    operation = f"/admin/operations/{promoted.json()['operation']}"

    def ended(replica):
        shown = requests.get(replica.url + operation, headers=by_new, timeout=30).json()
        return None if shown["state"] == "running" else shown

    told = [eventually(lambda replica=replica: ended(replica), 60, "the promotion") for replica in (new, old)]
    assert [(one["state"], one["result"]["served_everywhere"]) for one in told] == [("succeeded", True)] * 2
    shown = requests.get(f"{new.url}/admin/models/iris", headers=by_new, timeout=30).json()["replicas"]
    assert {"new", "old"} <= shown.keys()
    back = requests.post(f"{old.url}/admin/models/iris/rollback", headers=by_new, timeout=30)
    assert back.json()["stable"] == 2
    asker = Asker(new.url, credentials)
    eventually(lambda: all(version_of(replica.url, asker) == "2" for replica in (old, new)), 30, "the rollback")
