"""Open Inference Protocol over HTTP, in process: what each route of /v2 answers, with models from a real store."""

import errno
import gzip
import json
import shutil
import threading
import time
import zlib

import flask
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import model_store
import service
from model_store import channels, seal
from model_store.stores.folder import FolderStore
from service.auth.permissions import MODEL_PREDICT, MODEL_READ
from service.auth.principals import ANONYMOUS, Grant, Principal
from service.http import guards, hooks
from service.http.access import Authentication
from service.http.exchange import Record
from service.http.protocols import openinference
from service.http.protocols.openinference_repository import Repository
from service.management.pages import pages
from service.management.server import serve
from service.runtime.router import Router
from service.runtime.statistics import Statistics
from tests.model_store.replicas.memory_presence import MemoryPresence
from tests.service.auth.fakes import OpenAccess

HEADER = "Inference-Header-Content-Length"
X, Y = load_iris(return_X_y=True)
CLIENTS_TABLE = pd.DataFrame(
    {
        "age": [22, 35, 58, 44, 30, 61] * 5,
        "city": ["Rome", "Oslo", "Rome", "Bern", "Oslo", "Bern"] * 5,
    }
)
BOUGHT = ["no", "yes", "no", "yes", "yes", "no"] * 5
TEXTS, SPAM = ["buy now", "hello there", "buy pills", "see you"] * 5, ["spam", "ham", "spam", "ham"] * 5


def iris():
    return LogisticRegression(max_iter=500).fit(X, Y)


def table():
    encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["city"]), remainder="passthrough")
    return make_pipeline(encode, LogisticRegression()).fit(CLIENTS_TABLE, BOUGHT)


def texts():
    return make_pipeline(CountVectorizer(), MultinomialNB()).fit(TEXTS, SPAM)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder with keys and a store: iris 1 (stable) and 2, clients 1, texts 1, and draft 1, which nothing names."""
    root = tmp_path_factory.mktemp("openinference")
    key = seal.create_keys(root / "keys")
    store = root / "models"
    model_store.publish(store, "iris", iris(), X, sealing_key=key, promote=True)
    model_store.publish(store, "iris", LogisticRegression(C=0.01, max_iter=500).fit(X, Y), X, sealing_key=key)
    model_store.publish(store, "clients", table(), CLIENTS_TABLE, sealing_key=key, promote=True)
    model_store.publish(store, "texts", texts(), TEXTS, sealing_key=key, promote=True)
    model_store.publish(store, "draft", iris(), X, sealing_key=key)
    return root


@pytest.fixture
def store(published, tmp_path):
    for folder in ("keys", "models"):
        shutil.copytree(published / folder, tmp_path / folder)
    return FolderStore(tmp_path / "models")


@pytest.fixture
def application(store, make_application):
    return make_application()


@pytest.fixture
def client(application):
    return application.flask.test_client()


def infer(client, document, path="/v2/models/iris/infer", **more):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return client.post(path, data=body, **more)


def rows(data, **more):
    array = np.asarray(data, dtype=float)
    return {"inputs": [{"name": "x", "shape": list(array.shape), "datatype": "FP64", "data": array.tolist()}], **more}


def eventually(true, seconds=20):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def is_error(response, status):
    assert response.status_code == status, response.text
    assert response.mimetype == "application/json"
    assert isinstance(response.json["error"], str)
    assert response.json["error"]
    return response.json["error"]


# --- inference ------------------------------------------------------------------------------------------------------


def test_a_prediction_is_exactly_200_and_what_the_estimator_says(client):
    response = infer(client, rows(X[:5], id="a"))
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert response.json["model_name"] == "iris"
    assert response.json["model_version"] == "1"
    assert response.json["id"] == "a"
    by_name = {output["name"]: output for output in response.json["outputs"]}
    assert by_name["predict"]["data"] == iris().predict(X[:5]).tolist()
    assert by_name["predict_proba"]["shape"] == [5, 3]
    assert np.allclose(np.reshape(by_name["predict_proba"]["data"], (5, 3)), iris().predict_proba(X[:5]))


@pytest.mark.parametrize(
    "media_type",
    [None, "application/json", "application/x-www-form-urlencoded", "text/csv", "multipart/form-data; boundary=x"],
)
def test_the_content_type_decides_nothing(client, media_type):
    array = X[:2]
    head = {"name": "x", "shape": [2, 4], "datatype": "FP64", "parameters": {"binary_data_size": array.nbytes}}
    body = json.dumps({"inputs": [head]}).encode()
    headers = {HEADER: str(len(body))}
    assert infer(client, body + array.tobytes(), headers=headers, content_type=media_type).status_code == 200
    assert infer(client, rows(array), content_type=media_type).status_code == 200


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_the_header_length_counts_decompressed_bytes(client, encoding, compress):
    array = X[:3]
    head = {"name": "x", "shape": [3, 4], "datatype": "FP64", "parameters": {"binary_data_size": array.nbytes}}
    body = json.dumps({"inputs": [head], "parameters": {"binary_data_output": True}}).encode()
    response = infer(
        client,
        compress(body + array.tobytes()),
        headers={HEADER: str(len(body)), "Content-Encoding": encoding},
    )
    assert response.status_code == 200, response.text
    length = int(response.headers[HEADER])
    assert json.loads(response.data[:length])["outputs"][0]["shape"] == [3]


def test_an_unknown_content_encoding_is_refused(client):
    is_error(infer(client, b"x", headers={"Content-Encoding": "br"}), 415)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_large_inference_answers_are_compressed_on_request_with_the_header_length_of_the_plain_one(client, encoding):
    array = np.tile(X, (20, 1))
    document = rows(array, outputs=[{"name": "predict_proba", "parameters": {"binary_data": True}}])
    response = infer(client, document, headers={"Accept-Encoding": encoding})
    assert response.headers["Content-Encoding"] == encoding
    plain = (gzip.decompress if encoding == "gzip" else zlib.decompress)(response.data)
    length = int(response.headers[HEADER])
    (output,) = json.loads(plain[:length])["outputs"]
    assert np.allclose(np.frombuffer(plain[length:]).reshape(output["shape"]), iris().predict_proba(array))


@pytest.mark.parametrize("path", ["/v2", "/v2/models/iris", "/v2/health/ready", "/v2/models", "/v2/models/none"])
def test_nothing_but_inference_is_compressed(client, path):
    assert "Content-Encoding" not in client.get(path, headers={"Accept-Encoding": "gzip, deflate, br"}).headers


def test_the_repository_index_is_not_compressed(client):
    response = client.post("/v2/repository/index", headers={"Accept-Encoding": "gzip, deflate, br"})
    assert "Content-Encoding" not in response.headers


def test_a_version_is_asked_for_by_number(client, store):
    channels.load(store, "iris", 2, "test")
    eventually(lambda: infer(client, rows(X[:1]), "/v2/models/iris/versions/2/infer").status_code == 200)
    for version in ("1", "2"):
        response = infer(client, rows(X[:1]), f"/v2/models/iris/versions/{version}/infer")
        assert response.json["model_version"] == version
        assert response.headers["X-Model-Version"] == version


def test_a_table_takes_a_tensor_for_each_column(client):
    inputs = [
        {"name": "age", "shape": [2, 1], "datatype": "INT64", "data": [22, 35]},
        {"name": "city", "shape": [2, 1], "datatype": "BYTES", "data": ["Rome", "Oslo"]},
    ]
    response = infer(client, {"inputs": inputs}, "/v2/models/clients/infer")
    assert response.status_code == 200, response.text
    assert response.json["outputs"][0]["datatype"] == "BYTES"
    assert response.json["outputs"][0]["data"] == table().predict(CLIENTS_TABLE[:2]).tolist()


def test_a_model_of_texts_takes_bytes(client):
    one = {"name": "any", "shape": [2], "datatype": "BYTES", "data": ["buy pills", "see you"]}
    response = infer(client, {"inputs": [one]}, "/v2/models/texts/infer")
    assert response.json["outputs"][0]["data"] == ["spam", "ham"]


def test_a_raw_body_predicts(client):
    response = infer(client, X[:2].tobytes(), headers={HEADER: "0"})
    length = int(response.headers[HEADER])
    assert response.mimetype == "application/octet-stream"
    assert response.data[length : length + 16] == iris().predict(X[:2]).tobytes()


@pytest.mark.parametrize("name", ["iris", "texts"])
def test_no_rows_are_answered_with_none(client, name):
    one = {"name": "x", "shape": [0, 4], "datatype": "FP64", "data": []}
    if name == "texts":
        one |= {"shape": [0], "datatype": "BYTES"}
    response = infer(client, {"inputs": [one]}, f"/v2/models/{name}/infer")
    assert response.status_code == 200, response.text
    for output, said in zip(response.json["outputs"], client.get(f"/v2/models/{name}").json["outputs"], strict=True):
        assert output["shape"] == [0, *said["shape"][1:]]
        assert output["data"] == []


def test_a_percent_encoded_name_is_decoded_once(client):
    assert infer(client, rows(X[:1]), "/v2/models/%69ris/infer").json["model_name"] == "iris"
    assert client.get("/v2/models/ir%69s").json["name"] == "iris"
    is_error(client.get("/v2/models/%2569ris"), 404)


def test_the_routes_are_those_of_the_protocol_with_and_without_a_version(application):
    rules = {rule.rule for rule in application.flask.url_map.iter_rules() if rule.rule.startswith("/v2")}
    for path in ("/v2/models/<model>", "/v2/models/<model>/versions/<version>"):
        assert {path, f"{path}/ready", f"{path}/infer"} <= rules
    assert not any("$" in rule for rule in rules)


# --- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"inputs": []}'])
def test_a_bad_body_is_400_with_an_error_string(client, body):
    is_error(infer(client, body), 400)


@pytest.mark.parametrize("name", ["none", "Iris", ".replicas", "iris.", "%2e%2e", "a%20b", "ä", "x" * 300])
def test_an_unknown_model_is_404_in_the_words_that_clients_look_for(client, name):
    said = is_error(infer(client, rows(X[:1]), f"/v2/models/{name}/infer"), 404)
    assert said.startswith("Request for unknown model: '")
    assert said.endswith("' is not found")
    for path in (f"/v2/models/{name}", f"/v2/models/{name}/ready"):
        assert is_error(client.get(path), 404) == said
    assert is_error(client.post(f"/v2/repository/models/{name}/load"), 404) == said


def test_an_unknown_model_comes_before_a_bad_body(client):
    is_error(infer(client, b"{", "/v2/models/none/infer"), 404)


@pytest.mark.parametrize("version", ["0", "3", "99999999999999999999", "v10", "1.2.3", "-1", "latest", "1" * 5000])
def test_an_unknown_version_is_404(client, version):
    is_error(infer(client, rows(X[:1]), f"/v2/models/iris/versions/{version}/infer"), 404)
    is_error(client.get(f"/v2/models/iris/versions/{version}"), 404)
    is_error(client.get(f"/v2/models/iris/versions/{version}/ready"), 404)


def test_a_stored_version_that_nothing_names_is_404_and_says_so(client):
    said = is_error(infer(client, rows(X[:1]), "/v2/models/iris/versions/2/infer"), 404)
    assert "not loaded" in said


def test_a_known_model_that_is_not_ready_is_503(client):
    is_error(infer(client, rows(X[:1]), "/v2/models/draft/infer"), 503)
    response = client.get("/v2/models/draft/ready")
    is_error(response, 503)
    assert response.json["name"] == "draft"
    assert response.json["ready"] is False


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/v2/models/iris/infer"),
        ("get", "/v2/models/iris/versions/1/infer"),
        ("put", "/v2/models/iris/infer"),
        ("post", "/v2"),
        ("post", "/v2/health/ready"),
        ("delete", "/v2/models/iris"),
        ("get", "/v2/repository/index"),
        ("get", "/v2/repository/models/iris/load"),
    ],
)
def test_a_wrong_verb_is_405(client, method, path):
    is_error(getattr(client, method)(path), 405)


@pytest.mark.parametrize(
    "path", ["/v2/none", "/v2/models/a/b/c", "/v2/models/iris/versions", "/v2/health", "/v2/models/a/b/infer"]
)
def test_an_unknown_path_is_404(client, path):
    is_error(client.get(path), 404)
    is_error(client.post(path), 404)


@pytest.mark.parametrize(
    ("document", "location"),
    [
        (rows([[1, 2, 3]]), "inputs[0].shape"),
        ({"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [1, 2, "3", 4]}]}, "inputs[0].data[2]"),
        (rows(X[:1], outputs=[{"name": "none"}]), "outputs[0].name"),
    ],
)
def test_errors_are_one_object_with_an_error_string_and_the_wrong_places(client, document, location):
    response = infer(client, document)
    is_error(response, 400)
    assert response.json["errors"][0]["location"] == location


def test_every_error_of_every_kind_has_an_error_string(client):
    for response, status in (
        (infer(client, b"{"), 400),
        (client.get("/v2/models/none"), 404),
        (client.get("/v2/none"), 404),
        (client.post("/v2"), 405),
        (infer(client, b"x", headers={"Content-Encoding": "zstd"}), 415),
        (client.get("/v2/logging"), 501),
        (client.get("/v2/models/draft"), 503),
        (infer(client, b"x" * (17 * 2**20)), 413),
    ):
        is_error(response, status)


READER = {"X-API-Key": "reader"}


class Readers(Authentication):
    """Callers with a key, and those without, see one model alone; those with a key are known."""

    def authenticate(self, headers):
        subject = "client:reader" if headers.get("x-api-key") else ANONYMOUS
        return Principal(subject, grants=(Grant(frozenset({MODEL_READ, MODEL_PREDICT}), ("iris",)),))


@pytest.fixture
def stranger(store, make_application):
    return make_application(access=OpenAccess(Readers())).flask.test_client()


def test_refusals_of_access_control_have_an_error_string(stranger):
    is_error(infer(stranger, rows(X[:1]), "/v2/models/clients/infer"), 401)
    is_error(stranger.get("/v2/models/clients"), 401)
    is_error(stranger.post("/v2/repository/models/iris/load", headers=READER), 403)
    is_error(stranger.post("/v2/repository/models/iris/unload", headers=READER), 403)


def test_a_hidden_model_answers_as_one_that_is_not_there(stranger):
    for path in ("/v2/models/{}", "/v2/models/{}/ready", "/v2/models/{}/versions/1"):
        hidden, absent = (stranger.get(path.format(name), headers=READER) for name in ("texts", "textx"))
        assert hidden.status_code == absent.status_code == 404
        assert hidden.json["error"] == absent.json["error"].replace("textx", "texts")
    hidden, absent = (
        infer(stranger, rows(X[:1]), f"/v2/models/{name}/infer", headers=READER) for name in ("texts", "textx")
    )
    assert hidden.status_code == absent.status_code == 404
    assert hidden.json["error"] == absent.json["error"].replace("textx", "texts")


def test_lists_have_only_the_models_that_the_caller_may_read(stranger):
    assert stranger.get("/v2/models").json == {"models": ["iris"]}
    assert {entry["name"] for entry in stranger.post("/v2/repository/index").json} == {"iris"}


def test_health_and_the_server_s_metadata_are_open_to_everyone(stranger):
    for path in ("/v2", "/v2/health/live", "/v2/health/ready"):
        assert stranger.get(path).status_code in {200, 503}


# --- health and metadata --------------------------------------------------------------------------------------------


def test_live_and_ready_satisfy_every_client(client):
    assert client.get("/v2/health/live").json == {"live": True}
    response = client.get("/v2/models/iris/ready")
    assert (response.status_code, response.json) == (200, {"name": "iris", "ready": True})


def test_a_model_that_is_unloaded_on_purpose_leaves_the_service_ready(client, store):
    response = client.get("/v2/health/ready")
    assert (response.status_code, response.json) == (200, {"ready": True, "live": True})
    channels.unload(store, "clients", "test")
    eventually(lambda: client.get("/v2/models/clients").status_code == 404)
    assert client.get("/v2/health/ready").status_code == 200


def break_seal(store, model):
    manifest = store.disk / model / "1" / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_bytes(manifest.read_bytes() + b" ")


def test_a_model_that_cannot_be_loaded_is_503_itself_and_leaves_the_service_ready(store, make_application):
    break_seal(store, "clients")
    client = make_application().flask.test_client()
    response = client.get("/v2/health/ready")
    assert (response.status_code, response.json) == (200, {"ready": True, "live": True})
    own = client.get("/v2/models/clients/ready")
    assert is_error(own, 503).startswith("version 1 of model 'clients' could not be loaded: ")
    assert own.json["ready"] is False
    assert client.get("/v2/models/iris/ready").status_code == 200


def test_not_ready_is_503_with_an_error_string(store, make_application):
    for model in ("iris", "clients", "texts"):
        break_seal(store, model)
    client = make_application().flask.test_client()
    response = client.get("/v2/health/ready")
    assert is_error(response, 503) == "not ready: none of 3 models can answer"
    assert response.json["ready"] is False
    assert response.json["live"] is True
    assert client.get("/v2/health/live").status_code == 200


def test_an_empty_store_is_not_ready(tmp_path, make_application):
    client = make_application().flask.test_client()
    is_error(client.get("/v2/health/ready"), 503)
    assert client.get("/v2/models").json == {"models": []}
    assert client.post("/v2/repository/index").json == []


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_the_server_s_metadata_lists_the_extensions_that_are_there(client, path):
    response = client.get(path)
    assert response.status_code == 200
    assert (response.json["name"], response.json["version"]) == ("millrace", service.__version__)
    assert {"binary_tensor_data", "classification", "model_repository"} <= set(response.json["extensions"])
    assert {"statistics", "model_configuration"} <= set(response.json["extensions"])
    assert "trace" not in response.json["extensions"]


def test_the_list_of_models_has_every_model_of_the_store(client):
    assert client.get("/v2/models").json == {"models": ["clients", "draft", "iris", "texts"]}


def test_a_model_s_metadata_describes_a_matrix_as_one_tensor(client):
    assert client.get("/v2/models/iris").json == {
        "name": "iris",
        "versions": ["1"],
        "platform": "scikit-learn",
        "inputs": [{"name": "input", "datatype": "FP64", "shape": [-1, 4]}],
        "outputs": [
            {"name": "predict", "datatype": "INT64", "shape": [-1]},
            {"name": "predict_proba", "datatype": "FP64", "shape": [-1, 3]},
            {"name": "decision_function", "datatype": "FP64", "shape": [-1, 3]},
        ],
    }


def test_a_model_s_metadata_describes_a_table_by_its_columns_and_texts_as_one_tensor(client):
    assert client.get("/v2/models/clients").json["inputs"] == [
        {"name": "age", "datatype": "INT64", "shape": [-1, 1]},
        {"name": "city", "datatype": "BYTES", "shape": [-1, 1]},
    ]
    assert client.get("/v2/models/texts").json["inputs"] == [{"name": "input", "datatype": "BYTES", "shape": [-1]}]


def test_the_metadata_lists_the_loaded_versions(client, store):
    channels.load(store, "iris", 2, "test")
    eventually(lambda: client.get("/v2/models/iris").json["versions"] == ["1", "2"])
    assert client.get("/v2/models/iris/versions/2").json["versions"] == ["2"]


def test_what_the_metadata_says_is_what_inference_takes_and_gives(client):
    for name in ("iris", "clients", "texts"):
        said = client.get(f"/v2/models/{name}").json
        inputs = [
            {
                "name": one["name"],
                "datatype": one["datatype"],
                "shape": [2, *one["shape"][1:]],
                "data": ["Rome" if one["datatype"] == "BYTES" else 3] * (2 * int(np.prod(one["shape"][1:]))),
            }
            for one in said["inputs"]
        ]
        answered = infer(client, {"inputs": inputs}, f"/v2/models/{name}/infer").json["outputs"]
        shapes = [{**one, "shape": [2, *one["shape"][1:]]} for one in said["outputs"]]
        assert [{key: one[key] for key in ("name", "datatype", "shape")} for one in answered] == shapes


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/v2/trace/setting"),
        ("post", "/v2/models/iris/trace/setting"),
        ("get", "/v2/logging"),
        ("post", "/v2/logging"),
        ("get", "/v2/systemsharedmemory/status"),
        ("post", "/v2/cudasharedmemory/region/r/register"),
        ("post", "/v2/models/iris/generate"),
        ("post", "/v2/models/iris/versions/1/generate_stream"),
        ("post", "/v2/models/iris/infer_stream"),
    ],
)
def test_what_is_left_out_is_501_and_says_why(client, method, path):
    assert is_error(getattr(client, method)(path), 501).startswith("Not implemented: ")


# --- statistics and configuration ---------------------------------------------------------------------------------


COUNTED = {
    "replica": "test-replica",
    "versions": [
        {
            "model": "iris",
            "version": "1",
            "answered": 3.0,
            "refused": 2.0,
            "rows": 12.0,
            "decode": 0.25,
            "predict": 0.5,
            "encode": 0.125,
            "last": 1500000000.5,
        }
    ],
}


@pytest.fixture
def master():
    """The management port of a replica whose master tells COUNTED."""
    server = serve("127.0.0.1:0", pages(alive=lambda: 1, ready=None, metrics=None, counts=lambda: COUNTED))
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def counting_client(store, make_application, master):
    return make_application(MANAGEMENT_BIND=f"127.0.0.1:{master.server_port}").flask.test_client()


@pytest.mark.parametrize("path", ["/v2/models/iris/stats", "/v2/models/iris/versions/1/stats"])
def test_statistics_are_the_counts_of_a_version(counting_client, path):
    response = counting_client.get(path)
    assert response.status_code == 200, response.text
    (found,) = response.json["model_stats"]
    steps = found.pop("inference_stats")
    assert found == {
        "name": "iris",
        "version": "1",
        "last_inference": 1500000000500,
        "inference_count": 12,
        "execution_count": 3,
        "batch_stats": [],
    }
    assert steps == {
        "success": {"count": 3, "ns": 875000000},
        "fail": {"count": 2, "ns": 0},
        "queue": {"count": 3, "ns": 0},
        "compute_input": {"count": 3, "ns": 250000000},
        "compute_infer": {"count": 3, "ns": 500000000},
        "compute_output": {"count": 3, "ns": 125000000},
        "cache_hit": {"count": 0, "ns": 0},
        "cache_miss": {"count": 0, "ns": 0},
    }


def test_statistics_of_all_models_have_every_loaded_version(counting_client):
    found = counting_client.get("/v2/models/stats").json["model_stats"]
    assert [(one["name"], one["version"], one["execution_count"]) for one in found] == [
        ("clients", "1", 0),
        ("iris", "1", 3),
        ("texts", "1", 0),
    ]


def test_statistics_and_configurations_are_those_of_loaded_versions(counting_client):
    for part in ("stats", "config"):
        for path in (f"/v2/models/nothing/{part}", f"/v2/models/iris/versions/2/{part}"):
            assert is_error(counting_client.get(path), 404).startswith("Request for unknown model: ")


def test_statistics_that_cannot_be_asked_for_are_503(client):
    assert "test-replica" in is_error(client.get("/v2/models/iris/stats"), 503)


def test_statistics_leave_out_hidden_models(store, make_application, master):
    access = OpenAccess(Readers())
    client = make_application(access, MANAGEMENT_BIND=f"127.0.0.1:{master.server_port}").flask.test_client()
    found = client.get("/v2/models/stats").json["model_stats"]
    assert [one["name"] for one in found] == ["iris"]
    is_error(client.get("/v2/models/clients/stats", headers={"X-API-Key": "k"}), 404)
    is_error(client.get("/v2/models/clients/config", headers={"X-API-Key": "k"}), 404)


def test_a_configuration_has_the_tensors_of_the_metadata_without_their_rows(client):
    configured = client.get("/v2/models/clients/config").json
    assert configured["input"] == [
        {"name": "age", "data_type": "TYPE_INT64", "dims": [1], "optional": False},
        {"name": "city", "data_type": "TYPE_STRING", "dims": [1], "optional": False},
    ]
    assert [(one["name"], one["data_type"], one["dims"]) for one in configured["output"]] == [
        ("predict", "TYPE_STRING", []),
        ("predict_proba", "TYPE_FP64", [2]),
        ("decision_function", "TYPE_FP64", []),
    ]


@pytest.mark.parametrize("path", ["/v2/models/iris/config", "/v2/models/iris/versions/1/config"])
def test_a_configuration_says_what_is_loaded_and_the_most_rows_of_a_request(store, make_application, path):
    configured = make_application(MAX_ROWS="500").flask.test_client().get(path).json
    metadata = {"name": "iris", "platform": "scikit-learn", "backend": "scikit-learn"}
    assert {key: configured[key] for key in metadata} == metadata
    assert configured["version_policy"] == {"specific": {"versions": [1]}}
    assert configured["max_batch_size"] == 500
    assert configured["input"] == [{"name": "input", "data_type": "TYPE_FP64", "dims": [4], "optional": False}]


# --- repository -----------------------------------------------------------------------------------------------------


def index(client, body=b""):
    response = client.post("/v2/repository/index", data=body, content_type="application/octet-stream")
    assert response.status_code == 200, response.text
    return {(entry["name"], entry["version"]): (entry["state"], entry["reason"]) for entry in response.json}


@pytest.mark.parametrize("body", [b"", b"{}", b'{"ready": false}', b'{"ready": false, "other": 1}'])
def test_the_index_has_every_stored_version_with_its_state_and_the_reason(client, body):
    assert index(client, body) == {
        ("clients", "1"): ("READY", ""),
        ("draft", "1"): ("UNAVAILABLE", "not loaded: no channel or label names it"),
        ("iris", "1"): ("READY", ""),
        ("iris", "2"): ("UNAVAILABLE", "not loaded: no channel or label names it"),
        ("texts", "1"): ("READY", ""),
    }


def test_the_index_can_be_of_ready_versions_only(client):
    assert set(index(client, b'{"ready": true}')) == {("clients", "1"), ("iris", "1"), ("texts", "1")}


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"ready": 1}', b'{"ready": "yes"}', b"null"])
def test_an_index_request_that_is_none_is_400(client, body):
    is_error(client.post("/v2/repository/index", data=body), 400)


def test_a_version_that_failed_says_why(client, store):
    golden = store.disk / "iris" / "2" / "golden.npz"
    golden.chmod(0o644)
    golden.write_bytes(b"altered")
    channels.set_label(store, "iris", "next", 2, "test")
    eventually(lambda: "is not what was sealed" in index(client)["iris", "2"][1])
    assert index(client)["iris", "2"][0] == "UNAVAILABLE"
    assert index(client)["iris", "1"] == ("READY", "")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"parameters": {}}', b'{"parameters": null}'])
def test_loading_a_loaded_model_succeeds_and_changes_nothing(client, store, body):
    before = channels.read(store, "iris")
    response = client.post("/v2/repository/models/iris/load", data=body)
    assert (response.status_code, response.json) == (200, {"name": "iris", "load": True})
    assert channels.read(store, "iris") == before


def test_a_model_that_was_never_promoted_is_loaded_in_its_newest_version(client):
    assert client.post("/v2/repository/models/draft/load").status_code == 200
    assert infer(client, rows(X[:1]), "/v2/models/draft/infer").json["model_version"] == "1"
    assert index(client)["draft", "1"] == ("READY", "")


@pytest.mark.parametrize("verb", ["load", "unload"])
def test_loading_what_is_not_in_the_store_is_404(client, store, verb):
    said = is_error(client.post(f"/v2/repository/models/none/{verb}"), 404)
    assert said == "Request for unknown model: 'none' is not found"
    assert not (store.disk / "none").exists()


@pytest.mark.parametrize("body", [b"", b'{"parameters": {"unload_dependents": false}}'])
def test_an_unloaded_model_is_404_until_it_is_loaded_again(client, body):
    response = client.post("/v2/repository/models/iris/unload", data=body)
    assert (response.status_code, response.json) == (200, {"name": "iris", "unload": True})
    for path in ("/v2/models/iris", "/v2/models/iris/versions/1", "/v2/models/iris/ready"):
        is_error(client.get(path), 404)
    is_error(infer(client, rows(X[:1])), 404)
    eventually(lambda: index(client)["iris", "1"] == ("UNAVAILABLE", "unloaded"))
    assert client.post("/v2/repository/models/iris/load").status_code == 200
    assert infer(client, rows(X[:1])).status_code == 200


def test_load_and_unload_are_held_in_the_store_so_that_every_replica_follows(client, make_application):
    other = make_application(REPLICA="another").flask.test_client()
    assert client.post("/v2/repository/models/iris/unload").status_code == 200
    is_error(other.get("/v2/models/iris"), 404)
    assert other.post("/v2/repository/models/iris/load").status_code == 200
    assert client.get("/v2/models/iris").status_code == 200


def test_who_loaded_and_unloaded_stands_in_the_history(client, store):
    client.post("/v2/repository/models/iris/unload")
    client.post("/v2/repository/models/iris/load")
    assert [move.action for move in channels.read(store, "iris").history[-2:]] == ["unload", "load"]


@pytest.mark.parametrize(
    ("verb", "parameters"),
    [
        ("load", {"config": "{}"}),
        ("load", {"file:1/model.onnx": "AAAA"}),
        ("load", {"other": 1}),
        ("load", [1]),
        ("load", "x"),
        ("unload", {"unload_dependents": "yes"}),
        ("unload", {"other": True}),
        ("unload", [1]),
    ],
)
def test_load_and_unload_refuse_parameters_they_do_not_know_and_say_why(client, store, verb, parameters):
    before = channels.read(store, "iris")
    response = client.post(f"/v2/repository/models/iris/{verb}", data=json.dumps({"parameters": parameters}))
    is_error(response, 400)
    assert channels.read(store, "iris") == before


def test_a_model_that_cannot_be_loaded_is_409_with_the_reason(client, store):
    assert client.post("/v2/repository/models/iris/unload").status_code == 200
    (store.disk / "iris" / "1" / "manifest.sig").unlink()
    said = is_error(client.post("/v2/repository/models/iris/load"), 409)
    assert said.startswith("failed to load 'iris', version 1: ")


def test_a_load_that_takes_too_long_is_503_and_goes_on(client, application):
    application.convergence.seconds = 0.0
    response = client.post("/v2/repository/models/draft/load")
    is_error(response, 503)
    assert response.headers["Retry-After"]
    eventually(lambda: client.get("/v2/models/draft").status_code == 200)


class ReadOnly(FolderStore):
    """A store whose pointers cannot be moved from here."""

    def __init__(self, root, number):
        super().__init__(root)
        self.number = number

    def swap_pointers(self, name, data, expected):
        raise OSError(self.number, "no")


class Unheard(Record):
    def begin(self, exchange):
        pass

    def end(self, exchange, *, counted=False):
        pass


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_store_that_cannot_be_written_from_here_is_409(application, everyone, store, number):
    app = flask.Flask("read only", static_folder=None)
    repository = Repository(ReadOnly(store.disk, number), application.convergence)
    router, statistics = Router(application.catalog), Statistics(MemoryPresence())
    routes = openinference.routes(application.catalog, router, everyone.audit, repository, statistics, max_rows=10)
    hooks.install(app, replica="r", record=Unheard(), dialects=[routes.dialect])
    app.register_blueprint(routes.blueprint)
    guards.enforce(app, everyone.authenticator)
    is_error(app.test_client().post("/v2/repository/models/iris/unload"), 409)


@pytest.mark.parametrize(
    "path",
    ["/v2/repository/other/index", "/v2/repository/other/models/iris/load", "/v2/repository/other/models/iris/unload"],
)
def test_a_named_repository_is_501(client, path):
    is_error(client.post(path), 501)


def test_predictions_go_on_while_a_model_is_loaded_and_unloaded(client, application):
    stop, seen = threading.Event(), []

    def ask():
        asking = application.flask.test_client()
        while not stop.is_set():
            seen.append(infer(asking, rows(X[:1])).status_code)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for _ in range(3):
            assert client.post("/v2/repository/models/draft/load").status_code == 200
            assert client.post("/v2/repository/models/draft/unload").status_code == 200
    finally:
        stop.set()
        thread.join()
    assert set(seen) == {200}
