"""/admin/models and /admin/operations: what the store's command line does, over REST.

Publishing and promoting try the version in a process of its own, which takes seconds: they answer 202 with the address
of an operation to poll. Estimators come as skops files, which run no code when they are read, or in the other formats
that are data alone; a pickle (joblib) only within a bundle that a trusted key has sealed.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask
from werkzeug.datastructures import FileStorage

from model_store import bundles, channels, promotion, publish, retire
from model_store.names import ModelName
from model_store.seal import SealingKey, TrustedKeys
from model_store.stores.store import Store
from service.audit.entry import Actor
from service.auth.permissions import MODEL_PROMOTE, MODEL_PUBLISH, MODEL_READ
from service.auth.principals import authorize
from service.errors import Fault, InvalidInput, NotFound, NotImplementedHere, UnsupportedMediaType
from service.http.actor import actor
from service.http.audited import audited
from service.http.guards import guarded
from service.http.parts import Recording
from service.operations.operation import Operation
from service.operations.operations import Operations, Tell
from service.runtime.announcements import Announcement
from service.runtime.convergence import Convergence

BUNDLE = ".tar"
ESTIMATORS = (".skops", ".onnx", ".ubj", ".json", ".txt")
SAMPLES = (".csv", ".parquet", ".npy", ".json")

Answer = tuple[dict[str, Any], int] | tuple[dict[str, Any], int, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Workshop:
    """What publishing needs: the store and who follows it, trusted keys, the key to seal with, a folder, bounds."""

    store: Store
    convergence: Convergence
    trusted_keys: Path
    sealing_key: Path
    run_dir: Path
    max_upload_bytes: int
    replica: str


def blueprint(operations: Operations, audit: Recording, workshop: Workshop) -> flask.Blueprint:
    """The routes of models and operations."""
    routes = flask.Blueprint("models_admin", __name__)
    _add_listings(routes, workshop)
    _add_publishing(routes, operations, workshop)
    _add_channels(routes, audit, operations, workshop)
    _add_operations(routes, operations)
    return routes


def _add_listings(routes: flask.Blueprint, workshop: Workshop) -> None:
    store = workshop.store

    @routes.get("/admin/models")
    @guarded(MODEL_READ, model_arg=None)
    def models() -> Answer:
        told = workshop.convergence.announcements()
        seen = [name for name in store.models() if flask.g.principal.may(MODEL_READ, name)]
        return {"models": [_model(store, name, told) for name in seen]}, 200

    @routes.get("/admin/models/<model>")
    @guarded(MODEL_READ)
    def one_model(model: str) -> Answer:
        told = workshop.convergence.announcements()
        return _model(store, model, told) | {"history": _history(store, model)}, 200

    @routes.get("/admin/models/<model>/versions/<int:version>")
    @guarded(MODEL_READ)
    def manifest(model: str, version: int) -> Answer:
        return store.manifest(model, version).to_json(), 200


def _add_publishing(routes: flask.Blueprint, operations: Operations, workshop: Workshop) -> None:
    @routes.post("/admin/models/<model>/versions")
    @guarded(MODEL_PUBLISH)
    def publish_version(model: str) -> Answer:
        name, by = ModelName(model), actor()
        upload = _Upload.received(workshop)
        try:
            if upload.promote:
                authorize(flask.g.principal, MODEL_PROMOTE, name)
            work = _publishing(workshop, name, upload, by)
            return _accepted(operations.start("publish", name, by, work))
        except BaseException:
            upload.discard()
            raise


def _add_channels(routes: flask.Blueprint, audit: Recording, operations: Operations, workshop: Workshop) -> None:
    store = workshop.store

    @routes.post("/admin/models/<model>/versions/<int:version>/promote")
    @guarded(MODEL_PROMOTE)
    def promote(model: str, version: int) -> Answer:
        store.require(model, version)
        by = actor()

        def work(tell: Tell) -> Mapping[str, Any]:
            promotion.promote(
                store,
                model,
                version,
                trusted=TrustedKeys.load(workshop.trusted_keys),
                by=by.subject,
                progress=tell,
            )
            return _converged(workshop, model, version, tell)

        return _accepted(operations.start("promote", model, by, work))

    @routes.post("/admin/models/<model>/rollback")
    @guarded(MODEL_PROMOTE)
    def rollback(model: str) -> Answer:
        with audited(audit, "model.rollback", model):
            trusted = TrustedKeys.load(workshop.trusted_keys)
            now = promotion.rollback(store, model, trusted=trusted, by=flask.g.principal.subject)
        return {"model": model, "stable": now.stable}, 200

    @routes.delete("/admin/models/<model>/versions/<int:version>")
    @guarded(MODEL_PUBLISH)
    def retire_version(model: str, version: int) -> Answer:
        with audited(audit, "model.retire", model, version=version):
            retire.retire(store, model, version)
        return {"model": model, "retired": version}, 200


def _add_operations(routes: flask.Blueprint, operations: Operations) -> None:
    @routes.get("/admin/operations/<operation_id>")
    @guarded(MODEL_READ, model_arg=None)
    def operation(operation_id: str) -> Answer:
        found = operations.get(operation_id)
        if not flask.g.principal.may(MODEL_READ, found.model):
            raise NotFound(f"there is no operation {operation_id[:64]!r}")
        return _described(found), 200, {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class _Upload:
    """The files of a publish request, in a folder of their own."""

    folder: Path
    estimator: Path
    sample: Path | None
    metrics: Mapping[str, Any]
    promote: bool

    @classmethod
    def received(cls, workshop: Workshop) -> "_Upload":
        """Read the request; raises UnsupportedMediaType, InvalidInput, PayloadTooLarge."""
        if not workshop.sealing_key.is_file():
            raise NotImplementedHere("this replica has no sealing key: publish with `python -m model_store publish`")
        flask.request.max_content_length = workshop.max_upload_bytes
        if flask.request.mimetype != "multipart/form-data":
            raise UnsupportedMediaType("expected multipart/form-data with the files `model` and `sample`")
        files, form = flask.request.files, flask.request.form
        ending = _ending(files.get("model"), "model", (*ESTIMATORS, BUNDLE))
        sample_ending = None if ending == BUNDLE else _ending(files.get("sample"), "sample", SAMPLES)
        metrics, promoted = _metrics(form.get("metrics")), _flag(form.get("promote"))
        parent = workshop.run_dir / "uploads"
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=parent))
        estimator, sample = folder / f"model{ending}", folder / f"sample{sample_ending}" if sample_ending else None
        files["model"].save(estimator)
        if sample is not None:
            files["sample"].save(sample)
        return cls(folder, estimator, sample, metrics, promoted)

    def discard(self) -> None:
        """Remove the files."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _publishing(workshop: Workshop, name: str, upload: _Upload, by: Actor) -> Callable[[Tell], Mapping[str, Any]]:
    def work(tell: Tell) -> Mapping[str, Any]:
        try:
            version = _stored(workshop, name, upload, by, tell)
        finally:
            upload.discard()
        if not upload.promote:
            return {"model": name, "version": version}
        channels.promote(workshop.store, name, version, by.subject)
        return _converged(workshop, name, version, tell)

    return work


def _stored(workshop: Workshop, name: str, upload: _Upload, by: Actor, tell: Tell) -> int:
    key = SealingKey.load(workshop.sealing_key)
    if upload.sample is None:
        return bundles.import_bundle(
            workshop.store,
            name,
            upload.estimator,
            trusted=TrustedKeys.load(workshop.trusted_keys),
            sealing_key=key,
            by=by.subject,
            largest=workshop.max_upload_bytes,
            progress=tell,
        )
    return publish(
        workshop.store,
        name,
        upload.estimator,
        upload.sample,
        sealing_key=key,
        metrics=upload.metrics,
        by=by.subject,
        progress=tell,
    )


def _converged(workshop: Workshop, model: str, version: int, tell: Tell) -> Mapping[str, Any]:
    tell("waiting for every replica to serve it")
    everywhere = workshop.convergence.wait(model)
    return {"model": model, "version": version, "stable": version, "served_everywhere": everywhere}


def _model(store: Store, name: str, told: list[Announcement]) -> dict[str, Any]:
    now, versions = channels.read(store, name), store.versions(name)
    return {
        "name": name,
        "versions": versions,
        "stable": now.stable,
        "labels": dict(now.labels),
        "loaded": list(now.loaded),
        "unloaded": now.unloaded,
        "replicas": _replicas(name, told),
    }


def _replicas(name: str, told: list[Announcement]) -> dict[str, Any]:
    """For each replica, for each of its workers: which version is stable there, and the state of each version."""
    replicas: dict[str, Any] = {}
    for worker in told:
        model = worker.models.get(name)
        states = {} if model is None else {str(v): _state(state) for v, state in model.states.items()}
        described = {"stable": None if model is None else model.stable, "versions": states}
        replicas.setdefault(worker.replica, {})[str(worker.pid)] = described
    return replicas


def _state(state: Any) -> dict[str, str]:
    return {"state": str(state.state.value), "reason": state.reason}


def _history(store: Store, name: str) -> list[dict[str, Any]]:
    fields = ("at", "by", "action", "channel", "from_version", "to_version")
    return [{field: getattr(move, field) for field in fields} for move in channels.read(store, name).history]


def _accepted(operation_id: str) -> Answer:
    location = f"/admin/operations/{operation_id}"
    return {"operation": operation_id, "status": location}, 202, {"Location": location, "Retry-After": "1"}


def _described(found: Operation) -> dict[str, Any]:
    return {
        "id": found.id,
        "kind": found.kind,
        "model": found.model,
        "by": found.subject,
        "state": found.state,
        "detail": found.detail,
        "result": found.result,
        "replica": found.replica,
        "created_at": found.created_at,
        "finished_at": found.finished_at,
    }


def _ending(file: FileStorage | None, field: str, endings: tuple[str, ...]) -> str:
    """The file's format by its name's ending, which only chooses the reader; nothing else of the name is used."""
    if file is None or not file.filename:
        raise InvalidInput(f"the file {field} is missing", [Fault(field, "a file", "nothing")])
    ending = Path(file.filename).suffix.lower()
    if ending not in endings:
        hint = "; a pickle is taken in a sealed bundle (.tar) alone" if ending in {".joblib", ".pkl", ".pickle"} else ""
        raise UnsupportedMediaType(f"{field}: {ending[:16]!r}: expected one of {', '.join(endings)}{hint}")
    return ending


def _metrics(text: str | None) -> Mapping[str, Any]:
    try:
        metrics = json.loads(text or "{}")
    except (ValueError, RecursionError):
        metrics = None
    if not isinstance(metrics, dict):
        raise InvalidInput("metrics: expected a JSON object", [Fault("metrics", "a JSON object", (text or "")[:64])])
    return metrics


def _flag(text: str | None) -> bool:
    if text not in {None, "", "true", "false"}:
        raise InvalidInput("promote: expected true or false", [Fault("promote", "true or false", (text or "")[:64])])
    return text == "true"
