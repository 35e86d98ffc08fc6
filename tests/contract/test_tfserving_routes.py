"""TensorFlow Serving and KServe V1 over HTTP, in process: what each route of /v1 answers, with real models."""

import gzip
import json
import math
import shutil
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import model_store
from model_store import channels, seal
from model_store.stores.folder import FolderStore
from service import settings
from service.app import create_app
from service.auth.permissions import MODEL_READ
from service.auth.principals import ANONYMOUS, Grant, Principal
from service.http.access import Authentication
from tests.service.auth.fakes import OpenAccess

X, Y = load_iris(return_X_y=True)
NUMBERS = np.arange(-10.0, 10.0).reshape(-1, 1)
PAIRS = np.column_stack([NUMBERS, NUMBERS**2])
PASSENGERS = pd.DataFrame(
    {
        "age": [22, 35, 58, 44, 30, 61] * 5,
        "fare": [7.5, math.nan, 30.0, 12.5, math.nan, 80.0] * 5,
        "city": ["Rome", "Oslo", None, "Bern", "Oslo", "Bern"] * 5,
    }
)
SURVIVED = ["no", "yes", "no", "yes", "yes", "no"] * 5
TEXTS, SPAM = ["buy now", "hello there", "buy pills", "see you"] * 5, ["spam", "ham", "spam", "ham"] * 5


def half_plus(number):
    return LinearRegression().fit(NUMBERS, NUMBERS[:, 0] / 2 + number)


def iris():
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, load_iris().target_names[Y])


def passengers():
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city"]), (SimpleImputer(), ["age", "fare"])
    )
    return make_pipeline(encode, LogisticRegression(max_iter=1000)).fit(PASSENGERS, SURVIVED)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder with keys and a store: half_plus_two 1 (stable), 2 (next) and 3; draft 1, unnamed; the others 1."""
    root = tmp_path_factory.mktemp("tfserving")
    key = seal.create_keys(root / "keys")
    store = root / "models"
    candidates = [
        ("half_plus_two", half_plus(2), NUMBERS),
        ("half_plus_three", half_plus(3), NUMBERS),
        ("half_plus_two_wide", LinearRegression().fit(PAIRS, PAIRS / 2 + 2), PAIRS),
        ("iris", iris(), X),
        ("passengers", passengers(), PASSENGERS),
        ("fares", passengers_fares(), PASSENGERS[["age", "city"]]),
        ("texts", make_pipeline(CountVectorizer(), MultinomialNB()).fit(TEXTS, SPAM), TEXTS),
        ("scaler", StandardScaler().fit(X), X),
    ]
    for name, estimator, sample in candidates:
        model_store.publish(store, name, estimator, sample, sealing_key=key, promote=True)
    model_store.publish(store, "half_plus_two", half_plus(2.5), NUMBERS, sealing_key=key)
    channels.set_label(FolderStore(store), "half_plus_two", "next", 2, "test")
    model_store.publish(store, "half_plus_two", half_plus(2.75), NUMBERS, sealing_key=key)
    model_store.publish(store, "draft", half_plus(4), NUMBERS, sealing_key=key)
    return root


def passengers_fares():
    encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["city"]), remainder="passthrough")
    targets = np.column_stack([PASSENGERS["age"], PASSENGERS["age"] * 2.0])
    return make_pipeline(encode, LinearRegression()).fit(PASSENGERS[["age", "city"]], targets)


def application_on(root, run_dir, access, **variables):
    environment = {
        "MODEL_STORE_ROOT": str(root / "models"),
        "TRUSTED_KEYS": str(root / "keys" / "trusted"),
        "RUN_DIR": str(run_dir),
        "REPLICA": "test-replica",
        "WATCH_SECONDS": "0.05",
        **variables,
    }
    return create_app(settings.read(environment), access)


@pytest.fixture(scope="module")
def application(published, everyone, tmp_path_factory):
    made = application_on(published, tmp_path_factory.mktemp("run"), everyone)
    made.start_worker()
    yield made
    made.stop_worker()


@pytest.fixture(scope="module")
def client(application):
    return application.flask.test_client()


def post(client, path, document, **more):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return client.post(path, data=body, **more)


def predict(client, model, document):
    response = post(client, f"/v1/models/{model}:predict", document)
    assert response.status_code == 200, response.text
    assert response.mimetype == "application/json"
    return response.json


def error(response, status):
    """The error text of a refusal, whose shape is the one of all errors."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/json"
    assert isinstance(response.json["error"], str)
    assert response.json["status"] == status
    assert response.json["request_id"] == response.headers["X-Request-ID"]
    return response.json["error"]


class TestDocumentationVectors:
    def test_half_plus_three_in_rows(self, client):
        assert predict(client, "half_plus_three", {"instances": [1.0, 2.0, 5.0]}) == {"predictions": [3.5, 4.0, 5.5]}

    def test_half_plus_two_in_columns(self, client):
        answer = predict(client, "half_plus_two", {"inputs": [3.0, 4.0]})
        assert answer["outputs"] == pytest.approx([3.5, 4.0])
        assert list(answer) == ["outputs"]

    def test_half_plus_two_of_pairs(self, client):
        answer = predict(client, "half_plus_two_wide", {"instances": [[1, 2], [3, 4]]})
        assert answer["predictions"] == [pytest.approx([2.5, 3.0]), pytest.approx([3.5, 4.0])]


class TestPredict:
    @pytest.mark.parametrize(
        ("signature", "method"),
        [
            (None, "predict"),
            ("serving_default", "predict"),
            ("predict_proba", "predict_proba"),
            ("decision_function", "decision_function"),
        ],
    )
    def test_a_signature_selects_what_the_estimator_answers(self, client, signature, method):
        body = {"instances": X[::30].tolist()} | ({"signature_name": signature} if signature else {})
        answer = predict(client, "iris", body)
        expected = getattr(iris(), method)(X[::30])
        found = np.array(answer["predictions"])
        assert found.shape == expected.shape
        assert (found == expected).all() if method == "predict" else np.allclose(found, expected)

    def test_a_transformer_transforms(self, client):
        answer = predict(client, "scaler", {"instances": X[:2].tolist(), "signature_name": "transform"})
        assert np.allclose(answer["predictions"], StandardScaler().fit(X).transform(X[:2]))

    def test_a_table_with_missing_values_in_rows_and_columns(self, client):
        rows = [
            {
                "age": int(age),
                "fare": None if math.isnan(fare) else fare,
                "city": city if isinstance(city, str) else None,
            }
            for age, fare, city in PASSENGERS[:6].itertuples(index=False)
        ]
        expected = passengers().predict(PASSENGERS[:6]).tolist()
        assert predict(client, "passengers", {"instances": rows}) == {"predictions": expected}
        columns = {name: [row[name] for row in rows] for name in PASSENGERS}
        assert predict(client, "passengers", {"inputs": columns}) == {"outputs": expected}
        lists = [{name: [value] for name, value in row.items()} for row in rows]  # KServe V1, section 4
        assert predict(client, "passengers", {"instances": lists}) == {"predictions": expected}
        assert predict(client, "passengers", {"instances": [columns]}) == {"predictions": expected}

    def test_several_targets_are_a_list_for_each_row(self, client):
        answer = predict(client, "fares", {"instances": [{"age": 40, "city": "Rome"}]})
        assert answer["predictions"] == [pytest.approx([40, 80])]

    def test_texts_are_rows(self, client):
        assert predict(client, "texts", {"instances": ["buy", {"b64": "aGVsbG8="}]}) == {"predictions": ["spam", "ham"]}

    def test_a_version_and_a_label_answer_as_asked_and_say_so(self, client):
        for path, version, expected in (
            ("", "1", 3.5),
            ("/versions/1", "1", 3.5),
            ("/versions/01", "1", 3.5),
            ("/versions/2", "2", 4.0),
            ("/labels/next", "2", 4.0),
            ("/labels/stable", "1", 3.5),
        ):
            response = post(client, f"/v1/models/half_plus_two{path}:predict", {"instances": [3.0]})
            assert response.json["predictions"] == pytest.approx([expected])
            assert response.headers["X-Model-Version"] == version
            assert set(response.json) == {"predictions"}

    @pytest.mark.parametrize(
        "content_type", [None, "application/x-www-form-urlencoded", "text/plain", "application/octet-stream", "bad"]
    )
    def test_the_content_type_is_ignored(self, client, content_type):
        response = post(client, "/v1/models/half_plus_two:predict", {"instances": [3.0]}, content_type=content_type)
        assert response.json["predictions"] == pytest.approx([3.5])

    @pytest.mark.parametrize("padding", [0, 20_000])
    def test_gzip_is_read_and_written(self, client, padding):
        body = gzip.compress(json.dumps({"instances": [3.0] * (1 + padding)}).encode())
        headers = {"Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
        response = client.post("/v1/models/half_plus_two:predict", data=body, headers=headers)
        raw = gzip.decompress(response.data) if response.content_encoding == "gzip" else response.data
        assert len(json.loads(raw)["predictions"]) == 1 + padding
        assert (response.content_encoding == "gzip") == bool(padding)

    @pytest.mark.parametrize(
        "path",
        [
            "/v1/models/half%5Fplus%5Ftwo:predict",
            "/v1/models/half_plus_two/labels/ne%78t:predict",
            "/V1/Models/half_plus_two:predict",
            "/v1/MODELS/half_plus_two/Versions/1:predict",
            "/v1/models/half_plus_two/LABELS/next:predict",
        ],
    )
    def test_a_path_is_decoded_once_and_its_fixed_words_may_be_in_any_case(self, client, path):
        assert post(client, path, {"instances": [3.0]}).status_code == 200

    def test_a_refusal_is_json_in_any_case(self, client):
        refused = post(client, "/V1/Models/half_plus_two:predict", {"instances": "none"})
        assert (refused.status_code, refused.mimetype) == (400, "application/json")


class TestClassifyAndRegress:
    def test_a_classifier_answers_pairs_of_label_and_score(self, client):
        example = {"age": 30, "fare": 12.5, "city": "Oslo"}
        response = post(client, "/v1/models/passengers:classify", {"examples": [example]})
        assert response.status_code == 200
        ((labels, scores),) = (zip(*response.json["results"][0], strict=True),)
        expected = passengers().predict_proba(pd.DataFrame([example]))[0]
        assert (labels, scores) == (("no", "yes"), pytest.approx(expected.tolist()))

    @pytest.mark.parametrize("path", ["", "/versions/1", "/labels/stable"])
    def test_a_regressor_answers_a_number_for_each_example(self, client, path):
        response = post(client, f"/v1/models/half_plus_two{path}:regress", {"examples": [{"inputs": 3.0}]})
        assert response.json == {"results": pytest.approx([3.5])}

    def test_a_model_without_probabilities_does_not_classify(self, client):
        response = post(client, "/v1/models/half_plus_two:classify", {"examples": [{"inputs": 3.0}]})
        assert "Expected classification signature method_name" in error(response, 400)


class TestRefusals:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/v1/foo"),
            ("GET", "/v1/"),
            ("POST", "/v1/models"),
            ("PUT", "/v1/foo"),
            ("DELETE", "/v1/models/iris:foo"),
            ("PATCH", "/v1/foo"),
            ("OPTIONS", "/v1/foo"),
            ("POST", "/v1/models/iris"),
            ("POST", "/v1/models/iris/metadata"),
            ("GET", "/v1/models/iris:predict"),
            ("GET", "/v1/models/"),
            ("GET", "/v1/models/iris/"),
            ("POST", "/v1/models/iris:PREDICT"),
            ("POST", "/v1/models/iris:foo"),
            ("POST", "/v1/models/iris:predict:predict"),
            ("POST", "/v1/models/ir:is:predict"),
            ("POST", "/v1/models/iris/version/50:predict"),
            ("POST", "/v1/models/iris/versions/HELLO:regress"),
            ("POST", "/v1/models/iris/versions/²:regress"),
            ("POST", "/v1/models/iris/versions/50/labels/x:regress"),
            ("POST", "/v1/models/iris/labels/a:b:regress"),
            ("POST", "/v1/models//:predict"),
            ("GET", "/v1/models/debug/model_name"),
            ("GET", "/v1/models/iris/versions/x"),
            ("GET", "/v1/models/iris/versions/"),
            ("GET", "/v1/models/iris/versions/1/labels/x"),
            ("GET", "/v1/models/iris/metadata/x"),
            ("GET", "/V1/foo"),
            ("GET", "/V1"),
            ("GET", "/v1"),
        ],
    )
    def test_any_other_path_or_verb_is_malformed(self, client, method, path):
        response = client.open(path, method=method, data=b"{}" if method == "POST" else None)
        assert error(response, 400).startswith("Malformed request: ")

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    @pytest.mark.parametrize(
        ("path", "allowed"),
        [
            ("/v1/models", "GET, HEAD, OPTIONS"),
            ("/v1/models/iris", "GET, HEAD, OPTIONS"),
            ("/v1/models/iris/versions/1/metadata", "GET, HEAD, OPTIONS"),
            ("/v1/models/iris:predict", "OPTIONS, POST"),
            ("/v1/models/iris/labels/stable:classify", "OPTIONS, POST"),
            ("/v1/models/iris/versions/1:regress", "OPTIONS, POST"),
        ],
    )
    def test_a_method_that_the_protocol_does_not_have_is_405_where_a_route_is(self, client, method, path, allowed):
        response = client.open(path, method=method)
        assert error(response, 405)
        assert response.headers["Allow"] == allowed

    def test_a_malformed_request_is_quoted(self, client):
        assert error(client.get("/v1/foo"), 400) == "Malformed request: GET /v1/foo"

    @pytest.mark.parametrize(
        "path",
        [":predict", ":classify", ":regress", "", "/metadata"],
    )
    @pytest.mark.parametrize("version", ["9223372036854775808", "9" * 4000, "9" * 5000])
    def test_a_version_beyond_int64_is_refused(self, client, path, version):
        method = "POST" if path.startswith(":") else "GET"
        response = client.open(f"/v1/models/iris/versions/{version}{path}", method=method)
        assert error(response, 400).startswith("Failed to convert version: 9")
        assert response.json["error"].endswith(" to numeric.")

    @pytest.mark.parametrize("path", ["/V2", "/V2/models/iris", "/v2/nowhere", "/V1x"])
    def test_errors_of_an_address_are_plain_json_however_it_is_spelled(self, client, path):
        response = client.get(path)
        assert (response.status_code, response.mimetype) == (404, "application/json")

    def test_a_path_outside_is_not_found(self, client):
        response = client.get("/v3/models")
        assert response.status_code == 404
        assert isinstance(response.json["error"], str)

    @pytest.mark.parametrize("verb", ["predict", "classify", "regress"])
    def test_a_call_names_the_model_version_or_label_that_is_not_there(self, client, verb):
        body = {"instances": [1], "examples": [{"a": 1}]}
        latest = error(post(client, f"/v1/models/nope:{verb}", body), 404)
        assert latest.startswith("Servable not found for request: Latest(nope)")
        specific = error(post(client, f"/v1/models/half_plus_two/versions/50:{verb}", body), 404)
        assert specific.startswith("Servable not found for request: Specific(half_plus_two, 50)")
        both = error(post(client, f"/v1/models/nope/versions/50:{verb}", body), 404)
        assert both.startswith("Servable not found for request: Specific(nope, 50)")
        label = error(post(client, f"/v1/models/half_plus_two/labels/nope:{verb}", body), 400)
        assert label.startswith("Unrecognized servable version label: nope")

    def test_a_version_that_is_stored_but_not_loaded_is_not_found(self, client):
        assert "not loaded" in error(
            post(client, "/v1/models/half_plus_two/versions/3:predict", {"instances": [1]}), 404
        )

    def test_a_model_without_a_stable_version_is_not_ready(self, client):
        response = post(client, "/v1/models/draft:predict", {"instances": [1]})
        assert "no stable version" in error(response, 503)
        assert int(response.headers["Retry-After"]) > 0

    @pytest.mark.parametrize("verb", ["predict", "classify", "regress"])
    def test_the_body_is_read_before_the_model_is_looked_up(self, client, verb):
        assert "JSON Parse error" in error(post(client, f"/v1/models/nope:{verb}", b"{"), 400)
        assert "The document is empty" in error(post(client, f"/v1/models/nope:{verb}", b""), 400)

    def test_an_unknown_signature_is_400(self, client):
        body = {"instances": [1], "signature_name": "x"}
        message = error(post(client, "/v1/models/half_plus_two:predict", body), 400)
        assert message == 'Serving signature name: "x" not found in signature def'

    def test_each_wrong_place_is_named(self, client):
        response = post(client, "/v1/models/passengers:predict", {"instances": [{"age": True, "fare": "x", "city": 3}]})
        error(response, 400)
        places = [fault["location"] for fault in response.json["errors"]]
        assert places == ["instances[0].age", "instances[0].fare", "instances[0].city"]
        assert set(response.json["errors"][0]) == {"location", "expected", "got"}

    def test_explanations_are_left_out(self, client):
        response = post(client, "/v1/models/iris:explain", {"instances": [[1, 2, 3, 4]]})
        assert "xplanations are not offered" in error(response, 501)


class TestStatus:
    def test_one_object_for_all_clients(self, client):
        response = client.get("/v1/models/iris")
        assert response.status_code == 200
        assert response.json == {
            "model_version_status": [
                {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
            ],
            "name": "iris",
            "ready": True,
        }

    def test_without_a_version_all_are_shown_newest_first(self, client):
        found = client.get("/v1/models/half_plus_two").json["model_version_status"]
        assert [(each["version"], each["state"]) for each in found] == [
            ("3", "START"),
            ("2", "AVAILABLE"),
            ("1", "AVAILABLE"),
        ]

    @pytest.mark.parametrize("path", ["versions/2", "labels/next", "VERSIONS/2", "versions/002"])
    def test_a_version_or_label_is_shown_alone(self, client, path):
        found = client.get(f"/v1/models/half_plus_two/{path}").json["model_version_status"]
        assert [each["version"] for each in found] == ["2"]

    def test_version_0_does_not_exist_and_the_answer_says_what_does(self, client):
        response = post(client, "/v1/models/half_plus_two/versions/0:predict", {"instances": [3.0]})
        assert "versions begin at 1" in error(response, 404)
        assert "versions begin at 1" in error(client.get("/v1/models/half_plus_two/versions/0/metadata"), 404)
        assert error(client.get("/v1/models/half_plus_two/versions/0"), 404)

    def test_the_status_names_the_model_version_or_label_that_is_not_there(self, client):
        assert error(client.get("/v1/models/nope"), 404) == "Could not find any versions of model nope"
        message = error(client.get("/v1/models/iris/versions/50"), 404)
        assert message == "Could not find version 50 of model iris"
        message = error(client.get("/v1/models/iris/labels/nope"), 400)
        assert message == "Unrecognized servable version label: nope"

    def test_a_model_that_cannot_answer_is_503_with_the_same_keys(self, client):
        response = client.get("/v1/models/draft")
        assert error(response, 503) == "Model with name draft is not ready."
        assert (response.json["name"], response.json["ready"]) == ("draft", False)
        assert response.json["model_version_status"][0]["state"] == "START"
        version = client.get("/v1/models/draft/versions/1")
        assert (version.status_code, version.json["ready"]) == (200, False)

    def test_a_broken_version_says_why(self, published, everyone, tmp_path):
        for folder in ("keys", "models"):
            shutil.copytree(published / folder, tmp_path / folder)
        (tmp_path / "models" / "half_plus_three" / "1" / "golden.npz").write_bytes(b"altered")
        application = application_on(tmp_path, tmp_path / "run", everyone)
        application.start_worker()
        try:
            response = application.flask.test_client().get("/v1/models/half_plus_three")
        finally:
            application.stop_worker()
        (found,) = response.json["model_version_status"]
        assert response.status_code == 503
        assert (found["state"], found["status"]["error_code"]) == ("END", "INTERNAL")
        assert found["status"]["error_message"]

    def test_a_published_version_shows_up(self, published, everyone, tmp_path):
        for folder in ("keys", "models"):
            shutil.copytree(published / folder, tmp_path / folder)
        application = application_on(tmp_path, tmp_path / "run", everyone)
        application.start_worker()
        client = application.flask.test_client()
        try:
            channels.promote(FolderStore(tmp_path / "models"), "half_plus_two", 3, "test")
            until = time.monotonic() + 20
            while predict(client, "half_plus_two", {"instances": [3.0]})["predictions"] == pytest.approx([3.5]):
                assert time.monotonic() < until
                time.sleep(0.05)
            assert predict(client, "half_plus_two", {"instances": [3.0]})["predictions"] == pytest.approx([4.25])
        finally:
            application.stop_worker()


class TestListAndLiveness:
    def test_models_are_listed_by_name(self, client):
        response = client.get("/v1/models")
        assert response.status_code == 200
        assert {"iris", "half_plus_two", "draft"} <= set(response.json["models"])
        assert client.get("/v1/Models").json == response.json

    def test_this_process_is_alive(self, client):
        assert client.get("/").json == {"status": "alive"}


class TestMetadata:
    @pytest.mark.parametrize(
        ("path", "version"), [("", "1"), ("/versions/2", "2"), ("/labels/next", "2"), ("/Versions/2", "2")]
    )
    def test_the_signatures_of_a_version(self, client, path, version):
        document = client.get(f"/v1/models/half_plus_two{path}/metadata").json
        assert document["model_spec"] == {"name": "half_plus_two", "signature_name": "", "version": version}
        signature = document["metadata"]["signature_def"]["signature_def"]["serving_default"]
        assert signature["inputs"]["input"]["dtype"] == "DT_DOUBLE"
        assert signature["outputs"]["predict"]["tensor_shape"]["dim"] == [{"size": "-1", "name": ""}]

    @pytest.mark.parametrize(
        ("path", "status", "words"),
        [
            ("nope/metadata", 404, "Servable not found for request: Latest(nope)"),
            ("iris/versions/50/metadata", 404, "Servable not found for request: Specific(iris, 50)"),
            ("iris/labels/nope/metadata", 400, "Unrecognized servable version label: nope"),
            ("draft/metadata", 503, "no stable version"),
        ],
    )
    def test_the_metadata_names_the_model_version_or_label_that_is_not_there(self, client, path, status, words):
        assert words in error(client.get(f"/v1/models/{path}"), status)


class TestCloudEvents:
    DATA = {"instances": [[5.1, 3.5, 1.4, 0.2]]}  # noqa: RUF012 - never changed

    def test_a_structured_event_is_answered_with_a_structured_event(self, client):
        event = {"specversion": "1.0", "id": "1", "source": "here", "type": "ask", "data": self.DATA}
        response = post(client, "/v1/models/iris:predict", event, content_type="application/cloudevents+json")
        assert response.mimetype == "application/cloudevents+json"
        assert response.json["data"] == {"predictions": ["setosa"]}
        assert response.json["source"] == "io.kserve.inference.iris"
        assert response.headers["X-Model-Version"] == "1"

    def test_a_binary_event_is_answered_with_a_binary_event(self, client):
        headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "here", "ce-type": "ask"}
        response = post(client, "/v1/models/iris:predict", self.DATA, headers=headers)
        assert response.json == {"predictions": ["setosa"]}
        assert response.headers["ce-type"] == "io.kserve.inference.response"


class Locked(Authentication):
    """Callers with a key see ``half_plus_two``, and predict nothing; others are not known."""

    def authenticate(self, headers):
        if not headers.get("x-api-key"):
            return Principal(ANONYMOUS)
        return Principal("client:reader", grants=(Grant(frozenset({MODEL_READ}), ("half_plus_two",)),))


@pytest.fixture(scope="module")
def guarded(published, tmp_path_factory):
    made = application_on(published, tmp_path_factory.mktemp("guarded"), OpenAccess(Locked()))
    made.start_worker()
    yield made.flask.test_client()
    made.stop_worker()


READER = {"X-API-Key": "reader"}


class TestAccess:
    @pytest.mark.parametrize(
        "path",
        ["/v1/models", "/v1/models/half_plus_two", "/V1/MODELS/half_plus_two", "/v1/models/half_plus_two/metadata"],
    )
    def test_reading_needs_permission(self, guarded, path):
        error(guarded.get(path), 401)
        assert guarded.get(path, headers=READER).status_code == 200

    def test_predicting_needs_permission(self, guarded):
        for verb in ("predict", "classify", "regress", "explain"):
            path = f"/v1/models/half_plus_two:{verb}"
            error(post(guarded, path, {"instances": [1]}), 401)
            error(post(guarded, path, {"instances": [1]}, headers=READER), 403)

    def test_a_hidden_model_is_as_one_that_does_not_exist(self, guarded):
        assert guarded.get("/v1/models", headers=READER).json == {"models": ["half_plus_two"]}
        for path in ("/v1/models/{}", "/v1/models/{}/metadata"):
            hidden = error(guarded.get(path.format("iris"), headers=READER), 404)
            missing = error(guarded.get(path.format("nope"), headers=READER), 404)
            assert hidden.replace("iris", "nope") == missing
        hidden = error(post(guarded, "/v1/models/iris:predict", {"instances": [1]}, headers=READER), 404)
        assert hidden.startswith("Servable not found for request: Latest(iris)")

    def test_liveness_and_malformed_requests_are_open(self, guarded):
        assert guarded.get("/").status_code == 200
        error(guarded.get("/v1/foo"), 400)
