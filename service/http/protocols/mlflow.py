"""MLflow's scoring server: invocations of the default model or of one by name, and its health and version routes."""

import re

import flask

from model_store.errors import BadName
from model_store.names import parse_version
from service import __version__
from service.dialects.mlflow.dialect import MLFLOW
from service.dialects.mlflow.invocations import INVOCATIONS
from service.errors import ModelNotFound, VersionNotFound
from service.http.guards import public
from service.http.parts import Parts
from service.http.routes import PredictRoute
from service.wire import JSON, Target, Values


def predict_routes(parts: Parts) -> tuple[PredictRoute, ...]:
    """The routes that predict; ``/invocations`` asks ``parts`` for its model at each request."""
    return (
        PredictRoute(
            "/invocations", re.compile("/invocations"), MLFLOW, INVOCATIONS, lambda _: Target(default_model(parts))
        ),
        *_NAMED_ROUTES,
    )


def default_model(parts: Parts) -> str:
    """The model that ``/invocations`` means: the one of the settings, else the only one there is."""
    if parts.default_model:
        return parts.default_model
    names = list(parts.catalog.snapshot().models)
    if len(names) != 1:
        how = "POST to /models/NAME/invocations, or let the service's DEFAULT_MODEL name one"
        raise ModelNotFound(f"There {'are several models' if names else 'is no model yet'}: {how}")
    return names[0]


def blueprint(parts: Parts) -> flask.Blueprint:
    """The routes that do not predict."""
    made = flask.Blueprint("mlflow", __name__)

    @made.get("/ping")
    @made.get("/health")
    @public
    def ping() -> flask.Response:
        if not any(model.versions for model in parts.catalog.snapshot().models.values()):
            raise ModelNotFound("No model is ready")
        return flask.Response("\n", mimetype=JSON)

    @made.get("/version")
    @public
    def release() -> flask.Response:
        return flask.Response(__version__, mimetype="text/plain")

    return made


def _target(values: Values) -> Target:
    model, number = values["model"] or "", values.get("version")
    return Target(model, None if number is None else _version_number(model, number), values.get("label"))


def _version_number(model: str, text: str) -> int:
    try:
        return parse_version(text)
    except BadName:
        detail = f"Model {model[:128]!r} has no version {text[:20]!r}: versions are whole numbers from 1"
        raise VersionNotFound(detail) from None


_MODEL = "/models/(?P<model>[^/]+)"
_NAMED_ROUTES = tuple(
    PredictRoute(
        f"/models/<model>{rule}/invocations", re.compile(f"{_MODEL}{pattern}/invocations"), MLFLOW, INVOCATIONS, _target
    )
    for rule, pattern in (
        ("", ""),
        ("/versions/<version>", "/versions/(?P<version>[^/]+)"),
        ("/labels/<label>", "/labels/(?P<label>[^/]+)"),
    )
)
