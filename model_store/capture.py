"""From a fitted estimator and sample rows to the files of a version, not yet numbered or sealed."""

import platform
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np

from model_store import artifacts, golden, profile, samples, seal
from model_store.batch import Array, take
from model_store.engines.answers import as_dtype, plain
from model_store.engines.equality import same
from model_store.engines.estimator import answers
from model_store.errors import ArtifactUnreadable, BadSample
from model_store.manifest import Manifest
from model_store.schema import Output, Schema
from model_store.schema_inference import Inferred, UnknownCategories, infer

ArtifactFormat = Literal["auto", "skops", "joblib"]
Progress = Callable[[str], None]

_GOLDEN_ROWS = 64
_GOLDEN_BYTES = 8 * 2**20
_PROFILE_ROWS = 10_000
_LIBRARIES = ("scikit-learn", "numpy", "scipy", "joblib", "skops", "pandas")
_BY_MODULE = {"xgboost": ("xgboost", "xgboost-cpu"), "lightgbm": ("lightgbm",)}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the publisher asks for, beside the estimator and the sample."""

    name: str
    created_by: str
    metrics: Mapping[str, Any] = field(default_factory=dict)
    unknown_categories: UnknownCategories = "accept"
    artifact_format: ArtifactFormat = "auto"
    force: bool = False


def capture(estimator: Any, sample: Any, folder: Path, wishes: Wishes, progress: Progress) -> Manifest:
    """Write artifact, golden rows and profile into ``folder``; the manifest returned is a draft with version 1.

    Raises BadSample where sample and estimator do not fit, ArtifactUnreadable where no format can hold the estimator.
    """
    progress("reading the schema from the sample")
    inferred = infer(estimator, samples.laid_out(sample), wishes.unknown_categories)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about feature names and the like: the answers are compared
        _check_same_answers(estimator, inferred)
        progress("recording golden answers and the reference profile")
        kept = _golden(estimator, inferred)
        golden.write(folder, kept)
        profile.write(folder, _profile(estimator, inferred))
        progress("writing the artifact")
        kind, options = _write_artifact(estimator, inferred.schema, kept, folder, wishes)
    files = seal.file_seals(folder)
    return Manifest(
        model=wishes.name,
        version=1,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        created_by=wishes.created_by,
        artifact_format=kind,
        files=files,
        libraries=_libraries(estimator),
        schema=inferred.schema,
        estimator=f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        metrics=dict(wishes.metrics),
        bytes=sum(file.bytes for file in files.values()),
        options=options,
    )


def _check_same_answers(estimator: Any, inferred: Inferred) -> None:
    """The estimator must answer to rows that came through the schema as it does to the caller's own rows."""
    default = inferred.schema.outputs[0]
    count = min(inferred.batch.rows, _rows_of(default))
    through = answers(estimator, inferred.schema, take(inferred.batch, np.arange(count)), [default.name])
    own = getattr(estimator, default.name)(inferred.rows[:count])
    if not same(through[default.name], as_dtype(plain(own), default.dtype)):
        raise BadSample(
            f"{default.name} answers differently once the sample's values went through the schema: give the sample "
            "with the column types that the estimator was fitted on"
        )


def _rows_of(output: Output) -> int:
    """How many rows of an output are worth keeping: fewer where one is huge, as of hashed texts."""
    row_bytes = 8 * int(np.prod(output.shape, initial=1))
    return max(1, min(_GOLDEN_ROWS, _GOLDEN_BYTES // max(row_bytes, 1)))


def _golden(estimator: Any, inferred: Inferred) -> golden.Golden:
    names = [output.name for output in inferred.schema.outputs]
    most = min(_rows_of(output) for output in inferred.schema.outputs)
    batch = take(inferred.batch, _spread(inferred, most))
    return golden.Golden(batch, answers(estimator, inferred.schema, batch, names))


def _spread(inferred: Inferred, most: int) -> Array:
    """Row indices evenly over the sample, and a row with a gap for each column that has one."""
    rows = inferred.batch.rows
    even = np.linspace(0, rows - 1, min(most, rows)).astype(int)
    gaps = [np.flatnonzero(_gaps(inferred, i))[:1] for i in range(len(inferred.schema.columns))]
    return np.unique(np.concatenate([even, *gaps[:most]]))


def _gaps(inferred: Inferred, column: int) -> Array:
    values = inferred.batch.column(inferred.schema, column)
    if values.dtype.kind == "O":
        return np.array([value is None for value in values.tolist()], dtype=bool)
    return np.asarray(values != values)  # noqa: PLR0124 - NaN and NaT alone differ from themselves


def _profile(estimator: Any, inferred: Inferred) -> dict[str, Any]:
    rows = inferred.batch.rows
    batch = take(inferred.batch, np.linspace(0, rows - 1, min(rows, _PROFILE_ROWS)).astype(int))
    small = [output.name for output in inferred.schema.outputs if np.prod(output.shape, initial=1) <= _GOLDEN_ROWS]
    found = answers(estimator, inferred.schema, batch, small) if small else {}
    return profile.describe(inferred.schema, batch, found)


def _write_artifact(
    estimator: Any, schema: Schema, kept: golden.Golden, folder: Path, wishes: Wishes
) -> tuple[str, dict[str, Any]]:
    options: dict[str, Any] = {artifacts.ANY_LIBRARY_VERSION: True} if wishes.force else {}
    if wishes.artifact_format != "joblib":
        try:
            data = artifacts.dump_skops(estimator)
            _check_replay(artifacts.from_skops(data), schema, kept)
        except ArtifactUnreadable as error:
            if wishes.artifact_format == "skops":
                raise
            options["why_not_skops"] = str(error)
        else:
            (folder / "artifact.skops").write_bytes(data)
            return artifacts.SKOPS, options | {"trusted_types": artifacts.types_beyond_default(data)}
    (folder / "artifact.joblib").write_bytes(artifacts.dump_joblib(estimator))
    return artifacts.JOBLIB, options


def _check_replay(loaded: Any, schema: Schema, kept: golden.Golden) -> None:
    try:
        replayed = answers(loaded, schema, kept.batch, list(kept.answers))
    except Exception as error:  # a format that lost something shows in any way
        raise ArtifactUnreadable(f"what skops loads back fails: {type(error).__name__}: {error}") from error
    wrong = [name for name, answer in replayed.items() if not same(answer, kept.answers[name])]
    if wrong:
        raise ArtifactUnreadable(f"what skops loads back answers {wrong[0]} differently")


def _libraries(estimator: Any) -> dict[str, str]:
    found = {"python": platform.python_version()} | {name: metadata.version(name) for name in _LIBRARIES}
    modules = artifacts.modules_of(estimator)
    for module, distributions in _BY_MODULE.items():
        if module in modules:
            found[module] = next((v for v in map(_version, distributions) if v), "unknown")
    return found


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
