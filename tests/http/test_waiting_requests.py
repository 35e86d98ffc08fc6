"""All requests that have arrived are answered at once, each as if it had come alone."""

import io
import json

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from werkzeug.test import create_environ

from model_store import seal
from model_store.batch import Batch
from model_store.publish import publish
from service import logs
from service.runtime.loaded import LoadedModel

X, Y = load_iris(return_X_y=True)
PREDICT = "/v1/models/iris:predict"
SEVERAL = 9


def post(path=PREDICT, document=None, **headers):
    body = {"instances": X[:1].tolist()} if document is None else document
    return create_environ(path, method="POST", json=body, headers={"X-Request-ID": "a-b", **headers})


def get(path):
    return create_environ(path, method="GET", headers={"X-Request-ID": "a-b"})


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder with keys and a store of two models."""
    root = tmp_path_factory.mktemp("waiting")
    key = seal.create_keys(root / "keys")
    for name, iterations in (("iris", 500), ("other", 200)):
        model = LogisticRegression(max_iter=iterations).fit(X, Y)
        publish(root / "models", name, model, X, sealing_key=key, promote=True)
    return root


@pytest.fixture
def application(published, tmp_path, make_application):
    for name in ("keys", "models"):
        (tmp_path / name).symlink_to(published / name)
    return make_application()


def nobody(_place):
    return False


def answered(application, environs, gone=nobody):
    """Return place → (status, headers, body)."""
    given = list(application.answer(environs, gone))
    assert len(dict(given)) == len(given)
    return {place: (status, dict(headers), body) for place, (status, headers, body) in given}


def joinable(application, name="iris"):
    """Let the loaded version join all requests."""
    served = application.catalog.snapshot().models[name]
    (loaded,) = served.versions.values()
    joins = dict.fromkeys([output.name for output in loaded.schema.outputs], 256)
    served.versions[loaded.version] = LoadedModel(loaded.manifest, loaded.engine, joins)


def without_ids(answer):
    status, headers, body = answer
    return status, {k: v for k, v in headers.items() if k != "X-Batch-Requests"}, body


MIXED = [
    lambda: post(document={"instances": X[3:5].tolist()}),
    lambda: post(document={"instances": [[1, 2]]}),
    lambda: get("/v1/models/iris"),
    lambda: post(document={"instances": X[7:8].tolist()}),
    lambda: post("/v1/models/nobody:predict"),
    lambda: post(
        "/v2/models/other/infer", {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [1, 2, 3, 4]}]}
    ),
    lambda: post("/nowhere"),
    lambda: post(document={"instances": X[9:10].tolist()}),
    lambda: post(document={"instances": []}),
    lambda: get("/v2/health/ready"),
    lambda: post(document={"instances": [[None, 1, 2, 3]]}),
    lambda: post(document={"instances": X[11:14].tolist()}),
]


def test_answers_are_the_same_together_and_alone(application):
    joinable(application)
    together = answered(application, [make() for make in MIXED])
    alone = {place: answered(application, [make()])[0] for place, make in enumerate(MIXED)}
    assert {place: without_ids(one) for place, one in together.items()} == {
        place: without_ids(one) for place, one in alone.items()
    }
    assert {alone[place][0] for place in alone} == {200, 400, 404}


def test_every_answer_says_how_many_requests_were_predicted_with_it(application):
    joinable(application)
    for _ in range(4):  # batches grow while a version's pace is learnt
        answers = answered(application, [post() for _ in range(SEVERAL)])
    assert [headers["X-Batch-Requests"] for _, headers, _ in answers.values()] == [str(SEVERAL)] * SEVERAL


def test_a_version_that_may_not_join_answers_one_by_one(application):
    served = application.catalog.snapshot().models["iris"]
    (loaded,) = served.versions.values()
    served.versions[loaded.version] = LoadedModel(loaded.manifest, loaded.engine, {})
    for _ in range(3):
        answers = answered(application, [post() for _ in range(SEVERAL)])
    assert {headers["X-Batch-Requests"] for _, headers, _ in answers.values()} == {"1"}


def test_who_has_hung_up_is_neither_predicted_nor_answered(application):
    joinable(application)
    environs = [post(), post(), get("/v1/models/iris"), get("/v1/models/iris")]
    assert answered(application, environs, gone=lambda place: place in {0, 3}).keys() == {1, 2}


def test_who_has_hung_up_is_logged_with_the_status_that_says_so(application):
    written = io.StringIO()
    logs.configure("INFO", written)
    answered(application, [post()], gone=lambda _place: True)
    (line,) = [json.loads(line) for line in written.getvalue().splitlines() if '"millrace.access"' in line]
    assert (line["http.response.status_code"], line["labels.code"]) == (499, "caller_gone")


def test_no_answer_goes_out_before_its_request_is_in_the_log(application, capfd):
    joinable(application)
    logs.configure("WARNING")
    seen = ""
    for number, _answer in enumerate(application.answer([post() for _ in range(3 * SEVERAL)], nobody), start=1):
        seen += capfd.readouterr().out
        assert seen.count('"millrace.access"') >= number
    assert seen.count('"millrace.access"') == number == 3 * SEVERAL


def test_predictions_are_answered_before_all_else(application):
    given = [place for place, _ in application.answer([get("/v1/models/iris"), post()], nobody)]
    assert given == [1, 0]


def test_an_answer_to_head_has_no_body(application):
    environ = create_environ("/v2/health/live", method="HEAD")
    ((status, headers, body),) = answered(application, [environ]).values()
    assert (status, body) == (200, b"")
    assert "Content-Length" in headers


def test_rows_of_different_requests_are_never_mixed_up(application):
    joinable(application)
    environs = [post(document={"instances": X[i : i + 1 + i % 3].tolist()}) for i in range(60)]
    expected = application.catalog.snapshot().models["iris"].versions[1].engine
    for _ in range(3):
        answers = answered(application, environs_again(environs))
    for i in range(60):
        wanted = X[i : i + 1 + i % 3]
        assert json.loads(answers[i][2])["predictions"] == predicted(expected, wanted)


def environs_again(environs):
    for environ in environs:
        environ["wsgi.input"].seek(0)
    return environs


def predicted(engine, rows):
    return np.asarray(
        engine.predict(Batch(len(rows), matrix=np.ascontiguousarray(rows)), ("predict",))["predict"]
    ).tolist()
