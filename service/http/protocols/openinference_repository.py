"""Triton's model repository extension: which versions are stored, and having models loaded and unloaded.

Load and unload move the store's pointers, which every worker of every replica follows; the answer waits for them.
"""

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypedDict

import flask
import msgspec

from model_store import channels
from model_store.channels import Channels
from model_store.codecs.json import dumps, loads
from model_store.errors import BadName, UnknownModel
from model_store.replicas.states import ON_THE_WAY, State, VersionState
from model_store.request_errors import MalformedRequest
from model_store.stores.store import Store
from model_store.validation.words import show
from service.auth.principals import Principal
from service.dialects.openinference.dialect import OPENINFERENCE
from service.errors import Conflict, ModelNotFound, ModelNotReady
from service.http.access import Recording
from service.http.audited import actor, audited
from service.http.description.route import LIST_REFUSALS, READ_REFUSALS, described, section_of
from service.http.guards import guarded
from service.http.routes import phrased
from service.runtime.catalog import Catalog, ServedModel
from service.runtime.convergence import Convergence
from service.wire import JSON

READY = "READY"
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_SECTION = section_of(OPENINFERENCE)
_CHANGE_REFUSALS = (*READ_REFUSALS, 409, 413, 503)


class IndexRequest(TypedDict, total=False):
    """Which versions the index is to have: with ``ready`` only those that can answer."""

    ready: bool


class Entry(TypedDict):
    """A stored version, and its state in the worker that answers."""

    name: str
    version: str
    state: str
    reason: str


class LoadParameters(msgspec.Struct, forbid_unknown_fields=True):
    """The parameters of a load request: there are none."""


class LoadRequest(msgspec.Struct):
    """What may be said of a model to be loaded."""

    parameters: LoadParameters | None = None


class Loaded(TypedDict):
    """A model that every worker has loaded."""

    name: str
    load: bool


class UnloadParameters(msgspec.Struct, forbid_unknown_fields=True):
    """The parameters of an unload request; models have no dependents here."""

    unload_dependents: bool = False


class UnloadRequest(msgspec.Struct):
    """What may be said of a model to be unloaded."""

    parameters: UnloadParameters | None = None


class Unloaded(TypedDict):
    """A model that every worker has unloaded."""

    name: str
    unload: bool


class Repository:
    """Has models loaded and unloaded, and waits until every worker has followed.

    Its methods raise MalformedRequest, ModelNotFound, Conflict if a model cannot be loaded or the store not be written,
    and ModelNotReady if not every worker has followed in time.
    """

    def __init__(self, store: Store, convergence: Convergence) -> None:
        self._store = store
        self._convergence = convergence

    def load(self, name: str, by: str, document: Any) -> None:
        """Have the model loaded: what its channels name, else the newest version. Do nothing if it is loaded."""
        _check_load(_parameters(document))
        self._change(name, lambda: self._load(name, by))

    def unload(self, name: str, by: str, document: Any) -> None:
        """Have the model unloaded until it is loaded or promoted again."""
        _check_unload(_parameters(document))
        self._change(name, lambda: channels.unload(self._store, name, by))

    def _load(self, name: str, by: str) -> None:
        named = channels.read(self._store, name).named()
        channels.load(self._store, name, None if named else self._store.versions(name)[-1], by)

    def _change(self, name: str, move: Callable[[], object]) -> None:
        self._move(name, move)
        if self._convergence.wait(name):
            return
        failed = self._convergence.failures(name)
        if failed:
            reasons = "; ".join(f"version {version}: {reason}" for version, reason in sorted(failed.items()))
            raise Conflict(f"failed to load '{name}', {reasons}")
        raise ModelNotReady(f"model {name!r} is being changed, and not every worker has followed yet", retry_after=1)

    @staticmethod
    def _move(name: str, move: Callable[[], object]) -> None:
        try:
            move()
        except (UnknownModel, BadName):
            raise ModelNotFound(f"there is no model {name[:128]!r}") from None
        except OSError as error:
            if error.errno not in _READ_ONLY:
                raise
            detail = "the store cannot be written from here; use python -m model_store where it can"
            raise Conflict(detail) from error


def add_routes(made: flask.Blueprint, catalog: Catalog, audit: Recording, repository: Repository) -> None:
    """Add the routes of the extension to those of /v2."""
    _add_index(made, catalog)
    for change in _CHANGES:
        _add_change(made, audit, repository, change)


def _add_index(made: flask.Blueprint, catalog: Catalog) -> None:
    @made.post("/repository/index")
    @guarded("model:read", model_arg=None)
    @described(
        _SECTION,
        "Every stored version and its state",
        request=IndexRequest,
        request_required=False,
        response=list[Entry],
        refusals=(400, 413, *LIST_REFUSALS),
    )
    def index() -> flask.Response:
        ready = only_ready(_body())
        models = [model for name, model in sorted(catalog.snapshot().models.items()) if _may_read(name)]
        found = [entry for model in models for entry in entries(model)]
        return _json([entry for entry in found if entry["state"] == READY or not ready])


@dataclass(frozen=True, slots=True)
class _Change:
    """A route that has a model changed: its last part, how it is described, and what does it."""

    verb: str
    summary: str
    request: Any
    response: Any
    make: Callable[[Repository, str, str, Any], None]


_CHANGES = (
    _Change(
        "load",
        "Have every replica load a model; the answer waits until all have",
        LoadRequest,
        Loaded,
        Repository.load,
    ),
    _Change(
        "unload",
        "Have every replica unload a model; the answer waits until all have",
        UnloadRequest,
        Unloaded,
        Repository.unload,
    ),
)


def _add_change(made: flask.Blueprint, audit: Recording, repository: Repository, change: _Change) -> None:
    @made.post(f"/repository/models/<model>/{change.verb}", endpoint=change.verb)
    @guarded("model:promote")
    @described(
        _SECTION,
        change.summary,
        request=change.request,
        request_required=False,
        response=change.response,
        refusals=_CHANGE_REFUSALS,
    )
    @phrased(OPENINFERENCE.phrase)
    def view(model: str) -> flask.Response:
        document = _body()
        with audited(audit, f"model.{change.verb}", model):
            change.make(repository, model, actor().subject, document)
        return _json({"name": model, change.verb: True})


def entries(model: ServedModel) -> Iterator[Entry]:
    """Return the model's entries of the repository index: every stored version, in this worker's view."""
    for version, state in sorted(model.states.items()):
        said, reason = _state(model, version, state)
        yield Entry(name=model.name, version=str(version), state=said, reason=reason)


def only_ready(document: Any) -> bool:
    """Return whether an index request asks for READY versions alone. Raises MalformedRequest."""
    wanted = document.get("ready", False)
    if not isinstance(wanted, bool):
        raise MalformedRequest(f"ready: expected true or false, got {show(wanted)}")
    return wanted


def _state(model: ServedModel, version: int, state: VersionState) -> tuple[str, str]:
    if state.state is State.READY:
        return READY, ""
    if state.state is State.FAILED:
        return "UNAVAILABLE", state.reason
    if state.state in ON_THE_WAY:
        return "LOADING", state.reason
    if state.state is State.DRAINING:
        return "UNLOADING", ""
    return "UNAVAILABLE", _why_away(model.channels, version)


def _why_away(pointers: Channels, version: int) -> str:
    if pointers.unloaded:
        return "unloaded"
    if version in pointers.wanted():
        return "not loaded yet"
    return "not loaded: no channel or label names it"


def _may_read(model: str) -> bool:
    principal: Principal = flask.g.principal
    return principal.may("model:read", model)


def _body() -> dict[str, Any]:
    """Return the request's JSON object, empty if there is no body, of any media type. Raises MalformedRequest."""
    raw = flask.request.get_data(cache=False, parse_form_data=False)
    document = loads(raw, max_rows=1) if raw.strip() else {}
    if not isinstance(document, dict):
        raise MalformedRequest(f"the request: expected an object, got {show(document)}")
    return document


def _parameters(document: Any) -> dict[str, Any]:
    given = document.get("parameters") or {}
    if not isinstance(given, dict):
        raise MalformedRequest(f"parameters: expected an object, got {show(given)}")
    return given


def _check_load(given: dict[str, Any]) -> None:
    for key in given:
        if key == "config" or key.startswith("file:"):
            raise MalformedRequest(
                f"parameters.{key[:64]}: models are not sent with a load request: a version is published, checked and "
                "sealed in the store first, and then loaded as it is"
            )
        raise MalformedRequest(f"parameters.{key[:64]}: load takes no parameters")


def _check_unload(given: dict[str, Any]) -> None:
    for key, value in given.items():
        if key != "unload_dependents":
            raise MalformedRequest(f"parameters.{key[:64]}: expected 'unload_dependents' or nothing")
        if not isinstance(value, bool):
            raise MalformedRequest(f"parameters.unload_dependents: expected true or false, got {show(value)}")


def _json(document: Any) -> flask.Response:
    return flask.Response(dumps(document), mimetype=JSON)
