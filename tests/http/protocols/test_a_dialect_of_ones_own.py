"""A dialect that only this test knows: what it hands over is all that routes, errors and the description need."""

import re
from dataclasses import replace

import flask
import pytest

from service.dialects.dialect import Dialect, VerbBodies
from service.dialects.json_schema import TEXT
from service.errors import ModelNotFound
from service.http import fastpath, guards, hooks
from service.http.description import openapi
from service.http.description.document import document
from service.http.description.route import described, described_routes, prediction, section_of
from service.http.exchange import Record
from service.http.guards import public
from service.http.predictions import Predictions
from service.http.routes import DialectRoutes, PredictRoute
from service.inference.line import Inference
from service.runtime.catalog import Catalog
from service.runtime.router import Router
from service.wire import ErrorForm, Target, Verb


def phrase(error, values):
    return f"no {values['model']} in the parrot's cage" if isinstance(error, ModelNotFound) else None


PARROT = Dialect(
    name="parrot",
    title="Parrot",
    summary="`/parrot`: says what it is told",
    addresses=re.compile(r"/parrot/.*"),
    errors=ErrorForm("text/parrot", lambda body: {"squawk": body["error"]}, {"squawk": TEXT}),
    phrase=phrase,
    verbs={"say": VerbBodies({"text/plain": TEXT}, {"text/plain": TEXT})},
    bodies=lambda _schema: {},
)


class Say(Verb):
    dialect = "parrot"

    def check(self, request):
        pass


class Unheard(Record):
    def begin(self, exchange):
        pass

    def end(self, exchange, *, counted=False):
        pass


@pytest.fixture
def app(everyone):
    section, blueprint = section_of(PARROT), flask.Blueprint("parrot", __name__)

    @blueprint.get("/parrot/alive")
    @public
    @described(section, "Whether it lives", response=str, refusals=(404,))
    def alive():
        return "yes"

    route = PredictRoute(
        "/parrot/<model>/say",
        re.compile("/parrot/(?P<model>[^/]+)/say"),
        PARROT,
        Say(),
        lambda values: Target(values["model"]),
        prediction(PARROT, "say", "Have a model say it"),
    )
    routes = DialectRoutes(PARROT, [route], blueprint)
    app = flask.Flask("parrot", static_folder=None)
    hooks.install(app, replica="r", record=Unheard(), dialects=[routes.dialect])
    predictions = Predictions(
        Inference(Router(Catalog())),
        everyone.authenticator,
        everyone.quotas,
        replica="r",
        max_body_bytes=1000,
        record=Unheard(),
    )
    app.register_blueprint(routes.blueprint)
    fastpath.add_routes(app, predictions, routes.predict_routes)
    app.wsgi_app = fastpath.FastPath(app.wsgi_app, predictions, routes.predict_routes)
    guards.enforce(app, everyone.authenticator)
    return app


@pytest.mark.parametrize(
    ("method", "path", "status", "squawk"),
    [
        ("post", "/parrot/polly/say", 404, "no polly in the parrot's cage"),
        ("get", "/parrot/polly/say", 405, "The method is not allowed for the requested URL."),
        ("get", "/parrot/nowhere", 404, "No route has this address: /docs shows every route"),
    ],
)
def test_its_errors_look_as_it_says_also_where_there_is_no_route(app, method, path, status, squawk):
    answer = getattr(app.test_client(), method)(path)
    assert (answer.status_code, answer.mimetype) == (status, "text/parrot")
    assert flask.json.loads(answer.data)["squawk"] == squawk


def test_errors_elsewhere_are_problem_json(app):
    assert app.test_client().get("/owl").mimetype == "application/problem+json"


def test_it_is_described(app):
    written = document(described_routes(app), [PARROT])
    assert written["tags"] == [{"name": "Parrot", "description": "`/parrot`: says what it is told"}]
    say = written["paths"]["/parrot/{model}/say"]["post"]
    assert say["requestBody"]["content"] == {"text/plain": {"schema": TEXT}}
    refused = written["components"]["responses"][say["responses"]["404"]["$ref"].rpartition("/")[2]]
    assert set(refused["content"]) == {"text/parrot"}
    assert "squawk" in written["components"]["schemas"]["Error"]["properties"]


def test_it_needs_neither_words_nor_other_routes():
    bare = Dialect("owl", "Owl", "", re.compile("/owl"), ErrorForm(), {}, lambda _schema: {})
    assert bare.phrase(ModelNotFound("there is no mouse"), {}) is None
    assert DialectRoutes(bare, []).blueprint is None


def test_a_verb_that_another_dialect_has_stops_the_start(app):
    dialects = [PARROT, replace(PARROT, name="owl")]
    with pytest.raises(LookupError, match="the dialects 'parrot' and 'owl' both have a verb 'say'"):
        openapi.blueprint(app, Catalog(), dialects)


def test_the_description_names_the_protocols(app):
    written = document(described_routes(app), [PARROT, replace(PARROT, title="Owl", verbs={})])
    assert "Protocols: Parrot, Owl." in written["info"]["description"]
