"""Open Inference Protocol V2 over REST: inference, health, metadata, and Triton's model repository extension."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import flask

from service import __version__
from service.auth.principals import Principal
from service.codecs.json import dumps, loads
from service.dialects.openinference.dialect import OPENINFERENCE
from service.dialects.openinference.infer import INFER
from service.dialects.openinference.metadata import model_metadata
from service.errors import (
    MalformedRequest,
    ModelNotReady,
    NotImplementedHere,
    VersionNotFound,
)
from service.http.actor import actor
from service.http.audited import audited
from service.http.guards import guarded, public
from service.http.parts import Parts
from service.http.problems import NotReady
from service.http.protocols import openinference_repository as repository
from service.http.routes import PredictRoute, phrased
from service.runtime.catalog import ServedModel, Snapshot
from service.validation.words import show
from service.wire import JSON, Target, Values

EXTENSIONS = ("binary_tensor_data", "classification", "model_repository", "model_repository_extension", "parameters")
"""What there is beside the protocol's core, by Triton's and KServe's names."""

_VERSION = re.compile(r"[0-9]{1,19}", re.ASCII)
_LEFT_OUT: Mapping[str, tuple[str, ...]] = {
    "statistics: this worker's would be a part of the truth; Prometheus has the whole": (
        "GET /models/<model>/stats",
        "GET /models/<model>/versions/<version>/stats",
    ),
    "model configuration: a version is described by its metadata and never configured": (
        "GET /models/<model>/config",
        "GET /models/<model>/versions/<version>/config",
    ),
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


def _target(values: Values) -> Target:
    model, text = values["model"] or "", values.get("version")
    return Target(model, None if text is None else _version_number(model, text))


PREDICT_ROUTES = (
    PredictRoute(
        "/v2/models/<model>/infer", re.compile(r"/v2/models/(?P<model>[^/]+)/infer"), OPENINFERENCE, INFER, _target
    ),
    PredictRoute(
        "/v2/models/<model>/versions/<version>/infer",
        re.compile(r"/v2/models/(?P<model>[^/]+)/versions/(?P<version>[^/]+)/infer"),
        OPENINFERENCE,
        INFER,
        _target,
    ),
)


def blueprint(parts: Parts) -> flask.Blueprint:
    """The routes of /v2 that do not predict."""
    made = flask.Blueprint("openinference", __name__, url_prefix="/v2")
    _add_health(made, parts)
    _add_metadata(made, parts)
    _add_repository(made, parts)
    for reason, routes in _LEFT_OUT.items():
        for route in routes:
            *methods, rule = route.split(" ")
            made.add_url_rule(rule, f"left out {rule}".replace(".", "_"), _left_out(reason), methods=methods)
    return made


def _add_health(made: flask.Blueprint, parts: Parts) -> None:
    @made.get("/health/live")
    @public
    def live() -> flask.Response:
        return _json({"live": True})

    @made.get("/health/ready")
    @public
    def ready() -> flask.Response:
        reason = _unready(parts.catalog.snapshot())
        if reason:
            raise NotReady(reason, ready=False, live=True)
        return _json({"ready": True, "live": True})


def _add_metadata(made: flask.Blueprint, parts: Parts) -> None:
    @made.get("", strict_slashes=False)
    @public
    def server() -> flask.Response:
        return _json({"name": "millrace", "version": __version__, "extensions": list(EXTENSIONS)})

    @made.get("/models")
    @guarded("model:read", model_arg=None)
    def models() -> flask.Response:
        return _json({"models": [name for name in sorted(parts.catalog.snapshot().models) if _may_read(name)]})

    @made.get("/models/<model>")
    @made.get("/models/<model>/versions/<version>")
    @guarded("model:read")
    @phrased(OPENINFERENCE.phrase)
    def metadata(model: str, version: str | None = None) -> flask.Response:
        chosen = parts.router.choose(_target({"model": model, "version": version})).model
        versions = parts.catalog.snapshot().models[model].versions
        return _json(model_metadata(model, sorted(versions) if version is None else [chosen.version], chosen.schema))

    @made.get("/models/<model>/ready")
    @made.get("/models/<model>/versions/<version>/ready")
    @guarded("model:read")
    @phrased(OPENINFERENCE.phrase)
    def model_ready(model: str, version: str | None = None) -> flask.Response:
        try:
            parts.router.choose(_target({"model": model, "version": version}))
        except ModelNotReady as error:
            raise NotReady(error.detail, name=model, ready=False) from error
        return _json({"name": model, "ready": True})


def _add_repository(made: flask.Blueprint, parts: Parts) -> None:
    @made.post("/repository/index")
    @guarded("model:read", model_arg=None)
    def index() -> flask.Response:
        only_ready = repository.only_ready(_body())
        served = [model for name, model in sorted(parts.catalog.snapshot().models.items()) if _may_read(name)]
        entries = [entry for model in served for entry in repository.entries(model)]
        return _json([entry for entry in entries if entry["state"] == repository.READY or not only_ready])

    @made.post("/repository/models/<model>/load")
    @guarded("model:promote")
    @phrased(OPENINFERENCE.phrase)
    def load(model: str) -> flask.Response:
        document = _body()
        with audited(parts.audit, "model.load", model):
            repository.load(parts.store, parts.convergence, model, actor().subject, document)
        return _json({"name": model, "load": True})

    @made.post("/repository/models/<model>/unload")
    @guarded("model:promote")
    @phrased(OPENINFERENCE.phrase)
    def unload(model: str) -> flask.Response:
        document = _body()
        with audited(parts.audit, "model.unload", model):
            repository.unload(parts.store, parts.convergence, model, actor().subject, document)
        return _json({"name": model, "unload": True})


def _left_out(reason: str) -> Callable[..., flask.Response]:
    @public
    def refuse(**_values: str) -> flask.Response:
        raise NotImplementedHere(f"Not implemented: {reason}")

    return refuse


def _version_number(model: str, text: str) -> int:
    if not _VERSION.fullmatch(text):
        raise VersionNotFound(f"model {model[:128]!r} has no version {text[:20]!r}: versions are whole numbers")
    return int(text)


def _unready(snapshot: Snapshot) -> str:
    """Why not every model that should answer can, without their names, which not everyone may know; empty if all do."""
    served = [model for model in snapshot.models.values() if model.channels.wanted()]
    waiting = [model for model in served if not _answers(model)]
    if waiting:
        return f"not ready: {len(waiting)} of {len(served)} models cannot answer"
    return "" if served else "not ready: no model is loaded"


def _answers(model: ServedModel) -> bool:
    """Whether the stable version can answer or, where nothing is stable, any other."""
    return model.stable in model.versions if model.channels.stable is not None else bool(model.versions)


def _may_read(model: str) -> bool:
    principal: Principal = flask.g.principal
    return principal.may("model:read", model)


def _body() -> dict[str, Any]:
    """The request's JSON object, empty where there is no body; whatever its media type is said to be."""
    raw = flask.request.get_data(cache=False, parse_form_data=False)
    document = loads(raw, max_rows=1) if raw.strip() else {}
    if not isinstance(document, dict):
        raise MalformedRequest(f"the request: expected an object, got {show(document)}")
    return document


def _json(document: Any) -> flask.Response:
    return flask.Response(dumps(document), mimetype=JSON)
