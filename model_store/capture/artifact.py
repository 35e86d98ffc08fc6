"""In which format an estimator is stored: skops if it answers the same when read back, else joblib."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model_store.artifacts import joblib_format, skops_format
from model_store.artifacts.loading import from_skops
from model_store.capture.options import ArtifactFormat
from model_store.engines.equality import same
from model_store.engines.estimator import answers
from model_store.errors import ArtifactUnreadable
from model_store.reference.golden import Golden
from model_store.schema import Schema


@dataclass(frozen=True, slots=True)
class Written:
    """The format of a written artifact, and what the manifest's options say of it."""

    format: str
    options: Mapping[str, Any] = field(default_factory=dict)


def write_artifact(estimator: Any, schema: Schema, kept: Golden, folder: Path, wanted: ArtifactFormat) -> Written:
    """Write the artifact into a version's folder. Raises ArtifactUnreadable if the wanted format cannot hold it."""
    if wanted == "joblib":
        return _write_joblib(estimator, folder, {})
    try:
        return _write_skops(estimator, schema, kept, folder)
    except ArtifactUnreadable as error:
        if wanted == "skops":
            raise
        return _write_joblib(estimator, folder, {"why_not_skops": str(error)})


def _write_skops(estimator: Any, schema: Schema, kept: Golden, folder: Path) -> Written:
    data = skops_format.dump(estimator)
    _check_replay(from_skops(data), schema, kept)
    (folder / "artifact.skops").write_bytes(data)
    return Written(skops_format.NAME, {"trusted_types": skops_format.types_beyond_default(data)})


def _write_joblib(estimator: Any, folder: Path, options: Mapping[str, Any]) -> Written:
    (folder / "artifact.joblib").write_bytes(joblib_format.dump(estimator))
    return Written(joblib_format.NAME, options)


def _check_replay(loaded: Any, schema: Schema, kept: Golden) -> None:
    try:
        replayed = answers(loaded, schema, kept.batch, list(kept.answers))
    except Exception as error:  # a format that lost something shows in any way
        raise ArtifactUnreadable(f"what skops loads back fails: {type(error).__name__}: {error}") from error
    wrong = [name for name, answer in replayed.items() if not same(answer, kept.answers[name], kept.tolerance(name))]
    if wrong:
        raise ArtifactUnreadable(f"what skops loads back answers {wrong[0]} differently")
