"""Estimator and sample rows become a checked, sealed, stored version."""

import json
import os
import pwd
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from model_store import channels
from model_store.capture.goal import Goal
from model_store.capture.options import ArtifactFormat, CaptureOptions, Progress, UnknownCategories, silent
from model_store.declaration import document
from model_store.declaration.contract import Contract
from model_store.errors import NoKey, StoreError
from model_store.gate.gate import Gate, Limits
from model_store.gate.process_gate import ProcessGate
from model_store.joining.record import AUTO, CHOICES, Batching
from model_store.lifecycle.registrar import Registrar, tried
from model_store.lifecycle.submission import Submission
from model_store.names import ModelName
from model_store.payload_log import PayloadLog
from model_store.replicas import serving
from model_store.replicas.locations import announced, presence_beside
from model_store.seal import SealingKey
from model_store.stores.locations import store_at
from model_store.stores.store import Store

__all__ = ["Goal", "Limits", "Progress", "current_user", "dry_run", "publish"]

_KEY = ("keys", "sealing.pem")


def publish(  # noqa: PLR0913 - one keyword for each thing that a publisher may choose
    root: Path | str | Store,
    name: str,
    estimator: Any,
    sample: Any,
    *,
    sealing_key: SealingKey | Path | str | None = None,
    metrics: Mapping[str, Any] | None = None,
    promote: bool = False,
    wait: bool = False,
    by: str | None = None,
    force: bool = False,
    unknown_categories: UnknownCategories = "accept",
    artifact_format: ArtifactFormat = "auto",
    schema: Any = None,
    payload_log: PayloadLog | None = None,
    optimise: Goal | None = None,
    batching: Batching = AUTO,
    limits: Limits | None = None,
    gate: Gate | None = None,
    progress: Progress | None = None,
) -> int:
    """Add an estimator to a store as the next version of model ``name``; returns the version.

    ``root`` is the store's folder, or a Store. ``estimator`` is a fitted estimator, or the path of a ``.joblib``,
    ``.pkl`` or ``.skops`` file, which is loaded in a throw-away process only. ``sample`` is rows as the estimator takes
    them (DataFrame, array, list of texts), or the path of a ``.csv``, ``.parquet``, ``.npy`` or ``.json`` file; some
    hundred rows make a good profile. ``sealing_key`` defaults to ``keys/sealing.pem`` next to the root folder.
    ``schema`` declares columns and outputs, which beats what is inferred: a mapping, the path of one as JSON, or a
    signature of MLflow; see "Declare what a model takes" in docs/how-to. ``metrics`` is any JSON object. ``force``
    accepts an estimator of another scikit-learn version, here and wherever it is loaded.
    ``payload_log`` has a sample of the version's requests logged. ``optimise`` has smaller forms of the estimator
    tried on labelled rows, and publishes the smallest that keeps the loss budget. ``batching`` says whether requests
    that wait may be answered by one prediction: ``auto`` (where no bit of an answer depends on it), ``always`` or
    ``never``; see "Requests that wait" in docs/explanation. With ``promote`` the version
    becomes the model's stable one at once; with ``wait`` as well, the call returns when every worker answers with
    it, of those that leave word in the folder ``presence`` next to the store. ``gate`` tries it first, by default
    in a separate process within ``limits``.
    Raises StoreError: BadName, BadSchema, BadSample, ArtifactUnreadable, GateRefused, NoKey, NotServed, ….
    """
    store, model = root if isinstance(root, Store) else store_at(root), ModelName(name)
    key, limits = _key(sealing_key, root), limits or Limits()
    by = by or current_user()
    declared = None if schema is None else document.load(schema)
    options = CaptureOptions(
        str(model),
        by,
        _plain_metrics(metrics),
        unknown_categories,
        artifact_format,
        force,
        declared,
        optimise,
        _checked(batching),
    )
    registrar = Registrar(store, key, gate or ProcessGate(limits), progress or silent)
    version = registrar.publish(Submission(estimator, sample, options, payload_log, limits))
    if promote:
        channels.promote(store, model, version, by)
        if wait:
            seen = partial(announced, store.disk, presence_beside(store.disk))
            serving.wait(store, seen, model, version, progress=registrar.progress)
    return version


def dry_run(  # noqa: PLR0913 - one keyword for each thing that a publisher may choose
    estimator: Any,
    sample: Any,
    *,
    force: bool = False,
    unknown_categories: UnknownCategories = "accept",
    artifact_format: ArtifactFormat = "auto",
    schema: Any = None,
    payload_log: PayloadLog | None = None,
    optimise: Goal | None = None,
    batching: Batching = AUTO,
    limits: Limits | None = None,
    gate: Gate | None = None,
    progress: Progress | None = None,
) -> Contract:
    """Do everything that ``publish`` does but seal and store, and return what would be published.

    Printed, it is the table of columns and outputs that the version would take and answer, with warnings. The arguments
    are those of ``publish``. Raises StoreError: BadSchema, BadSample, ArtifactUnreadable, GateRefused, ….
    """
    limits, declared = limits or Limits(), None if schema is None else document.load(schema)
    options = CaptureOptions(
        "dry-run",
        current_user(),
        unknown_categories=unknown_categories,
        artifact_format=artifact_format,
        force=force,
        schema=declared,
        goal=optimise,
        batching=_checked(batching),
    )
    submission = Submission(estimator, sample, options, payload_log, limits)
    with tempfile.TemporaryDirectory(prefix="millrace-dry-run-") as folder:
        return Contract(tried(submission, Path(folder), gate or ProcessGate(limits), progress or silent))


def current_user() -> str:
    """Return who runs this process, by its user id."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _key(given: SealingKey | Path | str | None, root: Path | str | Store) -> SealingKey:
    if isinstance(given, SealingKey):
        return given
    if given is None and isinstance(root, Store):
        raise NoKey("this store has no sealing key of its own: say which")
    return SealingKey.load(Path(given) if given is not None else Path(str(root)).absolute().parent.joinpath(*_KEY))


def _checked(batching: Batching) -> Batching:
    if batching not in CHOICES:
        raise StoreError(f"batching is {str(batching)[:40]!r}: expected one of {', '.join(CHOICES)}")
    return batching


def _plain_metrics(metrics: Mapping[str, Any] | None) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(metrics or {}), default=float, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise StoreError(f"metrics must be a JSON object of finite numbers, strings and lists: {error}") from error
    return plain
