"""Gates without a process each, for tests that are about something else."""

from pathlib import Path

from model_store.errors import GateRefused
from model_store.gate.gate import Gate, GateReport
from model_store.manifest import Manifest


class OpenGate(Gate):
    """Lets every version pass."""

    def try_version(self, folder: Path, manifest: Manifest) -> GateReport:
        return GateReport(load_seconds=0.1, predict_seconds=0.001, peak_bytes=1, network_cut=True)


class ClosedGate(Gate):
    """Refuses every version."""

    def try_version(self, folder: Path, manifest: Manifest) -> GateReport:
        raise GateRefused("no")
