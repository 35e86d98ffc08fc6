"""/admin/models: what the store's command line does, over REST.

Publishing and promoting try the version in a separate process, which takes seconds: they answer 202 with the address
of an operation to poll.
"""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import flask
import msgspec
from msgspec import Meta

from model_store import channels
from model_store.lifecycle import quarantine, retire
from model_store.replicas.announcements import Announcement
from model_store.stores.store import Store
from service.auth.permissions import MODEL_PROMOTE, MODEL_PUBLISH, MODEL_READ
from service.http.access import Recording
from service.http.admin import json_bodies
from service.http.admin.operations import Accepted, accepted
from service.http.admin.publishing import Publisher, add_publishing
from service.http.audited import actor, audited
from service.http.description.route import ADMINISTRATION, described
from service.http.guards import guarded
from service.operations.operations import Operations
from service.runtime.convergence import Convergence

_REFUSALS = (400, 401, 403, 404, 409, 422, 503)

Version = Annotated[int, Meta(ge=1)]


class VersionState(msgspec.Struct):
    """The state of a version in a worker, and the reason if it failed."""

    state: str
    reason: str


class WorkerState(msgspec.Struct):
    """What a worker does with a model: the version that is stable there, and the state of each version."""

    stable: Version | None
    versions: dict[str, VersionState]


Replicas = dict[str, dict[str, WorkerState]]


class Quarantine(msgspec.Struct):
    """Since when a version is in quarantine, by whom and why, and which version serves instead, perhaps itself."""

    since: str
    by: str
    instead: Version | None


class Model(msgspec.Struct):
    """A stored model, and its state in each worker of each replica, by process id."""

    name: str
    versions: list[Version]
    stable: Version | None
    labels: dict[str, Version]
    loaded: list[Version]
    unloaded: bool
    quarantined: dict[str, Quarantine]
    replicas: Replicas


class Models(msgspec.Struct):
    """The stored models that the caller may see."""

    models: list[Model]


class Move(msgspec.Struct):
    """A change of a model's channels: when, by whom, and from which version to which."""

    at: str
    by: str
    action: str
    channel: str | None
    from_version: Version | None
    to_version: Version | None


class ModelHistory(Model, kw_only=True):
    """A stored model, its state in each worker, and the changes of its channels."""

    history: list[Move]


class RolledBack(msgspec.Struct):
    """A model, and the version that is stable again."""

    model: str
    stable: Version | None


class Demoted(msgspec.Struct):
    """A model without a stable version, and the versions that still answer by their labels."""

    model: str
    stable: None
    labels: dict[str, Version]


class Why(msgspec.Struct, forbid_unknown_fields=True):
    """Why a version is put into quarantine, for those who find it there."""

    reason: Annotated[str, Meta(max_length=200)] = "by hand"


class Quarantined(msgspec.Struct):
    """A model, the version that was put into quarantine, and the version that serves instead."""

    model: str
    quarantined: Version
    instead: Version | None


class Released(msgspec.Struct):
    """A model, and the version that is out of quarantine."""

    model: str
    released: Version


class Retired(msgspec.Struct):
    """A model, and the version that was retired."""

    model: str
    retired: Version


def blueprint(
    store: Store, convergence: Convergence, operations: Operations, audit: Recording, publisher: Publisher
) -> flask.Blueprint:
    """Return the routes of models."""
    routes = flask.Blueprint("models_admin", __name__)
    _add_listings(routes, store, convergence)
    add_publishing(routes, operations, publisher)
    _add_promotion(routes, store, operations, publisher)
    _add_rollback(routes, store, audit, publisher)
    _add_demotion(routes, store, audit)
    _add_quarantine(routes, store, audit)
    _add_retirement(routes, store, audit)
    return routes


def _add_listings(routes: flask.Blueprint, store: Store, convergence: Convergence) -> None:
    @routes.get("/admin/models")
    @guarded(MODEL_READ, model_arg=None)
    @described(
        ADMINISTRATION,
        "The stored models and their state in each replica",
        response=Models,
        refusals=(401, 403, 503),
    )
    def models() -> flask.Response:
        told = convergence.announcements()
        seen = [name for name in store.models() if flask.g.principal.may(MODEL_READ, name)]
        return json_bodies.response(Models([Model(**_facts(store, name, told)) for name in seen]))

    @routes.get("/admin/models/<model>")
    @guarded(MODEL_READ)
    @described(
        ADMINISTRATION,
        "A model, its state in each replica and its history",
        response=ModelHistory,
        refusals=_REFUSALS,
    )
    def one_model(model: str) -> flask.Response:
        told = convergence.announcements()
        return json_bodies.response(ModelHistory(**_facts(store, model, told), history=_history(store, model)))

    @routes.get("/admin/models/<model>/versions/<int:version>")
    @guarded(MODEL_READ)
    @described(ADMINISTRATION, "A version's manifest", response=dict[str, Any], refusals=_REFUSALS)
    def manifest(model: str, version: int) -> flask.Response:
        return json_bodies.response(store.manifest(model, version).to_json())


def _add_promotion(routes: flask.Blueprint, store: Store, operations: Operations, publisher: Publisher) -> None:
    @routes.post("/admin/models/<model>/versions/<int:version>/promote")
    @guarded(MODEL_PROMOTE)
    @described(
        ADMINISTRATION,
        "Try a version, then make it the stable one; answers with an operation to poll",
        response=Accepted,
        refusals=_REFUSALS,
        success=202,
    )
    def promote(model: str, version: int) -> flask.Response:
        store.check_here()
        store.require(model, version)
        by = actor()
        work = partial(publisher.promote, model, version, by.subject)
        return accepted(operations.start("promote", model, by, work))


def _add_rollback(routes: flask.Blueprint, store: Store, audit: Recording, publisher: Publisher) -> None:
    @routes.post("/admin/models/<model>/rollback")
    @guarded(MODEL_PROMOTE)
    @described(ADMINISTRATION, "Make the version before the stable one again", response=RolledBack, refusals=_REFUSALS)
    def rollback(model: str) -> flask.Response:
        store.check_here()
        with audited(audit, "model.rollback", model):
            stable = publisher.roll_back(model, flask.g.principal.subject)
        return json_bodies.response(RolledBack(model, stable))


def _add_demotion(routes: flask.Blueprint, store: Store, audit: Recording) -> None:
    @routes.post("/admin/models/<model>/demote")
    @guarded(MODEL_PROMOTE)
    @described(
        ADMINISTRATION,
        "Have no stable version any more: only versions with a label answer",
        response=Demoted,
        refusals=_REFUSALS,
    )
    def demote(model: str) -> flask.Response:
        store.check_here()
        with audited(audit, "model.demote", model):
            now = channels.demote(store, model, flask.g.principal.subject)
        return json_bodies.response(Demoted(model, None, dict(now.labels)))


def _add_quarantine(routes: flask.Blueprint, store: Store, audit: Recording) -> None:
    @routes.post("/admin/models/<model>/versions/<int:version>/quarantine")
    @guarded(MODEL_PROMOTE)
    @described(
        ADMINISTRATION,
        "Take a version that does harm out of service, on every replica",
        request=Why,
        response=Quarantined,
        refusals=(*_REFUSALS, 415),
    )
    def put_into_quarantine(model: str, version: int) -> flask.Response:
        why = json_bodies.read(Why)
        with audited(audit, "model.quarantine", model, version=version):
            now = quarantine.quarantine(store, model, version, by=flask.g.principal.subject, reason=why.reason)
        return json_bodies.response(Quarantined(model, version, now.serving(version)))

    @routes.post("/admin/models/<model>/versions/<int:version>/release")
    @guarded(MODEL_PROMOTE)
    @described(ADMINISTRATION, "Let a version out of quarantine", response=Released, refusals=_REFUSALS)
    def release(model: str, version: int) -> flask.Response:
        with audited(audit, "model.release", model, version=version):
            channels.release(store, model, version, flask.g.principal.subject)
        return json_bodies.response(Released(model, version))


def _add_retirement(routes: flask.Blueprint, store: Store, audit: Recording) -> None:
    @routes.delete("/admin/models/<model>/versions/<int:version>")
    @guarded(MODEL_PUBLISH)
    @described(ADMINISTRATION, "Retire a version that nothing names", response=Retired, refusals=_REFUSALS)
    def retire_version(model: str, version: int) -> flask.Response:
        store.check_here()
        with audited(audit, "model.retire", model, version=version):
            retire.retire(store, model, version)
        return json_bodies.response(Retired(model, version))


def _facts(store: Store, name: str, told: Sequence[Announcement]) -> dict[str, Any]:
    now, versions = channels.read(store, name), store.versions(name)
    return {
        "name": str(name),
        "versions": versions,
        "stable": now.stable,
        "labels": dict(now.labels),
        "loaded": list(now.loaded),
        "unloaded": now.unloaded,
        "quarantined": {str(v): Quarantine(k.since, k.by, k.instead) for v, k in now.quarantined().items()},
        "replicas": _replicas(name, told),
    }


def _replicas(name: str, told: Sequence[Announcement]) -> Replicas:
    replicas: Replicas = {}
    for worker in told:
        model = worker.models.get(name)
        states = {} if model is None else {str(v): _state(state) for v, state in model.states.items()}
        stable = None if model is None else model.stable
        replicas.setdefault(worker.replica, {})[str(worker.pid)] = WorkerState(stable, states)
    return replicas


def _state(state: Any) -> VersionState:
    return VersionState(str(state.state.value), state.reason)


def _history(store: Store, name: str) -> list[Move]:
    return [
        Move(move.at, move.by, move.action, move.channel, move.from_version, move.to_version)
        for move in channels.read(store, name).history
    ]
