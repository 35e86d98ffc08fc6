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


@pytest.fixture(scope="module")
def model_descriptions(application):
    """Each model's own document, by its name."""
    application.access.authenticator.visible = None
    client = application.flask.test_client()
    return {model: client.get(f"/models/{model}/openapi.json").json for model in MODELS}


def body_schemas(description, path):
    """The schemas of a path's request and answer, and the examples of the former."""
    operation = description["paths"][path]["post"]
    request = operation["requestBody"]["content"]["application/json"]["schema"]
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    named = description["components"]["schemas"][request["$ref"].rpartition("/")[2]]
    components = {"components": description["components"]}
    return {**request, **components}, {**answer, **components}, named["examples"]


def test_the_description_is_valid_openapi_3_1(description, model_descriptions):
    for each in (description, *model_descriptions.values()):
        assert each["openapi"].startswith("3.1")
        validate(each)


def references(part):
    """What a part of a document refers to, with the references in it."""
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for inner in part.values() for found in references(inner)]
    return [found for inner in part for found in references(inner)] if isinstance(part, list) else []


def test_every_reference_leads_somewhere_and_every_response_is_used(description, model_descriptions):
    for each in (description, *model_descriptions.values()):
        named = {f"#/components/{kind}/{name}" for kind, parts in each["components"].items() for name in parts}
        used = set(references(each))
        assert used <= named
        assert {name for name in named - used if "/responses/" in name} == set()


def test_no_schema_is_written_in_a_way_that_common_generators_refuse(description, model_descriptions):
    for each in (description, *model_descriptions.values()):
        for schema in schemas(each["components"]["schemas"]):
            assert not isinstance(schema, bool), each["info"]
            assert not isinstance(schema.get("const"), (list, dict)), schema
            assert {"items", "prefixItems"} & set(schema) or schema.get("type") != "array", schema


def schemas(by_name):
    """The schemas of a mapping, and those within them."""
    for schema in by_name.values():
        yield from within(schema)


def within(schema):
    yield schema
    if isinstance(schema, bool):
        return
    for keyword in ("items", "not", "contains"):
        if keyword in schema:
            yield from within(schema[keyword])
    for keyword in ("prefixItems", "anyOf", "oneOf", "allOf"):
        for inner in schema.get(keyword, []):
            yield from within(inner)
    yield from schemas(schema.get("properties", {}))


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
def test_the_example_of_each_model_fits_its_schema_and_is_answered_as_described(
    client, model_descriptions, model, verb
):
    path, description = MODEL_PATHS[verb].format(model), model_descriptions[model]
    if path not in description["paths"]:
        refused = client.post(path, json={"examples": [{"a": 1}]})
        assert verb in {"classify", "regress"}
        assert refused.status_code == 400
        return
    request, answer, (example,) = body_schemas(description, path)
    Draft202012Validator(request).validate(example)
    answered = client.post(path, json=example)
    assert answered.status_code == 200, answered.data
    Draft202012Validator(answer).validate(answered.json)


@pytest.mark.parametrize("model", MODELS)
def test_the_csv_example_of_each_model_is_answered(client, model_descriptions, model):
    path = MODEL_PATHS["invocations"].format(model)
    (example,) = model_descriptions[model]["paths"][path]["post"]["requestBody"]["content"]["text/csv"]["schema"][
        "examples"
    ]
    answered = client.post(path, data=example, content_type="text/csv")
    assert answered.status_code == 200, answered.data


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("people", {"dataframe_records": [{"age": 1.5, "sex": "male", "new": True}]}),
        ("people", {"dataframe_split": {"columns": ["age", "sex"], "data": [[1, "male"]]}}),
        ("people", {"dataframe_records": [{"sex": "male", "new": True}]}),
        ("people", {"dataframe_records": [{"age": 1, "sex": "male", "new": 1}]}),
        ("kinds", {"instances": [[1, 2]]}),
        ("kinds", {"instances": [[1, 2, "3"]]}),
        ("kinds", {"instances": [[1, 2, 3]], "inputs": [[1, 2, 3]]}),
        ("kinds", {"instances": [[1, 2, 3]], "params": {"predict_method": "transform"}}),
    ],
)
def test_what_a_model_refuses_does_not_fit_its_schema(client, model_descriptions, model, body):
    path = MODEL_PATHS["invocations"].format(model)
    assert client.post(path, json=body).status_code == 400
    assert not Draft202012Validator(body_schemas(model_descriptions[model], path)[0]).is_valid(body)


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
    assert "/models/people/invocations" in client.get("/models/people/openapi.json").json["paths"]
    for hidden in [*sorted(set(MODELS) - {"people"}), "nobody"]:
        refused = client.get(f"/models/{hidden}/openapi.json")
        assert (refused.status_code, refused.json["code"]) == (404, "model_not_found")
        assert hidden not in client.get("/openapi.json").text


def test_the_whole_description_does_not_grow_with_the_models(application, client, description):
    application.access.authenticator.visible = set()
    assert client.get("/openapi.json").json == description
    assert len(client.get("/openapi.json").data) < 200_000


def operation_parameters(description, path):
    """The parameters of a path's only operation, by name."""
    (operation,) = description["paths"][path].values()
    return {parameter["name"]: parameter for parameter in operation["parameters"]}


def variables(description):
    """The names of the parameters of a document's routes."""
    operations = [operation for item in description["paths"].values() for operation in item.values()]
    return {parameter["name"] for operation in operations for parameter in operation.get("parameters", [])}


def test_the_description_of_a_model_has_the_routes_that_lead_to_it_alone(model_descriptions):
    for model, described_model in model_descriptions.items():
        assert all(f"/{model}" in path for path in described_model["paths"])
        assert variables(described_model) <= {"version", "label", "predict_method", "outputs"}
        labels = operation_parameters(described_model, f"/v1/models/{model}/labels/{{label}}")
        assert labels["label"]["schema"]["enum"] == ["stable"]
    assert "/v1/models/lines:classify" not in model_descriptions["lines"]["paths"]
    assert "/v1/models/kinds:classify" in model_descriptions["kinds"]["paths"]


def test_the_description_needs_permission_and_the_page_does_not(application, client):
    application.access.authenticator.visible = False
    assert client.get("/openapi.json").status_code == 401
    assert client.get("/docs").status_code == 200


def test_the_page_and_its_files_come_from_here_under_a_strict_policy(client):
    page = client.get("/docs")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy.split("; ")
    assert 'data-root=""' in page.text
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


@pytest.mark.parametrize("path", ["/openapi.json", "/models/people/openapi.json"])
def test_who_has_the_description_already_is_not_sent_it_again(client, path):
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert "no-cache" in first.headers["Cache-Control"]
    assert client.get(path, headers={"If-None-Match": '"another"'}).data == first.data


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
    reference = operation["responses"]["401"]["$ref"].rpartition("/")[2]
    assert set(description["components"]["responses"][reference]["content"]) == forms
