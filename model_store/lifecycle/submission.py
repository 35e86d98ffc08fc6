"""What a publisher hands over, and how it becomes the files of a version."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from model_store import seal
from model_store.capture.options import WARNING, CaptureOptions, Progress
from model_store.declaration import smaller_forms
from model_store.declaration.contract import Contract
from model_store.errors import ArtifactUnreadable, BadSample, StoreError
from model_store.gate import isolation
from model_store.gate.gate import Limits
from model_store.manifest import Manifest
from model_store.payload_log import PayloadLog
from model_store.proof import record

_SUFFIXES = (".joblib", ".pkl", ".pickle", ".skops")


@dataclass(frozen=True, slots=True)
class Submission:
    """A fitted estimator or its file, sample rows or theirs, and the publisher's options.

    ``limits`` are those of the process that loads an estimator file.
    """

    estimator: Any
    sample: Any
    options: CaptureOptions
    payload_log: PayloadLog | None
    limits: Limits

    def write(self, folder: Path, progress: Progress) -> Manifest:
        """Write the version's files into ``folder`` and return the draft of its manifest.

        An estimator is handled in this process only if it already lives in it. Raises StoreError.
        """
        if _is_path(self.estimator):
            draft = self._from_file(Path(self.estimator), folder, progress)
        else:
            draft = self._from_memory(folder, progress)
        for line in smaller_forms.lines(draft):
            progress(line)
        for line in filter(None, (record.summary(draft.options), *map(WARNING.__add__, Contract(draft).warnings))):
            progress(line)
        if self.payload_log is None:
            return draft
        return replace(draft, options={**draft.options, **self.payload_log.checked(draft.schema).option()})

    def _from_memory(self, folder: Path, progress: Progress) -> Manifest:
        from model_store.capture.draft import capture
        from model_store.capture.sample import (
            samples,  # here: pandas and scikit-learn, which nothing else in here needs
        )

        rows = samples.read(Path(self.sample)) if _is_path(self.sample) else self.sample
        return capture(self.estimator, rows, folder, self.options, progress)

    def _from_file(self, file: Path, folder: Path, progress: Progress) -> Manifest:
        _check_file(file)
        with tempfile.TemporaryDirectory(prefix="millrace-sample-") as scratch:
            sample = self._sample_to_hand_over(Path(scratch))
            progress(f"loading {file.name} in a process of its own, with its schema, golden answers and profile")
            draft = self._captured(file, sample, folder)
        if draft.model != self.options.name:
            raise StoreError(f"{file} wrote a manifest of another model")
        files = seal.file_seals(folder)
        return replace(draft, files=files, bytes=sum(found.bytes for found in files.values()))

    def _sample_to_hand_over(self, scratch: Path) -> dict[str, str]:
        """Return where the process finds the sample: its file, or what this process writes for it, types and all."""
        if _is_path(self.sample):
            return {"sample": str(Path(self.sample).absolute())}
        from model_store.artifacts import handover  # here: joblib, which a sample file does not need in this process

        return {"handed_over": str(handover.write(self.sample, scratch))}

    def _captured(self, file: Path, sample: Mapping[str, str], folder: Path) -> Manifest:
        if self.options.goal is not None and not _is_path(self.options.goal.holdout):
            raise BadSample("with an estimator's file, the holdout is a file as well")
        request = {"file": str(file.absolute()), "folder": str(folder.absolute()), **sample}
        answer = isolation.run(
            "capture",
            {**request, "options": asdict(self.options)},
            seconds=self.limits.seconds,
            memory=self.limits.memory,
            path=isolation.own_path(),
        )
        return Manifest.from_json(answer.get("manifest"))


def _is_path(given: Any) -> bool:
    return isinstance(given, (str, os.PathLike))


def _check_file(file: Path) -> None:
    if not file.is_file():
        raise ArtifactUnreadable(f"there is no file {file}")
    if file.suffix not in _SUFFIXES:
        raise ArtifactUnreadable(f"{file.name!r} is none of .joblib, .pkl, .pickle or .skops")
