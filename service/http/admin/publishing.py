"""Publishing over REST: a version's files taken in, tried, sealed and stored, and perhaps promoted.

Estimators come as skops files, which run no code when they are read, or in the other formats that are data alone; a
pickle (joblib) only within a bundle that a trusted key has sealed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import flask
import msgspec
from msgspec import Meta

from model_store import channels, publish
from model_store.gate.process_gate import ProcessGate
from model_store.lifecycle import bundles, promotion
from model_store.lifecycle.registrar import Registrar
from model_store.names import ModelName
from model_store.seal import SealingKey, TrustedKeys
from model_store.stores.store import Store
from service.auth.permissions import MODEL_PROMOTE, MODEL_PUBLISH
from service.auth.principals import authorize
from service.disk.room import Room
from service.errors import DiskFull, NotImplementedHere
from service.http.admin.operations import Accepted, accepted
from service.http.admin.uploads import MULTIPART, Upload
from service.http.audited import actor
from service.http.description.route import ADMINISTRATION, described
from service.http.guards import guarded
from service.operations.operations import Operations, Progress
from service.runtime.convergence import Convergence

File = Annotated[str, Meta(extra_json_schema={"format": "binary", "contentMediaType": "application/octet-stream"})]
"""A file of a multipart body, as the API description shows it."""


class NewVersion(msgspec.Struct):
    """A version to be published: the model's file, with sample rows unless it is a sealed version.

    ``schema`` is JSON that declares columns and outputs.
    """

    model: File
    sample: File | msgspec.UnsetType = msgspec.UNSET
    schema: File | msgspec.UnsetType = msgspec.UNSET
    metrics: Annotated[str, Meta(description="A JSON object")] = "{}"
    promote: Literal["true", "false"] = "false"


@dataclass(frozen=True, slots=True)
class PublishingOptions:
    """How versions are published over REST.

    ``trusted_keys`` is the folder of the keys whose seals are trusted, ``sealing_key`` the file to seal with; uploads
    of up to ``max_upload_bytes`` lie under ``run_dir``.
    """

    trusted_keys: Path
    sealing_key: Path
    run_dir: Path
    max_upload_bytes: int
    room: Room


class Publisher:
    """Publishes and promotes versions, and waits until every replica serves what was promoted.

    Its methods raise the errors of the store; ``by`` is who asks, ``progress`` takes each step.
    """

    def __init__(self, store: Store, convergence: Convergence, options: PublishingOptions) -> None:
        self._store = store
        self._convergence = convergence
        self._options = options

    def take(self) -> Upload:
        """Return the files of the request under way.

        Raises NotImplementedHere without a key to seal with, DiskFull if the files would use up the reserve, StoreAway.
        """
        if not self._options.sealing_key.is_file():
            raise NotImplementedHere("this replica has no sealing key: publish with `python -m model_store publish`")
        self._store.check_here()
        shortage = self._options.room.shortage(flask.request.content_length or 1)
        if shortage:
            raise DiskFull(f"nothing is taken in now: {shortage}. Make room, then try again")
        return Upload.received(self._options.run_dir, self._options.max_upload_bytes)

    def publish(self, name: str, upload: Upload, by: str, progress: Progress) -> Mapping[str, Any]:
        """Publish what was uploaded, which is discarded, and promote it if it is to be; return what came of it."""
        try:
            store = self._import if upload.sample is None else self._make
            version = store(name, upload, by, progress)
        finally:
            upload.discard()
        if not upload.promote:
            return {"model": name, "version": version}
        channels.promote(self._store, name, version, by)
        return self._converge(name, version, progress)

    def promote(self, model: str, version: int, by: str, progress: Progress) -> Mapping[str, Any]:
        """Try a version, make it the stable one, and return what came of it."""
        trusted, gate = self._trusted(), ProcessGate.of_replica()
        promotion.promote(self._store, model, version, trusted=trusted, by=by, gate=gate, progress=progress)
        return self._converge(model, version, progress)

    def roll_back(self, model: str, by: str) -> int | None:
        """Make the version before the stable one again, and return it."""
        return promotion.rollback(self._store, model, trusted=self._trusted(), by=by).stable

    def _trusted(self) -> TrustedKeys:
        return TrustedKeys.load(self._options.trusted_keys)

    def _import(self, name: str, upload: Upload, by: str, progress: Progress) -> int:
        return bundles.import_bundle(
            Registrar(self._store, SealingKey.load(self._options.sealing_key), ProcessGate.of_replica(), progress),
            name,
            upload.estimator,
            trusted=self._trusted(),
            by=by,
            largest=self._options.max_upload_bytes,
        )

    def _make(self, name: str, upload: Upload, by: str, progress: Progress) -> int:
        return publish(
            self._store,
            name,
            upload.estimator,
            upload.sample,
            sealing_key=SealingKey.load(self._options.sealing_key),
            metrics=upload.metrics,
            schema=upload.schema,
            by=by,
            gate=ProcessGate.of_replica(),
            progress=progress,
        )

    def _converge(self, model: str, version: int, progress: Progress) -> Mapping[str, Any]:
        progress("waiting for every replica to serve it")
        everywhere = self._convergence.wait(model)
        return {"model": model, "version": version, "stable": version, "served_everywhere": everywhere}


def add_publishing(routes: flask.Blueprint, operations: Operations, publisher: Publisher) -> None:
    """Add the route that publishes a version."""

    @routes.post("/admin/models/<model>/versions")
    @guarded(MODEL_PUBLISH)
    @described(
        ADMINISTRATION,
        "Publish a version; answers with an operation to poll. `model` is a .skops file or another format that is "
        "data alone, with sample rows and perhaps a `schema`, or a sealed version as .tar",
        request=NewVersion,
        request_media_type=MULTIPART,
        response=Accepted,
        refusals=(400, 401, 403, 404, 409, 422, 503, 413, 415, 501, 507),
        success=202,
    )
    def publish_version(model: str) -> flask.Response:
        name, by = ModelName(model), actor()
        upload = publisher.take()
        try:
            if upload.promote:
                authorize(flask.g.principal, MODEL_PROMOTE, name)
            work = partial(publisher.publish, name, upload, by.subject)
            return accepted(operations.start("publish", name, by, work))
        except BaseException:
            upload.discard()
            raise
