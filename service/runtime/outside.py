"""Loading a version into a model process: its private copy, the process, and what its answers have to be."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from model_store.confinement.confine import MEMORY
from model_store.errors import GateRefused
from model_store.manifest import Manifest
from model_store.reference.golden import Golden
from model_store.stores.store import VerifiedVersion
from service.model_process.answers import Declared
from service.model_process.engine import ProcessEngine
from service.model_process.launch import Launch
from service.model_process.messages import Load
from service.model_process.placement import Placement
from service.model_process.process import ModelProcess, Seconds
from service.model_process.processes import Processes
from service.model_process.workplace import Workplace, tidy
from service.runtime.private_copies import PrivateCopies
from service.runtime.wanted import WantedEngine

log = logging.getLogger(__name__)

BEST, OFF, REQUIRED = "BEST", "OFF", "REQUIRED"

_FINITE = ("predict", "predict_proba")
"""Outputs whose numbers are finite, unless the stored answers show otherwise; scores may be infinite."""


class Outside:
    """Loads versions into processes, with their folders in ``folder``; ``placement`` says which versions.

    ``confinement`` is BEST, OFF or REQUIRED: then a process without all is ended. ``memory`` is how many bytes of
    address space a process may take unless it is OFF.
    """

    def __init__(  # noqa: PLR0913 - where, which and within what
        self,
        folder: Path,
        processes: Processes,
        placement: Placement,
        seconds: Seconds | None = None,
        *,
        confinement: str = BEST,
        memory: int = MEMORY,
    ) -> None:
        self._folder = folder
        self._processes = processes
        self._placement = placement
        self._seconds = seconds or Seconds()
        self._confinement = confinement
        self._memory = memory

    def takes(self, manifest: Manifest) -> bool:
        """Return whether the version's estimator runs in a process."""
        return self._placement.is_outside(manifest)

    def load(
        self, version: VerifiedVersion, golden: Golden, wanted: WantedEngine, copies: PrivateCopies
    ) -> tuple[ProcessEngine, Mapping[str, int]]:
        """Start a process with a private copy of the version.

        Returns its engine, and the outputs for which requests are joined with the most rows. Raises SealBroken,
        OSError, and what ``ModelProcess.open`` raises.
        """
        manifest = version.manifest
        tidy(self._folder)
        workplace = Workplace.make(self._folder, version, lambda found, file: copies.make(found, file).path)
        process = ModelProcess(
            Launch(manifest.model, manifest.version, workplace, memory=self._memory, confined=self._confinement != OFF),
            Load(wanted.is_plan(manifest), bool(wanted.candidates(manifest)), wanted.joins),
            Declared(manifest.schema, _unbounded(golden)),
            self._processes,
            self._seconds,
        )
        ready = process.open()
        if self._confinement != OFF and not all(ready.held.values()):
            self._refuse_if_required(process, manifest, ready.held)
        return ProcessEngine(process, ready.engine), ready.joins

    def _refuse_if_required(self, process: ModelProcess, manifest: Manifest, held: Mapping[str, bool]) -> None:
        lacking = ", ".join(part for part, holds in held.items() if not holds)
        said = f"the process of version {manifest.version} of {manifest.model!r} is confined without {lacking}"
        if self._confinement == REQUIRED:
            process.close()
            raise GateRefused(f"{said}: MODEL_CONFINEMENT requires all")
        log.warning(said)


def _unbounded(golden: Golden) -> set[str]:
    """Return the outputs whose numbers need not be finite."""
    return {name for name, answer in golden.answers.items() if name not in _FINITE or not _is_finite(answer)}


def _is_finite(answer: np.ndarray) -> bool:
    return answer.dtype.kind != "f" or bool(np.isfinite(answer).all())
