"""What is answered while a disk has less free than its reserve, or is full: uploads are refused, all else goes on."""

import io

import pytest
import sqlalchemy as sa
from sklearn.tree import DecisionTreeClassifier

from model_store import publish


@pytest.fixture
def access(make_access, sqlite_url):
    return make_access(sqlite_url, start=False)


@pytest.fixture
def application(make_application, access, sealing_key, tmp_path):
    model = DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1])
    publish(tmp_path / "models", "steps", model, [[0.0], [1.0]], sealing_key=sealing_key, promote=True)
    return make_application(access, DATABASE_URL=access.configuration.database_url, DISK_RESERVE=str(2**50))


def test_an_upload_is_refused_with_507_and_leaves_nothing(caller, tmp_path):
    files = {"model": (io.BytesIO(b"x" * 100), "model.skops"), "sample": (io.BytesIO(b"1\n"), "rows.csv")}
    operator = caller("operator")
    answer = operator.post("/admin/models/steps/versions", data=files, content_type="multipart/form-data")
    assert (answer.status_code, answer.json["code"]) == (507, "disk_full")
    assert "DISK_RESERVE" in answer.json["detail"]
    assert not list((tmp_path / "run").rglob("model*"))


def test_predictions_and_changes_of_pointers_go_on(caller):
    operator = caller("operator")
    for _ in range(20):
        answer = operator.post("/v1/models/steps:predict", json={"instances": [[0.0], [1.0]]})
        assert (answer.status_code, answer.json) == (200, {"predictions": [0, 1]})
    assert operator.get("/admin/models/steps").status_code == 200


def test_a_database_that_has_no_room_answers_507(caller, access):
    admin = caller("admin")

    def no_more_pages(connection):
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # SQLite makes it as many as there are

    sa.event.listen(access.database.engine, "begin", no_more_pages, insert=True)
    answers = (admin.post("/admin/clients", json={"name": f"{n} {'x' * 50}"}) for n in range(300))
    refused = next(answer for answer in answers if answer.status_code != 201)
    assert (refused.status_code, refused.json["code"]) == (507, "disk_full")
    assert admin.get("/admin/clients").status_code == 200
