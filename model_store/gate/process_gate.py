"""The gate that tries each version in a throw-away process."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from model_store.errors import ArtifactUnreadable, GateRefused
from model_store.gate import isolation
from model_store.gate.environment import environment
from model_store.gate.gate import TRIED, Gate, GateReport, Limits
from model_store.gate.libraries import check_libraries
from model_store.manifest import Manifest


class ProcessGate(Gate):
    """Tries a version in a process that may crash, hang or lie, within limits on time, memory and latency.

    The process imports from ``path``: by default from what is installed, as replicas do, and not from what the
    publisher's own process finds besides.
    """

    def __init__(self, limits: Limits | None = None, path: Sequence[str] | None = None) -> None:
        self._limits = limits or Limits()
        self._path = isolation.installed_path() if path is None else path

    @classmethod
    def of_replica(cls) -> "ProcessGate":
        """Return the gate of a process that is a replica's: what it imports from is what loads the models."""
        return cls(path=isolation.own_path())

    def try_version(self, folder: Path, manifest: Manifest) -> GateReport:
        """Try the version in a separate process and return what was measured. Raises GateRefused, LibraryMismatch."""
        check_libraries(manifest)
        try:
            report = replace(_report(self._measured(folder, manifest)), tried=self._tried())
        except (KeyError, TypeError, ValueError) as error:
            raise GateRefused("its process gave a report that is none") from error
        except ArtifactUnreadable as error:
            raise GateRefused(f"its artifact does not load: {error}") from error
        self._check_speed(report.predict_seconds)
        return report

    def has_tried(self, manifest: Manifest) -> bool:
        """Return True if the version has passed with the same packages, system and processor, within these limits."""
        tried, limits = manifest.options.get(TRIED), self._limits
        return (
            isinstance(tried, Mapping)
            and tried.get("environment") == environment()
            and _at_most(tried.get("seconds"), limits.seconds)
            and _at_most(tried.get("memory"), limits.memory)
            and manifest.predict_seconds <= limits.row_seconds
        )

    def _measured(self, folder: Path, manifest: Manifest) -> Mapping[str, Any]:
        request = {"folder": str(folder.absolute()), "manifest": manifest.to_json()}
        limits = self._limits
        return isolation.run("check", request, seconds=limits.seconds, memory=limits.memory, path=self._path)

    def _tried(self) -> Mapping[str, Any]:
        limits = self._limits
        return {"environment": environment(), "seconds": limits.seconds, "memory": limits.memory}

    def _check_speed(self, seconds: float) -> None:
        limit = self._limits.row_seconds
        if seconds > limit:
            raise GateRefused(f"it is slow: one row took {seconds:.2g} s, the limit is {limit:g} s")


def _at_most(passed: object, limit: float) -> bool:
    """Return True if what it passed with is a number and no more than it may take now."""
    return isinstance(passed, (int, float)) and passed <= limit


def _report(found: Mapping[str, Any]) -> GateReport:
    return GateReport(
        load_seconds=float(found["load_seconds"]),
        predict_seconds=float(found["predict_seconds"]),
        peak_bytes=int(found["peak_bytes"]),
        network_cut=bool(found["network_cut"]),
    )
