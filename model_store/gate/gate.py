"""The port of what tries a version, and what a trial may take and reports."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from model_store.manifest import Manifest

TRIED = "tried"
"""The option of a manifest that says with what, and within which limits, the gate let the version pass."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What each throw-away process may take: ``seconds`` of time, ``memory`` in bytes of address space.

    ``row_seconds`` is the longest that an answer to one row may take.
    """

    seconds: float = 60.0
    memory: int = 8 * 2**30
    row_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class GateReport:
    """What the trial measured: seconds to load and for one row (median), peak memory, whether it had no network.

    ``tried`` is what ``Gate.has_tried`` goes by once it is sealed; empty if each trial counts for itself.
    """

    load_seconds: float
    predict_seconds: float
    peak_bytes: int
    network_cut: bool
    tried: Mapping[str, Any] = field(default_factory=dict)

    def noted(self, manifest: Manifest) -> Manifest:
        """Return the manifest of the version that was tried, with what came of it."""
        tried = {TRIED: dict(self.tried)} if self.tried else {}
        return replace(
            manifest,
            load_seconds=self.load_seconds,
            predict_seconds=self.predict_seconds,
            options={**{key: value for key, value in manifest.options.items() if key != TRIED}, **tried},
        )


class Gate(ABC):
    """What a version passes before it may be published or promoted."""

    @abstractmethod
    def try_version(self, folder: Path, manifest: Manifest) -> GateReport:
        """Load the version in ``folder``, replay its golden rows, time it, and return what was measured.

        ``manifest`` is the verified manifest, or a draft of one. Raises GateRefused with the reason, LibraryMismatch.
        """

    def has_tried(self, manifest: Manifest) -> bool:  # noqa: ARG002 - gates without a memory know of none
        """Return True if a trial could only end as the one that is noted in the manifest, whose seal was verified."""
        return False
