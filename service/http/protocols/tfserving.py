"""Everything under ``/v1``: TensorFlow Serving's and KServe V1's routes, and KServe's ``GET /``.

As in TensorFlow Serving, a path under ``/v1/`` that is none of these, or has the other one of GET and POST, is a
malformed request (400), and the fixed words of a path, but not a predict verb, are matched without regard to case.
Other methods are 405 where a route is.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, cast

import flask
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import BaseConverter

from model_store.codecs.json import dumps
from model_store.names import LARGEST_VERSION
from model_store.replicas.states import State, VersionState
from model_store.request_errors import MalformedRequest
from service.dialects.tfserving import examples, kserve_v1
from service.dialects.tfserving.dialect import SHOWN, TFSERVING, status_phrase
from service.dialects.tfserving.signatures import SignatureMetadata, metadata
from service.errors import LabelNotFound, ModelNotFound, NotImplementedHere, VersionNotFound
from service.http import options
from service.http.description.route import (
    LIST_REFUSALS,
    OPERATION,
    READ_REFUSALS,
    described,
    prediction,
    section_of,
    undescribed,
)
from service.http.guards import guarded, public
from service.http.problems import NotReady
from service.http.protocols.model_names import ModelNames, model_names
from service.http.routes import DialectRoutes, PredictRoute, phrased
from service.runtime.catalog import Catalog, ServedModel
from service.runtime.router import Router
from service.wire import JSON, Target, Values, Verb

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_MODEL = "(?i:/v1/models/)(?P<model>[^/:]+)"
_WHICH = ("", "(?i:/versions/)(?P<version>[0-9]+)", "(?i:/labels/)(?P<label>[^/:]+)")
_RULES = tuple(
    f"/v1/models/<segment:model>{which}" for which in ("", "/versions/<digits:version>", "/labels/<segment:label>")
)
_VERBS: Mapping[str, tuple[Verb, str]] = {
    "predict": (kserve_v1.PREDICT, "Predict with a model, by rows or by columns"),
    "classify": (examples.CLASSIFY, "Class labels and their probabilities for examples"),
    "regress": (examples.REGRESS, "One number for each example"),
}
_SECTION = section_of(TFSERVING)
_FIXED_WORDS = re.compile(
    r"/(v1)/(models)(?:/[^/:]+(?:/(versions)/[0-9]+|/(labels)/[^/:]+)?(?:/(metadata))?)?", re.IGNORECASE | re.ASCII
)
_STATES: Mapping[State, str] = {
    State.NEW: "START",
    State.VERIFYING: "LOADING",
    State.LOADING: "LOADING",
    State.WARMING: "LOADING",
    State.READY: "AVAILABLE",
    State.DRAINING: "UNLOADING",
    State.RETIRED: "END",
    State.FAILED: "END",
}
_FOREIGN_METHODS = ("PUT", "PATCH", "DELETE")
"""What TensorFlow Serving's clients never send."""
_ALL_METHODS = ("GET", "POST", *_FOREIGN_METHODS, "OPTIONS")


class Alive(TypedDict):
    """KServe's liveness."""

    status: str


class Status(TypedDict):
    """Whether a version failed, and why."""

    error_code: str
    error_message: str


class VersionStatus(TypedDict):
    """The state of a version, in TensorFlow Serving's words."""

    version: str
    state: str
    status: Status


class ModelStatus(TypedDict):
    """The states of a model's versions, for TensorFlow Serving's clients, and whether it is ready, for KServe's."""

    model_version_status: list[VersionStatus]
    name: str
    ready: bool


def _target(values: Values) -> Target:
    """Return the model, version or label in a path. Raises MalformedRequest if the version is beyond 64 bits."""
    return Target(values["model"] or "", _version(values.get("version")), values.get("label"))


def _version(text: str | None) -> int | None:
    """Return the version in a path, or None. Raises MalformedRequest if it is beyond 64 bits."""
    if text is None:
        return None
    digits = text.lstrip("0")
    if len(digits) > len(str(LARGEST_VERSION)) or int(digits or "0") > LARGEST_VERSION:
        raise MalformedRequest(f"Failed to convert version: {text[:SHOWN]} to numeric.")
    return int(digits or "0")


PREDICT_ROUTES: tuple[PredictRoute, ...] = tuple(
    PredictRoute(
        rule=f"{rule}:{name}",
        pattern=re.compile(f"{_MODEL}{which}:{name}"),
        dialect=TFSERVING,
        verb=verb,
        target=_target,
        description=prediction(TFSERVING, name, f"{summary}: {{which}}"),
    )
    for name, (verb, summary) in _VERBS.items()
    for rule, which in zip(_RULES, _WHICH, strict=True)
)


def routes(catalog: Catalog, router: Router) -> DialectRoutes:
    """Return the dialect with its routes."""
    return DialectRoutes(TFSERVING, PREDICT_ROUTES, _blueprint(catalog, router))


def _blueprint(catalog: Catalog, router: Router) -> flask.Blueprint:
    """Return status, metadata, the list of models, KServe's liveness, and the refusal of all else under ``/v1/``."""
    made = flask.Blueprint("tfserving", __name__)
    made.record_once(_add_converters)
    _add_models(made, catalog)
    _add_status(made, catalog)
    _add_metadata(made, router)
    for path in _RULES:
        made.add_url_rule(f"{path}:explain", f"explain {path}", explain, methods=["POST"])
    for path in ("/v1/", "/v1/<path:rest>"):
        made.add_url_rule(
            path,
            f"malformed {path}",
            malformed,
            methods=_ALL_METHODS,
            provide_automatic_options=False,
            strict_slashes=False,  # /v1 is refused as well, and not redirected in HTML
        )
    return made


def _add_models(made: flask.Blueprint, catalog: Catalog) -> None:
    @made.get("/")
    @public
    @described(OPERATION, "Whether the service runs", response=Alive)
    def alive() -> flask.Response:
        return _json({"status": "alive"})

    @made.get("/v1/models")
    @guarded("model:read", model_arg=None)
    @described(_SECTION, "The names of the models", response=ModelNames, refusals=LIST_REFUSALS)
    def models() -> flask.Response:
        return _json(model_names(catalog))


def _add_status(made: flask.Blueprint, catalog: Catalog) -> None:
    @made.get(_RULES[0])
    @made.get(_RULES[1])
    @made.get(_RULES[2])
    @guarded("model:read")
    @described(
        _SECTION,
        "The states of a model's versions: {which}",
        response=ModelStatus,
        refusals=(*READ_REFUSALS, 503),
    )
    @phrased(status_phrase)
    def status(model: str, version: str | None = None, label: str | None = None) -> flask.Response:
        served = catalog.snapshot().models.get(model)
        if served is None:
            raise ModelNotFound(f"there is no model {model[:SHOWN]!r}")
        number = _version(version)
        document = _status(served, _asked_for(served, number, label))
        if not document["ready"] and number is None and label is None:
            raise NotReady(f"Model with name {model} is not ready.", **document)
        return _json(document)


def _add_metadata(made: flask.Blueprint, router: Router) -> None:
    @made.get(f"{_RULES[0]}/metadata")
    @made.get(f"{_RULES[1]}/metadata")
    @made.get(f"{_RULES[2]}/metadata")
    @guarded("model:read")
    @described(_SECTION, "A model's signatures: {which}", response=SignatureMetadata, refusals=(*READ_REFUSALS, 503))
    @phrased(TFSERVING.phrase)
    def model_metadata(**values: str) -> flask.Response:
        chosen = router.choose(_target(values)).model
        return _json(metadata(chosen.name, chosen.version, chosen.schema))


def _asked_for(model: ServedModel, version: int | None, label: str | None) -> list[int]:
    """Return the versions that a status is about, newest first. Raises VersionNotFound or LabelNotFound."""
    if label is not None:
        version = model.pointers.get(label) or model.channels.pointer(label)
        if version is None:
            raise LabelNotFound(f"Unrecognized servable version label: {label[:SHOWN]}")
    if version is None:
        return sorted(model.states, reverse=True)
    if version not in model.states:
        raise VersionNotFound(f"Could not find version {version} of model {model.name}")
    return [version]


def _status(model: ServedModel, versions: Iterable[int]) -> ModelStatus:
    """Return one object that TensorFlow Serving's and KServe's clients both read."""
    return {
        "model_version_status": [_version_status(version, model.states[version]) for version in versions],
        "name": model.name,
        "ready": model.stable in model.versions,
    }


def _version_status(version: int, state: VersionState) -> VersionStatus:
    code = "INTERNAL" if state.state is State.FAILED else "OK"
    status = Status(error_code=code, error_message=state.reason)
    return {"version": str(version), "state": _STATES[state.state], "status": status}


class _Segment(BaseConverter):
    """A part of a path as TensorFlow Serving's patterns know it."""

    regex = "[^/:]+"


class _Digits(BaseConverter):
    """A version; how large it may be is the view's matter."""

    regex = "[0-9]+"


def _add_converters(state: flask.blueprints.BlueprintSetupState) -> None:
    app = cast("flask.Flask", state.app)
    app.url_map.converters["segment"] = _Segment
    app.url_map.converters["digits"] = _Digits


def respelling(behind: "WSGIApplication") -> "WSGIApplication":
    """Return a WSGI application that passes ``/V1/Models/iris/Metadata`` on as ``/v1/models/iris/metadata``."""

    def call(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["PATH_INFO"] = respelled(environ["PATH_INFO"])
        return behind(environ, start_response)

    return call


def respelled(path: str) -> str:
    """Return a path under ``/v1/`` with its fixed words in lower case; any other path as it is."""
    if path != "/V1" and path[:4] not in {"/v1/", "/V1/"}:
        return path
    path = path[:4].lower() + path[4:]
    match = _FIXED_WORDS.fullmatch(path)
    if match is None:
        return path
    for group in filter(match.group, range(1, _FIXED_WORDS.groups + 1)):
        start, end = match.span(group)
        path = path[:start] + path[start:end].lower() + path[end:]
    return path


@guarded("model:predict")
@undescribed
def explain(**_values: str) -> flask.Response:
    """Refuse KServe V1's explanations, which are left out. Raises NotImplementedHere."""
    raise NotImplementedHere("Explanations are not offered: a model is published without an explainer")


@public
@undescribed
def malformed(rest: str = "") -> flask.Response:  # noqa: ARG001 - the path as it was sent is in the request
    """Refuse everything else under ``/v1/``. Raises MalformedRequest, or MethodNotAllowed where a route is."""
    if flask.request.method in _FOREIGN_METHODS and (allowed := options.allowed()):
        raise MethodNotAllowed(valid_methods=allowed)
    raise MalformedRequest(f"Malformed request: {flask.request.method} {flask.request.path[:SHOWN]}")


def _json(document: Any) -> flask.Response:
    return flask.Response(dumps(document), mimetype=JSON)
