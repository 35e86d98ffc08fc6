"""From a stored version to one that answers: verify → check libraries → load → warm → compare."""

import io
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from model_store.engines.choice import NoEngine, choose, compiled
from model_store.engines.engine import Engine
from model_store.gate.libraries import check_libraries
from model_store.manifest import Manifest
from model_store.plans import files
from model_store.plans.plan import Plan
from model_store.reference import golden
from model_store.reference.golden import Golden
from model_store.replicas.states import State
from model_store.seal import TrustedKeys
from model_store.stores.store import Store, VerifiedVersion
from service.runtime.load_observer import LoadCost, LoadObserver, Meter
from service.runtime.loaded import LoadedModel

log = logging.getLogger(__name__)

Moved = Callable[[State], None]
"""Called with each state as it begins."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A verified version that is in memory and has not predicted yet, and what that took.

    It has a plan if it was compiled, else its estimator.
    """

    manifest: Manifest
    golden: Golden
    cost: LoadCost
    plan: Plan | None = None
    estimator: Any = None


class Loader:
    """Opens and warms versions of one store.

    The two steps are apart because a process that has predicted with OpenMP hangs in its forked children: gunicorn's
    master may open versions, only its workers warm them.
    """

    def __init__(self, store: Store, trusted_keys: Path, observers: Sequence[LoadObserver] = ()) -> None:
        self._store = store
        self._trusted_keys = trusted_keys
        self._observers = tuple(observers)

    def open(self, name: str, version: int, moved: Moved) -> Opened:
        """Verify the version, then read its plan, or build its estimator if it was not compiled.

        Nothing of it is read before its seal has been found whole. Raises SealBroken, BadManifest,
        LibraryMismatch, ArtifactUnreadable, UnknownVersion, or what the artifact's own classes raise.
        """
        meter = Meter()
        with self._noting_failure(name, version):
            moved(State.VERIFYING)
            with self._store.verified(name, version, TrustedKeys.load(self._trusted_keys)) as found:
                moved(State.LOADING)
                kept = golden.from_bytes(found.read(golden.FILE))
                if files.PLAN in found.manifest.files:
                    return Opened(found.manifest, kept, meter.cost(), plan=_plan(found))
                return Opened(found.manifest, kept, meter.cost(), estimator=_estimator(found))

    def warm(self, opened: Opened, moved: Moved) -> LoadedModel:
        """Let the estimator predict its golden rows. Raises NoEngine if the answers are not the stored ones."""
        name, version = opened.manifest.model, opened.manifest.version
        meter = Meter()
        with self._noting_failure(name, version):
            moved(State.WARMING)
            cap_threads()
            model = LoadedModel(opened.manifest, self._engine(opened))
        cost = meter.cost()
        log.info(
            "version %d of %s is warm after %.3f s, executed by %s", version, name, cost.seconds, model.engine.name
        )
        for observer in self._observers:
            observer.replayed(name, version, matched=True)
            observer.loaded(name, version, opened.cost + cost)
        return model

    def _engine(self, opened: Opened) -> Engine:
        """Return what executes a version: its plan, else its estimator, which is loaded now if the plan fails."""
        schema = opened.manifest.schema
        if opened.plan is None:
            return choose(opened.estimator, schema, opened.golden)
        return compiled(opened.plan, schema, opened.golden) or choose(self._reopened(opened), schema, opened.golden)

    def _reopened(self, opened: Opened) -> Any:
        name, version = opened.manifest.model, opened.manifest.version
        with self._store.verified(name, version, TrustedKeys.load(self._trusted_keys)) as found:
            return _estimator(found)

    @contextmanager
    def _noting_failure(self, name: str, version: int) -> Iterator[None]:
        try:
            yield
        except BaseException as error:  # an artifact's classes may raise anything, SystemExit included
            code = getattr(error, "code", None)
            for observer in self._observers:
                if isinstance(error, NoEngine):
                    observer.replayed(name, version, matched=False)
                observer.failed(name, version, code if isinstance(code, str) else "load_failed")
            raise


def _plan(found: VerifiedVersion) -> Plan:
    arrays = np.load(io.BytesIO(found.read(files.ARRAYS)), allow_pickle=False)
    return files.read(found.read(files.PLAN), arrays)


def _estimator(found: VerifiedVersion) -> Any:
    from model_store.artifacts.loading import load  # here: scikit-learn, which compiled versions do not need

    check_libraries(found.manifest)
    return load(found.folder, found.manifest)


def cap_threads() -> None:
    """Hold the native thread pools (BLAS, OpenMP) of this process, as the calling thread sees them, to one thread.

    Workers share the cores among them: more threads than cores cost ten times what they bring. Artifacts come with
    ``n_jobs=1`` inside, so joblib starts no pool either. OpenMP keeps its number for each thread, so the threads that
    load and the thread that answers each call this.
    """
    threadpool_limits(limits=1)
