"""MLflow's scoring server: invocations of the default model or of one by name, and its health and version routes."""

import re

import flask

from model_store.errors import BadName
from model_store.names import parse_version
from service import __version__
from service.dialects.mlflow.dialect import MLFLOW
from service.dialects.mlflow.invocations import INVOCATIONS
from service.errors import ModelNotFound, VersionNotFound
from service.http.description.route import described, prediction, section_of
from service.http.guards import public
from service.http.routes import DialectRoutes, PredictRoute
from service.runtime.catalog import Catalog
from service.wire import JSON, Target, Values

_SECTION = section_of(MLFLOW)


class DefaultModel:
    """Which model ``/invocations`` means: the ``named`` one, else the only one there is."""

    def __init__(self, catalog: Catalog, named: str | None) -> None:
        self._catalog = catalog
        self._named = named

    def name(self) -> str:
        """Return its name. Raises ModelNotFound."""
        if self._named:
            return self._named
        names = list(self._catalog.snapshot().models)
        if len(names) != 1:
            how = "POST to /models/NAME/invocations, or let the service's DEFAULT_MODEL name one"
            raise ModelNotFound(f"There {'are several models' if names else 'is no model yet'}: {how}")
        return names[0]

    def name_or_none(self) -> str | None:
        """Return its name, None if there is none."""
        try:
            return self.name()
        except ModelNotFound:
            return None


def routes(catalog: Catalog, default_model: str | None) -> DialectRoutes:
    """Return the dialect with its routes; ``default_model`` answers on ``/invocations``."""
    return DialectRoutes(MLFLOW, _predict_routes(DefaultModel(catalog, default_model)), _blueprint(catalog))


def _predict_routes(default: DefaultModel) -> tuple[PredictRoute, ...]:
    """Return the routes that predict; ``/invocations`` asks for the default model at each request."""
    return (
        PredictRoute(
            "/invocations",
            re.compile("/invocations"),
            MLFLOW,
            INVOCATIONS,
            lambda _values: Target(default.name()),
            prediction(MLFLOW, "invocations", "Predict with the default model", model=default.name_or_none),
        ),
        *_NAMED_ROUTES,
    )


def _blueprint(catalog: Catalog) -> flask.Blueprint:
    """Return the routes that do not predict."""
    made = flask.Blueprint("mlflow", __name__)

    @made.get("/ping")
    @made.get("/health")
    @public
    @described(_SECTION, "Whether a model is ready", refusals=(404,))
    def ping() -> flask.Response:
        if not any(model.versions for model in catalog.snapshot().models.values()):
            raise ModelNotFound("No model is ready")
        return flask.Response("\n", mimetype=JSON)

    @made.get("/version")
    @public
    @described(_SECTION, "The service's version", response=str, media_type="text/plain")
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
        f"/models/<model>{rule}/invocations",
        re.compile(f"{_MODEL}{pattern}/invocations"),
        MLFLOW,
        INVOCATIONS,
        _target,
        prediction(MLFLOW, "invocations", "Predict with a model: {which}"),
    )
    for rule, pattern in (
        ("", ""),
        ("/versions/<version>", "/versions/(?P<version>[^/]+)"),
        ("/labels/<label>", "/labels/(?P<label>[^/]+)"),
    )
)
