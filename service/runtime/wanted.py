"""Which engine a version is to be executed by, and whether requests are joined: as publishing found or settings say."""

import logging
from collections.abc import Mapping, Sequence

from model_store.engines.choice import CANDIDATES
from model_store.engines.engine import Candidate, Engine
from model_store.manifest import Manifest
from model_store.plans import files
from model_store.proof.record import ARRAYS, COMPILED, ESTIMATOR, chosen

log = logging.getLogger(__name__)

AUTO = "auto"
_NAMES: Mapping[str, str] = {COMPILED: "compiled", ARRAYS: "scikit-learn on arrays", ESTIMATOR: "scikit-learn"}


class WantedEngine:
    """``kind`` is ``auto``, or the engine that is forced wherever a version has it; others keep what they have.

    ``joins`` says whether requests may be joined at all.
    """

    def __init__(self, kind: str = AUTO, *, joins: bool = True) -> None:
        self._kind = kind
        self.joins = joins

    def is_plan(self, manifest: Manifest) -> bool:
        """Return whether the version's plan is to be used, and not its estimator."""
        return {files.PLAN, files.ARRAYS} <= manifest.files.keys() and self._kind in {AUTO, COMPILED}

    def candidates(self, manifest: Manifest) -> Sequence[type[Candidate]]:
        """Return what may stand for scikit-learn's own methods where the estimator is used."""
        is_plain = self._kind == ESTIMATOR or (self._kind == AUTO and chosen(manifest.options) == ESTIMATOR)
        return () if is_plain else CANDIDATES

    def note(self, manifest: Manifest, used: Engine) -> None:
        """Log which engine is used instead if the forced one is not there."""
        if self._kind != AUTO and used.name.partition(",")[0] != _NAMES[self._kind]:
            log.warning(
                "version %d of %s cannot be executed as ENGINE says (%s): it is executed by %s",
                manifest.version,
                manifest.model,
                self._kind,
                used.name,
            )
