"""Open Inference Protocol V2 over REST: inference, health, metadata, and the refusal of what is left out."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypedDict

import flask

from model_store.codecs.json import dumps
from service import __version__
from service.auth.permissions import MODEL_READ
from service.dialects.openinference.dialect import OPENINFERENCE
from service.dialects.openinference.infer import INFER
from service.dialects.openinference.metadata import ModelMetadata, model_metadata
from service.errors import ModelNotReady, NotImplementedHere, VersionNotFound
from service.http.access import Recording
from service.http.description.route import (
    LIST_REFUSALS,
    READ_REFUSALS,
    described,
    prediction,
    section_of,
    undescribed,
)
from service.http.guards import guarded, public
from service.http.problems import NotReady
from service.http.protocols import openinference_insight, openinference_repository
from service.http.protocols.model_names import ModelNames, model_names
from service.http.protocols.openinference_insight import Choose, Counting
from service.http.protocols.openinference_repository import Repository
from service.http.routes import DialectRoutes, PredictRoute, phrased
from service.runtime.catalog import Catalog, CatalogSnapshot
from service.runtime.loaded import LoadedModel
from service.runtime.router import Router
from service.wire import JSON, Target, Values

EXTENSIONS = (
    "binary_tensor_data",
    "classification",
    "model_configuration",
    "model_repository",
    "model_repository_extension",
    "parameters",
    "statistics",
)
"""What there is besides the protocol's core, by Triton's and KServe's names."""

_SECTION = section_of(OPENINFERENCE)
_VERSION = re.compile(r"[0-9]{1,19}", re.ASCII)
_LEFT_OUT: Mapping[str, tuple[str, ...]] = {
    "trace settings: tracing is a setting of the deployment": (
        "GET POST /trace/setting",
        "GET POST /models/<model>/trace/setting",
    ),
    "log settings: logging is a setting of the deployment": ("GET POST /logging",),
    "shared memory: clients reach this service over a network": (
        "GET POST /systemsharedmemory/<path:rest>",
        "GET POST /cudasharedmemory/<path:rest>",
    ),
    "generation: the models are not generative": (
        "POST /models/<model>/generate",
        "POST /models/<model>/generate_stream",
        "POST /models/<model>/versions/<version>/generate",
        "POST /models/<model>/versions/<version>/generate_stream",
        "POST /models/<model>/infer_stream",
        "POST /models/<model>/versions/<version>/infer_stream",
    ),
    "named repositories: there is one store": (
        "POST /repository/<repository>/index",
        "POST /repository/<repository>/models/<model>/load",
        "POST /repository/<repository>/models/<model>/unload",
    ),
}


class Live(TypedDict):
    """Whether the service runs."""

    live: bool


class Ready(TypedDict):
    """Whether every model can answer."""

    ready: bool
    live: bool


class Server(TypedDict):
    """What serves, and the parts of the protocol that it has besides the core."""

    name: str
    version: str
    extensions: list[str]


class ModelReady(TypedDict):
    """Whether a model can answer."""

    name: str
    ready: bool


def _target(values: Values) -> Target:
    model, text = values["model"] or "", values.get("version")
    return Target(model, None if text is None else _version_number(model, text))


_MODEL = "/v2/models/(?P<model>[^/]+)"

PREDICT_ROUTES = tuple(
    PredictRoute(
        f"/v2/models/<model>{rule}/infer",
        re.compile(f"{_MODEL}{pattern}/infer"),
        OPENINFERENCE,
        INFER,
        _target,
        prediction(OPENINFERENCE, "infer", "Infer with a model: {which}", 501),
    )
    for rule, pattern in (("", ""), ("/versions/<version>", "/versions/(?P<version>[^/]+)"))
)


def routes(  # noqa: PLR0913 - what the routes of /v2 tell of and change
    catalog: Catalog, router: Router, audit: Recording, repository: Repository, counting: Counting, *, max_rows: int
) -> DialectRoutes:
    """Return the dialect with its routes; ``max_rows`` is the most in one request."""

    def choose(model: str, version: str | None) -> LoadedModel:
        return router.choose(_target({"model": model, "version": version})).model

    made = flask.Blueprint("openinference", __name__, url_prefix="/v2")
    _add_health(made, catalog)
    _add_server(made, catalog)
    _add_metadata(made, catalog, choose)
    _add_readiness(made, choose)
    openinference_insight.add_routes(made, catalog, choose, counting, max_rows)
    openinference_repository.add_routes(made, catalog, audit, repository)
    _add_left_out(made)
    return DialectRoutes(OPENINFERENCE, PREDICT_ROUTES, made)


def _add_left_out(made: flask.Blueprint) -> None:
    for reason, left_out in _LEFT_OUT.items():
        for route in left_out:
            *methods, rule = route.split(" ")
            model_arg = "model" if "<model>" in rule else None
            view = _left_out(reason, model_arg)
            made.add_url_rule(rule, f"left out {rule}".replace(".", "_"), view, methods=methods)


def _add_health(made: flask.Blueprint, catalog: Catalog) -> None:
    @made.get("/health/live")
    @public
    @described(_SECTION, "Whether the service runs", response=Live)
    def live() -> flask.Response:
        return _json(Live(live=True))

    @made.get("/health/ready")
    @public
    @described(
        _SECTION,
        "Whether the service can answer: models are loaded, and one of them at least answers",
        response=Ready,
        refusals=(503,),
    )
    def ready() -> flask.Response:
        reason = _unready(catalog.snapshot())
        if reason:
            raise NotReady(reason, ready=False, live=True)
        return _json(Ready(ready=True, live=True))


def _add_server(made: flask.Blueprint, catalog: Catalog) -> None:
    @made.get("", strict_slashes=False)
    @public
    @described(_SECTION, "The server's name, version and extensions", response=Server)
    def server() -> flask.Response:
        return _json(Server(name="millrace", version=__version__, extensions=list(EXTENSIONS)))

    @made.get("/models")
    @guarded("model:read", model_arg=None)
    @described(_SECTION, "The names of the models", response=ModelNames, refusals=LIST_REFUSALS)
    def models() -> flask.Response:
        return _json(model_names(catalog))


def _add_metadata(made: flask.Blueprint, catalog: Catalog, choose: Choose) -> None:
    @made.get("/models/<model>")
    @made.get("/models/<model>/versions/<version>")
    @guarded("model:read")
    @described(_SECTION, "A model's tensors: {which}", response=ModelMetadata, refusals=(*READ_REFUSALS, 503))
    @phrased(OPENINFERENCE.phrase)
    def metadata(model: str, version: str | None = None) -> flask.Response:
        chosen = choose(model, version)
        versions = catalog.snapshot().models[model].versions
        return _json(model_metadata(model, sorted(versions) if version is None else [chosen.version], chosen.schema))


def _add_readiness(made: flask.Blueprint, choose: Choose) -> None:
    @made.get("/models/<model>/ready")
    @made.get("/models/<model>/versions/<version>/ready")
    @guarded("model:read")
    @described(_SECTION, "Whether a model can answer: {which}", response=ModelReady, refusals=(*READ_REFUSALS, 503))
    @phrased(OPENINFERENCE.phrase)
    def model_ready(model: str, version: str | None = None) -> flask.Response:
        try:
            choose(model, version)
        except ModelNotReady as error:
            raise NotReady(error.detail, name=model, ready=False) from error
        return _json(ModelReady(name=model, ready=True))


def _left_out(reason: str, model_arg: str | None) -> Callable[..., flask.Response]:
    @guarded(MODEL_READ, model_arg)
    @undescribed
    def refuse(**_values: str) -> flask.Response:
        raise NotImplementedHere(f"Not implemented: {reason}")

    return refuse


def _version_number(model: str, text: str) -> int:
    if not _VERSION.fullmatch(text):
        raise VersionNotFound(f"model {model[:128]!r} has no version {text[:20]!r}: versions are whole numbers")
    return int(text)


def _unready(snapshot: CatalogSnapshot) -> str:
    """Say why this worker cannot serve; empty if it can.

    It can from when all that it had to load at its start has been loaded or has failed, if any model answers. A model
    that cannot is 503 on its own routes; here it would take the others away too, in all replicas at once. The models'
    names are left out: not everyone may know them.
    """
    wanted = [model for model in snapshot.models.values() if model.channels.wanted()]
    if not wanted:
        return "not ready: no model is to be served"
    if not any(model.versions for model in wanted):
        return f"not ready: none of {len(wanted)} models can answer"
    return "" if snapshot.settled else "not ready: models are still being loaded"


def _json(document: Any) -> flask.Response:
    return flask.Response(dumps(document), mimetype=JSON)
