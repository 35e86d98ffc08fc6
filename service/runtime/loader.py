"""From a stored version to one that answers: verify → check libraries → load → warm → compare."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from threadpoolctl import threadpool_limits

from model_store import artifacts, golden
from model_store.engines.choice import choose
from model_store.gate import check_libraries
from model_store.golden import Golden
from model_store.manifest import Manifest
from model_store.seal import TrustedKeys
from model_store.stores.store import Store
from service.runtime.loaded import LoadedModel
from service.runtime.states import State

log = logging.getLogger(__name__)

Moved = Callable[[State], None]
"""Told of each state as it begins."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A verified version whose estimator is in memory and has not predicted yet."""

    manifest: Manifest
    estimator: Any
    golden: Golden


class Loader:
    """Opens and warms versions of one store.

    The two steps are apart because a process that has predicted with OpenMP hangs in its forked children: gunicorn's
    master may open versions, only its workers warm them.
    """

    def __init__(self, store: Store, trusted_keys: Path) -> None:
        self._store = store
        self._trusted_keys = trusted_keys

    def open(self, name: str, version: int, moved: Moved) -> Opened:
        """Verify the version, then build its estimator.

        Nothing of the artifact is read before its seal has been found whole. Raises SealBroken, BadManifest,
        LibraryMismatch, ArtifactUnreadable, UnknownVersion, or whatever the artifact's own classes raise.
        """
        moved(State.VERIFYING)
        with self._store.verified(name, version, TrustedKeys.load(self._trusted_keys)) as found:
            check_libraries(found.manifest)
            moved(State.LOADING)
            estimator = artifacts.load(found.folder, found.manifest)
            return Opened(found.manifest, estimator, golden.from_bytes(found.read(golden.FILE)))

    def warm(self, opened: Opened, moved: Moved) -> LoadedModel:
        """Let the estimator predict its golden rows; raises NoEngine where the answers are not the stored ones."""
        moved(State.WARMING)
        cap_threads()
        started = perf_counter()
        manifest = opened.manifest
        engine = choose(opened.estimator, manifest.schema, opened.golden)
        log.info(
            "version %d of %s is warm after %.3f s, executed by %s",
            manifest.version,
            manifest.model,
            perf_counter() - started,
            engine.name,
        )
        return LoadedModel(manifest, engine)


def cap_threads() -> None:
    """Hold the native thread pools (BLAS, OpenMP) of this process, as the calling thread sees them, to one thread.

    Workers share the cores among them: more threads than cores cost ten times what they bring. Artifacts come with
    ``n_jobs=1`` inside, so joblib starts no pool either. OpenMP keeps its number for each thread, so the threads that
    load and the thread that answers each call this.
    """
    threadpool_limits(limits=1)
