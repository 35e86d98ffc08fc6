"""The port of what tries a version, and what a trial may take and reports."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from model_store.manifest import Manifest


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
    """What the trial measured: seconds to load and for one row (median), peak memory, whether it had no network."""

    load_seconds: float
    predict_seconds: float
    peak_bytes: int
    network_cut: bool


class Gate(ABC):
    """What a version passes before it may be published or promoted."""

    @abstractmethod
    def try_version(self, folder: Path, manifest: Manifest) -> GateReport:
        """Load the version in ``folder``, replay its golden rows, time it, and return what was measured.

        ``manifest`` is the verified manifest, or a draft of one. Raises GateRefused with the reason, LibraryMismatch.
        """
