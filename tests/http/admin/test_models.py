"""/admin/models over REST: publish, promote, roll back, retire, and how they stand."""

import io
import json
import time

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from model_store import publish
from model_store.lifecycle import bundles
from model_store.stores.folder import FolderStore
from service.audit.entry import Actor
from service.operations.operations import Operations


@pytest.fixture
def access(make_access, sqlite_url):
    return make_access(sqlite_url, start=False)


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(40, 3))


@pytest.fixture
def estimator(rows):
    return LogisticRegression().fit(rows, rows[:, 0] > 0)


@pytest.fixture
def operator(caller):
    return caller("operator", ["shop-*"])


def npy(rows):
    buffer = io.BytesIO()
    np.save(buffer, rows)
    return io.BytesIO(buffer.getvalue())


def upload(caller, name, model, sample=None, **form):
    files = {"model": model} | ({"sample": (npy(sample), "rows.npy")} if sample is not None else {})
    return caller.post(f"/admin/models/{name}/versions", data={**files, **form}, content_type="multipart/form-data")


def skops_file(estimator):
    return io.BytesIO(skops.io.dumps(estimator)), "model.skops"


def finished(caller, answer):
    assert answer.status_code == 202, answer.json
    assert answer.headers["Location"] == answer.json["status"]
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = caller.get(answer.headers["Location"]).json
        if found["state"] != "running":
            return found
        time.sleep(0.1)
    raise TimeoutError(found)


def eventually(true):
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.05)


def recorded(access):
    with access.database.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT action, target, outcome FROM audit WHERE action LIKE 'model.%' ORDER BY number"
        )
        return [tuple(row) for row in rows]


def test_a_model_is_published_promoted_rolled_back_and_retired(operator, access, estimator, rows):
    first = finished(operator, upload(operator, "shop-a", skops_file(estimator), rows, promote="true"))
    assert first["state"] == "succeeded", first
    assert first["result"] == {"model": "shop-a", "version": 1, "stable": 1, "served_everywhere": True}
    second = finished(operator, upload(operator, "shop-a", skops_file(estimator), rows, metrics='{"auc": 0.9}'))
    assert second["result"]["version"] == 2
    assert operator.get("/admin/models/shop-a/versions/2").json["metrics"] == {"auc": 0.9}
    promoted = finished(operator, operator.post("/admin/models/shop-a/versions/2/promote"))
    assert promoted["result"]["stable"] == 2
    (replicas,) = operator.get("/admin/models").json["models"][0]["replicas"].values()
    assert {worker["stable"] for worker in replicas.values()} == {2}
    assert operator.delete("/admin/models/shop-a/versions/2").status_code == 409
    assert operator.post("/admin/models/shop-a/rollback").json == {"model": "shop-a", "stable": 1}
    assert operator.delete("/admin/models/shop-a/versions/2").json == {"model": "shop-a", "retired": 2}
    one = operator.get("/admin/models/shop-a").json
    assert (one["versions"], one["stable"]) == ([1], 1)
    assert [move["action"] for move in one["history"]] == ["promote", "promote", "rollback"]
    assert [row[::2] for row in recorded(access)] == [
        ("model.publish", "started"),
        ("model.publish", "ok"),
        ("model.publish", "started"),
        ("model.publish", "ok"),
        ("model.promote", "started"),
        ("model.promote", "ok"),
        ("model.retire", "started"),
        ("model.retire", "in_use"),
        ("model.rollback", "started"),
        ("model.rollback", "ok"),
        ("model.retire", "started"),
        ("model.retire", "ok"),
    ]


def test_a_model_is_demoted_and_rolled_back_to(operator, access, estimator, rows):
    finished(operator, upload(operator, "shop-a", skops_file(estimator), rows, promote="true"))
    ask = {"instances": rows[:1].tolist()}
    assert operator.post("/v1/models/shop-a:predict", json=ask).status_code == 200
    demoted = operator.post("/admin/models/shop-a/demote")
    assert (demoted.status_code, demoted.json) == (200, {"model": "shop-a", "stable": None, "labels": {}})
    assert operator.get("/admin/models/shop-a").json["stable"] is None
    eventually(lambda: operator.post("/v1/models/shop-a:predict", json=ask).status_code == 503)
    refused = operator.post("/v1/models/shop-a:predict", json=ask)
    assert "no stable version" in refused.json["error"]
    assert recorded(access)[-2:] == [("model.demote", "shop-a", "started"), ("model.demote", "shop-a", "ok")]
    assert operator.post("/admin/models/shop-a/rollback").json["stable"] == 1
    eventually(lambda: operator.post("/v1/models/shop-a:predict", json=ask).status_code == 200)


def test_who_may_publish_alone_may_not_demote(web, access, operator, estimator, rows):
    finished(operator, upload(operator, "shop-a", skops_file(estimator), rows, promote="true"))
    key = access.registry.create_key(operator.id, "ci", Actor("someone"), permissions=["model:publish", "model:read"])
    access.view.refresh()
    assert web.post("/admin/models/shop-a/demote", headers={"X-API-Key": key.secret}).status_code == 403
    assert operator.get("/admin/models/shop-a").json["stable"] == 1


class Trap:
    """A pickle that leaves a mark where it is loaded."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return open, (str(self.mark), "w")


@pytest.mark.parametrize("name", ["model.joblib", "model.pkl", "model.pickle", "model.exe", "model", "../../x.joblib"])
def test_a_pickle_is_refused_and_never_loaded(operator, rows, tmp_path, name):
    buffer = io.BytesIO()
    joblib.dump(Trap(tmp_path / "mark"), buffer)
    answer = upload(operator, "shop-a", (io.BytesIO(buffer.getvalue()), name), rows)
    assert answer.status_code == 415
    assert not (tmp_path / "mark").exists()


def test_a_pickle_that_calls_itself_skops_fails_and_is_never_loaded(operator, access, rows, tmp_path):
    buffer = io.BytesIO()
    joblib.dump(Trap(tmp_path / "mark"), buffer)
    found = finished(operator, upload(operator, "shop-a", (io.BytesIO(buffer.getvalue()), "model.skops"), rows))
    assert found["state"] == "failed"
    assert not (tmp_path / "mark").exists()
    assert recorded(access)[-1][2] == found["result"]["code"]


@pytest.fixture
def bundle(tmp_path, sealing_key, estimator, rows):
    """A version that another store sealed with the key that is trusted here, with joblib as its format."""
    publish(tmp_path / "other", "shop-b", estimator, rows, sealing_key=sealing_key, artifact_format="joblib")
    path = tmp_path / "bundle.tar"
    bundles.export_bundle(FolderStore(tmp_path / "other"), "shop-b", 1, path)
    return path


def test_a_sealed_bundle_is_taken_in_also_with_joblib(operator, bundle, application, estimator, rows):
    found = finished(operator, upload(operator, "shop-b", (io.BytesIO(bundle.read_bytes()), "b.tar"), promote="true"))
    assert found["state"] == "succeeded", found
    answer = operator.post("/v1/models/shop-b:predict", json={"instances": rows[:2].tolist()})
    assert answer.status_code == 200


def test_a_bundle_of_another_model_is_refused(operator, bundle):
    found = finished(operator, upload(operator, "shop-c", (io.BytesIO(bundle.read_bytes()), "b.tar")))
    assert (found["state"], found["result"]["code"]) == ("failed", "bad_bundle")


def test_an_altered_bundle_is_refused(operator, bundle):
    data = bytearray(bundle.read_bytes())
    position = data.rfind(b"manifest.sig") + 1024
    data[position - 500] ^= 1
    data[2000] ^= 1
    found = finished(operator, upload(operator, "shop-b", (io.BytesIO(bytes(data)), "b.tar")))
    assert (found["state"], found["result"]["code"]) in {
        ("failed", code) for code in ("seal_broken", "bad_bundle", "bad_manifest")
    }


def test_a_bundle_sealed_with_a_key_that_is_not_trusted_is_refused(operator, bundle, tmp_path):
    for key in (tmp_path / "keys" / "trusted").iterdir():
        key.unlink()
    found = finished(operator, upload(operator, "shop-b", (io.BytesIO(bundle.read_bytes()), "b.tar")))
    assert (found["state"], found["result"]["code"]) == ("failed", "seal_broken")


def test_what_is_missing_or_odd_in_the_form_is_refused(operator, estimator, rows):
    assert upload(operator, "shop-a", skops_file(estimator)).status_code == 400
    assert upload(operator, "shop-a", skops_file(estimator), rows, metrics="[]").status_code == 400
    assert upload(operator, "shop-a", skops_file(estimator), rows, promote="yes").status_code == 400
    assert operator.post("/admin/models/shop-a/versions", json={}).status_code == 415


TWICE = {
    "colour": ["red"],
    "promote": ["false", "true"],
    "model": ["text"],
    "schema": ["{}", (io.BytesIO(b"{}"), "schema.json")],
}
"""Parts that come with a model and a sample, by name: one that nobody knows, and three of which there are two then."""


@pytest.mark.parametrize("name", TWICE)
def test_parts_that_are_unknown_or_come_twice_are_refused_by_name(operator, estimator, rows, name):
    parts = {"model": [skops_file(estimator)], "sample": [(npy(rows), "rows.npy")]}
    parts.setdefault(name, []).extend(TWICE[name])
    answer = operator.post("/admin/models/shop-a/versions", data=parts, content_type="multipart/form-data")
    expected = "each of model, sample, schema, metrics, promote at most once"
    got = "another name" if name == "colour" else "2 of them"
    assert answer.status_code == 400
    assert answer.json["errors"] == [{"location": name, "expected": expected, "got": got}]


@pytest.mark.parametrize(
    "digits", ["\N{ARABIC-INDIC DIGIT ONE}", "\N{FULLWIDTH DIGIT ONE}", "\N{SUPERSCRIPT ONE}", "+1", "1_0"]
)
@pytest.mark.parametrize("verb", ["", "/promote"])
def test_only_the_ten_digits_make_a_version(operator, verb, digits):
    ask = operator.post if verb else operator.get
    assert ask(f"/admin/models/shop-a/versions/1{verb}").json["code"] != "not_found"
    answer = ask(f"/admin/models/shop-a/versions/{digits}{verb}")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("as_file", [True, False])
def test_a_model_is_published_with_what_is_declared(operator, estimator, rows, as_file):
    declared = json.dumps({"columns": {"x0": {"minimum": -100, "unit": "cm"}}, "outputs": ["predict_proba"]})
    schema = (io.BytesIO(declared.encode()), "schema.json") if as_file else declared
    found = finished(operator, upload(operator, "shop-a", skops_file(estimator), rows, schema=schema))
    assert found["state"] == "succeeded", found
    kept = operator.get("/admin/models/shop-a/versions/1").json["schema"]
    assert [output["name"] for output in kept["outputs"]] == ["predict_proba"]
    assert (kept["columns"][0]["minimum"], kept["columns"][0]["unit"]) == (-100, "cm")


def test_a_declared_schema_that_is_wrong_is_refused_with_its_place(operator, estimator, rows, bundle):
    for text, status, said in (
        ("[]", 400, "schema: expected a JSON object"),
        ("{", 400, "schema: expected a JSON object"),
        ('{"columns": {"x0": {"minimum": "a"}}}', 422, "columns.x0.minimum: expected a finite number"),
    ):
        answer = upload(operator, "shop-a", skops_file(estimator), rows, schema=text)
        assert (answer.status_code, said in answer.json["detail"]) == (status, True)
    wrong = upload(operator, "shop-a", skops_file(estimator), rows, schema='{"columns": {"x9": {}}}')
    assert finished(operator, wrong)["result"]["code"] == "bad_schema"
    sealed = upload(operator, "shop-b", (io.BytesIO(bundle.read_bytes()), "b.tar"), schema="{}")
    assert (sealed.status_code, sealed.json["detail"]) == (400, "schema: a sealed version keeps its own")


def test_an_upload_that_is_too_large_is_refused(make_application, access, sealing_key, make_client, tmp_path):
    application = make_application(access, MAX_UPLOAD_BYTES="2000")
    web, shown = application.flask.test_client(), make_client(access, "op", "operator")
    form = {"grant_type": "client_credentials"}
    token = web.post("/oauth/token", data=form, auth=(shown.id, shown.secret)).json["access_token"]
    files = {"model": (io.BytesIO(b"x" * 4000), "m.skops"), "sample": (io.BytesIO(b"1"), "s.csv")}
    answer = web.post("/admin/models/a/versions", data=files, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 413
    assert not list((tmp_path / "run").glob("uploads/*"))


def test_publishing_does_not_imply_promoting(web, access, operator, estimator, rows):
    key = access.registry.create_key(operator.id, "ci", Actor("someone"), permissions=["model:publish", "model:read"])
    access.view.refresh()
    files = {"model": skops_file(estimator), "sample": (npy(rows), "rows.npy"), "promote": "true"}
    answer = web.post("/admin/models/shop-a/versions", data=files, headers={"X-API-Key": key.secret})
    assert answer.status_code == 403


def test_without_a_sealing_key_nothing_is_published_over_rest(operator, estimator, rows, tmp_path):
    (tmp_path / "keys" / "sealing.pem").unlink()
    assert upload(operator, "shop-a", skops_file(estimator), rows).status_code == 501


def test_an_operation_of_a_hidden_model_is_not_there(operator, caller, estimator, rows):
    answer = upload(operator, "shop-a", skops_file(estimator), rows)
    finished(operator, answer)
    assert caller("operator", ["other"]).get(answer.headers["Location"]).status_code == 404
    assert operator.get("/admin/operations/nothing").status_code == 404


def test_an_operation_whose_worker_is_gone_is_shown_as_failed(access, application, operator, clock):
    operations = Operations(access.database, access.audit, access.leases, "replica")
    operations._begin("lost", "publish", "shop-a", Actor("client:x"))
    assert operator.get("/admin/operations/lost").json["state"] == "running"
    clock.advance(30)
    found = operator.get("/admin/operations/lost").json
    assert (found["state"], found["detail"]) == ("failed", "the worker that ran it is gone")


def test_a_version_is_put_into_quarantine_and_released_by_hand(operator, access, estimator, rows):
    for _ in range(2):
        finished(operator, upload(operator, "shop-a", skops_file(estimator), rows, promote="true"))
    ask = {"instances": rows[:1].tolist()}
    put = operator.post("/admin/models/shop-a/versions/2/quarantine", json={"reason": "it crashed"})
    assert (put.status_code, put.json) == (200, {"model": "shop-a", "quarantined": 2, "instead": 1})
    kept = operator.get("/admin/models/shop-a").json["quarantined"]
    assert (kept["2"]["by"].partition(": ")[2], kept["2"]["instead"], list(kept)) == ("it crashed", 1, ["2"])

    def answered_by():
        return operator.post("/v1/models/shop-a:predict", json=ask).headers["X-Model-Version"]

    eventually(lambda: answered_by() == "1")
    refused = operator.post("/v1/models/shop-a/versions/2:predict", json=ask)
    assert (refused.status_code, "is in quarantine since" in refused.json["error"]) == (503, True)
    assert operator.post("/admin/models/shop-a/versions/1/release").json == {"model": "shop-a", "released": 1}
    assert operator.post("/admin/models/shop-a/versions/2/release").json == {"model": "shop-a", "released": 2}
    assert operator.get("/admin/models/shop-a").json["quarantined"] == {}
    eventually(lambda: answered_by() == "2")
    assert [row for row in recorded(access) if row[0] in {"model.quarantine", "model.release"}] == [
        ("model.quarantine", "shop-a", "started"),
        ("model.quarantine", "shop-a", "ok"),
        ("model.release", "shop-a", "started"),
        ("model.release", "shop-a", "ok"),
        ("model.release", "shop-a", "started"),
        ("model.release", "shop-a", "ok"),
    ]


def test_a_promotion_of_a_version_in_quarantine_fails_and_says_what_to_do(operator, estimator, rows):
    finished(operator, upload(operator, "shop-a", skops_file(estimator), rows))
    assert operator.post("/admin/models/shop-a/versions/1/quarantine").status_code == 200
    failed = finished(operator, operator.post("/admin/models/shop-a/versions/1/promote"))
    assert (failed["state"], failed["result"]["code"]) == ("failed", "in_quarantine")
    unknown = operator.post("/admin/models/shop-a/versions/9/quarantine")
    assert (unknown.status_code, unknown.json["code"]) == (404, "unknown_version")
