"""Loading and unloading by Triton's repository routes is in the record, like every other change to a model."""

import json

import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from model_store import channels, publish
from model_store.replicas.folder import FolderPresence
from model_store.replicas.presence import Record
from model_store.stores.folder import FolderStore
from tests.service.database.fakes import FailingDatabase


@pytest.fixture
def access(make_access, database_url, clock):
    return make_access(database_url, start=False, database=FailingDatabase(database_url, clock))


@pytest.fixture
def application(make_application, access, sealing_key, tmp_path):
    rows, classes = load_iris(return_X_y=True)
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(rows, classes)
    publish(tmp_path / "models", "shop-iris", model, rows[:20], sealing_key=sealing_key, promote=True)
    return make_application(access, DATABASE_URL=access.configuration.database_url)


@pytest.fixture
def recorded(caller):
    """The entries about loading and unloading, oldest first, as an auditor reads them."""
    auditor = caller("admin")

    def read():
        entries = auditor.get("/admin/audit?limit=100").json["entries"]
        return [entry for entry in reversed(entries) if entry["action"] in {"model.load", "model.unload"}]

    return read


def steps(entries):
    return [(entry["action"], entry["target"], entry["outcome"]) for entry in entries]


def test_unloading_and_loading_is_recorded_with_who_what_whence_and_outcome(caller, recorded):
    operator = caller("operator", ["shop-*"])
    unloaded = operator.post("/v2/repository/models/shop-iris/unload")
    loaded = operator.post("/v2/repository/models/shop-iris/load")
    assert (unloaded.status_code, loaded.status_code) == (200, 200)
    found = recorded()
    assert steps(found) == [
        ("model.unload", "shop-iris", "started"),
        ("model.unload", "shop-iris", "ok"),
        ("model.load", "shop-iris", "started"),
        ("model.load", "shop-iris", "ok"),
    ]
    assert {entry["actor"] for entry in found} == {f"client:{operator.id}"}
    assert {entry["address"] for entry in found} == {"127.0.0.1"}
    ids = [answer.headers["X-Request-ID"] for answer in (unloaded, unloaded, loaded, loaded)]
    assert [entry["request_id"] for entry in found] == ids


@pytest.mark.parametrize(
    ("path", "body", "outcome"),
    [
        ("shop-none/load", {}, "model_not_found"),
        ("shop-none/unload", {}, "model_not_found"),
        ("shop-iris/load", {"parameters": {"config": "{}"}}, "malformed_request"),
    ],
)
def test_a_refused_one_is_recorded_with_its_code(caller, recorded, path, body, outcome):
    answer = caller("operator", ["shop-*"]).post(f"/v2/repository/models/{path}", json=body)
    assert answer.json["code"] == outcome
    name, verb = path.split("/")
    assert steps(recorded()) == [(f"model.{verb}", name, "started"), (f"model.{verb}", name, outcome)]


def test_one_that_not_every_worker_followed_in_time_is_recorded_as_such(caller, recorded, application, tmp_path):
    idle = {
        "format": 1,
        "replica": "other",
        "pid": 1,
        "started": 0,
        "at": 0,
        "memory": 0,
        "settled": True,
        "models": {},
    }
    FolderPresence(tmp_path / "presence").announce(Record("other", 1, json.dumps(idle).encode()))
    application.convergence.seconds = 0.5
    answer = caller("operator", ["shop-*"]).post("/v2/repository/models/shop-iris/unload")
    assert answer.status_code == 503
    assert [entry["outcome"] for entry in recorded()] == ["started", "model_not_ready"]


def test_nothing_changes_where_nothing_can_be_recorded(caller, access, tmp_path):
    operator = caller("operator", ["shop-*"])
    access.database.away = True
    assert operator.post("/v2/repository/models/shop-iris/unload").status_code == 503
    assert not channels.read(FolderStore(tmp_path / "models"), "shop-iris").unloaded
