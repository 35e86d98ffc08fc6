"""In which format an estimator is stored: skops if it answers the same when read back, else joblib."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model_store.artifacts import joblib_format, skops_format
from model_store.artifacts.loading import from_skops
from model_store.capture.options import ArtifactFormat
from model_store.engines.equality import unlike
from model_store.engines.estimator import answers
from model_store.errors import ArtifactUnreadable
from model_store.reference.golden import Golden
from model_store.schema import Schema


@dataclass(frozen=True, slots=True)
class Written:
    """The format of a written artifact, and what the manifest's options say of it."""

    format: str
    options: Mapping[str, Any] = field(default_factory=dict)


class Owned:
    """An estimator that may be let go of, so that there is room for what was read back."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def release(self) -> None:
        """Let go of the estimator."""
        self.estimator = None


def write_artifact(owned: Owned, schema: Schema, kept: Golden, folder: Path, wanted: ArtifactFormat) -> Written:
    """Write the artifact into a version's folder, and let go of the estimator. Raises ArtifactUnreadable.

    What is read back to be compared takes its room, so what stands in for it is written before.
    """
    if wanted == "skops":
        return _write_skops(owned, schema, kept, folder)
    instead = folder / "artifact.joblib"
    joblib_format.dump(owned.estimator, instead)
    if wanted == "joblib":
        return Written(joblib_format.NAME)
    try:
        written = _write_skops(owned, schema, kept, folder)
    except ArtifactUnreadable as error:
        return Written(joblib_format.NAME, {"why_not_skops": str(error)})
    instead.unlink()
    return written


def _write_skops(owned: Owned, schema: Schema, kept: Golden, folder: Path) -> Written:
    path = folder / "artifact.skops"
    try:
        skops_format.dump(owned.estimator, path)
        owned.release()
        loaded, beyond_default = from_skops(path)
        _check_replay(loaded, schema, kept)
    except ArtifactUnreadable:
        path.unlink(missing_ok=True)
        raise
    return Written(skops_format.NAME, {"trusted_types": beyond_default})


def _check_replay(loaded: Any, schema: Schema, kept: Golden) -> None:
    try:
        replayed = answers(loaded, schema, kept.batch, list(kept.answers))
    except Exception as error:  # a format that lost something shows in any way
        raise ArtifactUnreadable(f"what skops loads back fails: {type(error).__name__}: {error}") from error
    wrong = unlike(replayed, kept)
    if wrong:
        raise ArtifactUnreadable(f"what skops loads back answers {wrong} differently")
