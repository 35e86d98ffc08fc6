"""Estimator and sample rows become a checked, sealed, stored version."""

import json
import os
import pwd
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from model_store import channels, gate, isolation, seal
from model_store.errors import ArtifactUnreadable, NoKey, StoreError
from model_store.manifest import Manifest
from model_store.names import ModelName
from model_store.payload_log import PayloadLog
from model_store.seal import SealingKey
from model_store.stores.locations import store_at
from model_store.stores.store import Store

Progress = Callable[[str], None]
_KEY = ("keys", "sealing.pem")
_SUFFIXES = (".joblib", ".pkl", ".pickle", ".skops")


@dataclass(frozen=True, slots=True)
class Limits:
    """What each throw-away process may take: ``seconds`` of time, ``memory`` in bytes of address space.

    ``row_seconds`` is the longest that an answer to one row may take.
    """

    seconds: float = gate.SECONDS
    memory: int = gate.MEMORY
    row_seconds: float = gate.ROW_SECONDS


def publish(  # noqa: PLR0913 - one keyword for each thing that a publisher may want to say
    root: Path | str | Store,
    name: str,
    estimator: Any,
    sample: Any,
    *,
    sealing_key: SealingKey | Path | str | None = None,
    metrics: Mapping[str, Any] | None = None,
    promote: bool = False,
    by: str | None = None,
    force: bool = False,
    unknown_categories: Literal["accept", "refuse"] = "accept",
    artifact_format: Literal["auto", "skops", "joblib"] = "auto",
    payload_log: PayloadLog | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> int:
    """Add an estimator to a store as the next version of model ``name``; returns the version.

    ``root`` is the store's folder, or a Store. ``estimator`` is a fitted estimator, or the path of a ``.joblib``,
    ``.pkl`` or ``.skops`` file, which is loaded in a throw-away process only. ``sample`` is rows as the estimator takes
    them (DataFrame, array, list of texts), or the path of a ``.csv``, ``.parquet``, ``.npy`` or ``.json`` file; some
    hundred rows make a good profile. ``sealing_key`` defaults to ``keys/sealing.pem`` next to the root folder.
    ``metrics`` is any JSON object. ``force`` accepts an estimator of another scikit-learn version, here and wherever it
    is loaded. ``payload_log`` has a sample of the version's requests logged. With ``promote`` the version becomes the
    model's stable one at once. Raises StoreError: BadName, BadSample, ArtifactUnreadable, GateRefused, NoKey, ….
    """
    store, model = root if isinstance(root, Store) else store_at(root), ModelName(name)
    key = _key(sealing_key, root)
    report_step, limits = progress or _silent, limits or Limits()
    options = {
        "name": str(model),
        "created_by": by or current_user(),
        "metrics": _plain_metrics(metrics),
        "unknown_categories": unknown_categories,
        "artifact_format": artifact_format,
        "force": force,
    }
    with store.staging(model) as folder:
        draft = _draft(estimator, sample, folder, _Order(options, limits, report_step))
        if payload_log is not None:
            draft = replace(draft, options={**draft.options, **payload_log.checked(draft.schema).option()})
        report_step("trying it in a process of its own")
        report = gate.try_candidate(folder, manifest=draft, **asdict(limits))
        measured = replace(draft, load_seconds=report.load_seconds, predict_seconds=report.predict_seconds)
        report_step("sealing and storing")
        version = store.add(model, folder, lambda number: seal.seal(folder, replace(measured, version=number), key))
    if promote:
        channels.promote(store, model, version, str(options["created_by"]))
    return version


def current_user() -> str:
    """Return who runs this process, by its user id."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


@dataclass(frozen=True, slots=True)
class _Order:
    options: Mapping[str, Any]
    limits: Limits
    report_step: Progress


def _draft(estimator: Any, sample: Any, folder: Path, order: _Order) -> Manifest:
    """Write the version's files into the folder, in this process only if the estimator already lives in it."""
    if isinstance(estimator, (str, os.PathLike)):
        return _draft_of_file(Path(estimator), sample, folder, order)
    from model_store.capture import samples  # here: pandas and scikit-learn, which nothing else in this module needs
    from model_store.capture.draft import CaptureOptions, capture

    rows = samples.read(Path(sample)) if isinstance(sample, (str, os.PathLike)) else sample
    return capture(estimator, rows, folder, CaptureOptions(**order.options), order.report_step)


def _draft_of_file(file: Path, sample: Any, folder: Path, order: _Order) -> Manifest:
    if not file.is_file():
        raise ArtifactUnreadable(f"there is no file {file}")
    if file.suffix not in _SUFFIXES:
        raise ArtifactUnreadable(f"{file.name!r} is none of .joblib, .pkl, .pickle or .skops")
    with tempfile.TemporaryDirectory(prefix="millrace-sample-") as scratch:
        if not isinstance(sample, (str, os.PathLike)):
            from model_store.capture import samples  # here: pandas, which a sample file does not need in this process

            sample = samples.write(sample, Path(scratch))
        order.report_step(f"loading {file.name} in a process of its own, with its schema, golden answers and profile")
        request = {
            "file": str(file.absolute()),
            "sample": str(Path(sample).absolute()),
            "folder": str(folder.absolute()),
            "options": dict(order.options),
        }
        answer = isolation.run("capture", request, seconds=order.limits.seconds, memory=order.limits.memory)
    draft = Manifest.from_json(answer.get("manifest"))
    if draft.model != order.options["name"]:
        raise StoreError(f"{file} wrote a manifest of another model")
    files = seal.file_seals(folder)
    return replace(draft, files=files, bytes=sum(found.bytes for found in files.values()))


def _key(given: SealingKey | Path | str | None, root: Path | str | Store) -> SealingKey:
    if isinstance(given, SealingKey):
        return given
    if given is None and isinstance(root, Store):
        raise NoKey("this store has no sealing key of its own: say which")
    return SealingKey.load(Path(given) if given is not None else Path(str(root)).absolute().parent.joinpath(*_KEY))


def _plain_metrics(metrics: Mapping[str, Any] | None) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(metrics or {}), default=float, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise StoreError(f"metrics must be a JSON object of finite numbers, strings and lists: {error}") from error
    return plain


def _silent(_: str) -> None:
    """Report nothing."""
