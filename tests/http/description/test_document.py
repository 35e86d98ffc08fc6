"""The API description: complete, valid, true to the models, and no more than the caller may see."""

import re
from functools import partial

import flask
import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from model_store import publish, seal
from service import settings
from service.app import create_app
from service.auth.permissions import PERMISSIONS
from service.auth.principals import ANONYMOUS, Grant, Principal
from service.http import guards
from service.http.access import Authentication
from service.http.description.route import OPERATION, described, described_routes, undescribed
from service.http.guards import public
from tests.service.auth.fakes import OpenAccess

ROWS = np.random.default_rng(0).normal(size=(40, 3))
PEOPLE = pd.DataFrame(
    {"age": [22, 38, 26, 35] * 5, "sex": ["male", "female", "female", None] * 5, "new": [True, False] * 10}
)
COLUMNS = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["sex"]), remainder="passthrough")
WORDS = pd.Series(["good day", "bad night", "good night", "bad day"] * 5, name="text")
MODELS = {
    "kinds": (LogisticRegression().fit(ROWS, np.array(["a", "b"])[(ROWS[:, 0] > 0).astype(int)]), ROWS),
    "lines": (LinearRegression().fit(ROWS, ROWS[:, :2]), ROWS),
    "people": (make_pipeline(COLUMNS, LogisticRegression()).fit(PEOPLE, [0, 1] * 10), PEOPLE),
    "moods": (make_pipeline(CountVectorizer(), MultinomialNB()).fit(WORDS, [1, 0] * 10), WORDS.to_frame()),
    "groups": (KMeans(2, n_init=1, random_state=0).fit(ROWS.astype("f4")), ROWS.astype("f4")),
}
MODEL_PATHS = {
    "invocations": "/models/{}/invocations",
    "infer": "/v2/models/{}/infer",
    "predict": "/v1/models/{}:predict",
    "classify": "/v1/models/{}:classify",
    "regress": "/v1/models/{}:regress",
}


class Seeing(Authentication):
    """A caller who may do everything with the ``visible`` models (None: all of them, False: not even be known)."""

    def __init__(self):
        self.visible = None

    def authenticate(self, headers):
        if self.visible is False:
            return Principal(ANONYMOUS)
        models = ("*",) if self.visible is None else tuple(self.visible)
        return Principal("client:tester", grants=(Grant(PERMISSIONS, models),))


@pytest.fixture(scope="module")
def application(tmp_path_factory):
    folder = tmp_path_factory.mktemp("openapi")
    key = seal.create_keys(folder / "keys")
    for name, (estimator, sample) in MODELS.items():
        publish(folder / "models", name, estimator, sample, sealing_key=key, promote=True)
    environment = {
        "MODEL_STORE_ROOT": str(folder / "models"),
        "TRUSTED_KEYS": str(folder / "keys" / "trusted"),
        "RUN_DIR": str(folder / "run"),
        "REPLICA": "openapi-tests",
    }
    made = create_app(settings.read(environment), OpenAccess(Seeing()))
    made.start_worker()
    yield made
    made.stop_worker()


@pytest.fixture
def client(application):
    application.access.authenticator.visible = None
    return application.flask.test_client()


@pytest.fixture
def description(client):
    return client.get("/openapi.json").json


def body_schemas(description, path):
    operation = description["paths"][path]["post"]
    request = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    return [description["components"]["schemas"][reference.rpartition("/")[2]] for reference in (request, answer)]


def test_the_description_is_valid_openapi_3_1(description):
    assert description["openapi"].startswith("3.1")
    validate(description)


def test_every_route_that_does_not_only_refuse_is_described(application, description):
    routes = described_routes(application.flask)
    assert len(routes) > 30
    paths = description["paths"]
    assert [r for r in routes if r.method.lower() not in paths.get(r.path, {})] == []


@pytest.fixture
def planted(application):
    """Makes an application with one more view."""

    def plant(view):
        app = flask.Flask("other", static_folder=None)
        app.add_url_rule("/new/<int:thing>", "new", view, methods=["PUT"])
        return app

    return plant


def _view(thing):
    return str(thing)


def test_a_view_without_a_description_stops_the_start(planted):
    with pytest.raises(LookupError, match="'new' is marked neither described nor undescribed"):
        described_routes(planted(public(partial(_view))))


def test_a_view_without_a_guard_stops_the_start(planted):
    app = planted(described(OPERATION, "Something new")(partial(_view)))
    with pytest.raises(LookupError, match="'new' is marked neither guarded nor public"):
        guards.enforce(app, Seeing())
    with pytest.raises(LookupError, match="'new' is marked neither guarded nor public"):
        described_routes(app)


def test_a_view_that_refuses_everything_is_left_out(planted):
    assert described_routes(planted(public(undescribed(partial(_view))))) == []


def test_types_that_views_name_are_components(description):
    schema = description["paths"]["/v2/models/{model}"]["get"]["responses"]["200"]["content"]["application/json"]
    assert schema == {"schema": {"$ref": "#/components/schemas/ModelMetadata"}}
    schemas = description["components"]["schemas"]
    assert set(schemas["ModelMetadata"]["properties"]) >= {"inputs", "outputs"}
    assert [name for name in schemas if name.startswith("service.")] == []  # two types of one name


def test_the_ways_to_authenticate_are_described(description):
    assert set(description["components"]["securitySchemes"]) == {"bearer", "apiKey", "oauth2"}
    assert description["paths"]["/ping"]["get"]["security"] == []
    assert {"oauth2": ["model:predict"]} in description["paths"]["/models/{model}/invocations"]["post"]["security"]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("verb", MODEL_PATHS)
def test_the_example_of_each_model_fits_its_schema_and_is_answered_as_described(client, description, model, verb):
    path = MODEL_PATHS[verb].format(model)
    if path not in description["paths"]:
        refused = client.post(path, json={"examples": [{"a": 1}]})
        assert verb in {"classify", "regress"}
        assert refused.status_code == 400
        return
    request, answer = body_schemas(description, path)
    (example,) = request["examples"]
    Draft202012Validator(request).validate(example)
    answered = client.post(path, json=example)
    assert answered.status_code == 200, answered.data
    Draft202012Validator(answer).validate(answered.json)


@pytest.mark.parametrize("model", MODELS)
def test_the_csv_example_of_each_model_is_answered(client, description, model):
    path = MODEL_PATHS["invocations"].format(model)
    (example,) = description["paths"][path]["post"]["requestBody"]["content"]["text/csv"]["schema"]["examples"]
    answered = client.post(path, data=example, content_type="text/csv")
    assert answered.status_code == 200, answered.data


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("people", {"dataframe_records": [{"age": 1.5, "sex": "male", "new": True}]}),
        ("people", {"dataframe_records": [{"sex": "male", "new": True}]}),
        ("people", {"dataframe_records": [{"age": 1, "sex": "male", "new": 1}]}),
        ("kinds", {"instances": [[1, 2]]}),
        ("kinds", {"instances": [[1, 2, "3"]]}),
        ("kinds", {"instances": [[1, 2, 3]], "inputs": [[1, 2, 3]]}),
        ("kinds", {"instances": [[1, 2, 3]], "params": {"predict_method": "transform"}}),
    ],
)
def test_what_a_model_refuses_does_not_fit_its_schema(client, description, model, body):
    path = MODEL_PATHS["invocations"].format(model)
    assert client.post(path, json=body).status_code == 400
    assert not Draft202012Validator(body_schemas(description, path)[0]).is_valid(body)


def test_errors_are_as_described(client, description):
    components = {"components": description["components"]}
    error = Draft202012Validator({"$ref": "#/components/schemas/Error", **components})
    for answer in (
        client.post("/models/kinds/invocations", json={}),
        client.post("/v1/models/kinds:predict", json={}),
        client.get("/v2/models/nobody"),
        client.get("/nowhere"),
    ):
        error.validate(answer.json)


def test_only_models_that_the_caller_may_see_are_described(application, client):
    application.access.authenticator.visible = {"people"}
    text = client.get("/openapi.json").text
    assert "/models/people/invocations" in text
    for hidden in set(MODELS) - {"people"}:
        assert f"/models/{hidden}/invocations" not in text
        assert f"{hidden}.predict.request" not in text
    application.access.authenticator.visible = set()
    validate(client.get("/openapi.json").json)


def test_the_description_needs_permission_and_the_page_does_not(application, client):
    application.access.authenticator.visible = False
    assert client.get("/openapi.json").status_code == 401
    assert client.get("/docs").status_code == 200


def test_the_page_and_its_files_come_from_here_under_a_strict_policy(client):
    page = client.get("/docs")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy.split("; ")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) == 5
    for link in links:
        assert link.startswith("/docs/")
        answer = client.get(link)
        assert answer.status_code == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "<script>" not in page.text
    assert "style=" not in page.text
    assert client.get("/docs/").status_code == 200


@pytest.mark.parametrize("name", ["page.html", "..%2fdocs.py", "index.css", "oauth2-redirect.html"])
def test_no_other_file_can_be_had(client, name):
    assert client.get(f"/docs/{name}").status_code == 404


def test_an_answer_without_content_is_described_without(description, client):
    answer = client.get("/ping")
    assert (answer.status_code, answer.data.strip()) == (200, b"")
    assert "content" not in description["paths"]["/ping"]["get"]["responses"]["200"]


def test_the_refusals_of_the_description_itself_are_described(description, application):
    application.access.authenticator.visible = False
    status = application.flask.test_client().get("/openapi.json").status_code
    assert str(status) in description["paths"]["/openapi.json"]["get"]["responses"]


@pytest.mark.parametrize(
    ("path", "forms"),
    [
        ("/openapi.json", {"application/problem+json"}),
        ("/models/{model}/invocations", {"application/problem+json"}),
        ("/v1/models/{model}", {"application/json"}),
        ("/v2/models/{model}", {"application/json"}),
    ],
)
def test_errors_are_described_in_the_form_of_their_dialect(description, path, forms):
    (operation,) = description["paths"][path].values()
    assert set(operation["responses"]["401"]["content"]) == forms
