"""How a version comes into a store: written, tried, sealed, added."""

from dataclasses import dataclass, replace
from pathlib import Path

from model_store import seal
from model_store.capture.options import Progress, silent
from model_store.gate.gate import Gate, GateReport
from model_store.lifecycle.submission import Submission
from model_store.manifest import Manifest
from model_store.names import ModelName
from model_store.seal import SealingKey
from model_store.stores.store import Store


@dataclass(frozen=True, slots=True)
class Registrar:
    """Adds versions to one store: each passes the gate and is sealed with the key."""

    store: Store
    key: SealingKey
    gate: Gate
    progress: Progress = silent

    def publish(self, submission: Submission) -> int:
        """Add what a publisher hands over as its model's next version, and return the number. Raises StoreError."""
        model = ModelName(submission.options.name)
        with self.store.staging(model) as folder:
            return self.add(folder, tried(submission, folder, self.gate, self.progress))

    def try_version(self, folder: Path, manifest: Manifest) -> GateReport:
        """Return what the gate measured of a version's files. Raises GateRefused, LibraryMismatch."""
        return _measured(folder, manifest, self.gate, self.progress)

    def add(self, folder: Path, manifest: Manifest) -> int:
        """Seal the version's files under the model's next number, store them, and return the number."""
        self.progress("sealing and storing")
        return self.store.add(
            ModelName(manifest.model),
            folder,
            lambda number: seal.seal(folder, replace(manifest, version=number), self.key),
        )


def tried(submission: Submission, folder: Path, gate: Gate, progress: Progress) -> Manifest:
    """Write a version's files into ``folder``, let them pass the gate, and return the draft of the manifest.

    Raises StoreError.
    """
    draft = submission.write(folder, progress)
    return _measured(folder, draft, gate, progress).noted(draft)


def _measured(folder: Path, manifest: Manifest, gate: Gate, progress: Progress) -> GateReport:
    progress("trying it in a process of its own")
    return gate.try_version(folder, manifest)
