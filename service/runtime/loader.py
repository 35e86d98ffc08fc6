"""From a stored version to one that answers: verify → check libraries → load → warm → compare."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from model_store.batch import Batch
from model_store.engines.choice import NoEngine, choose, compiled
from model_store.engines.engine import Engine
from model_store.gate.libraries import check_libraries
from model_store.joining.record import by_rows
from model_store.joining.rows import known_rows
from model_store.joining.verdict import Subject, joins, joins_one_by_one
from model_store.manifest import Manifest
from model_store.plans import files
from model_store.plans.plan import Plan
from model_store.proof.record import calls
from model_store.reference import golden, profile
from model_store.reference.golden import Golden
from model_store.replicas.states import State
from model_store.seal import Needed, TrustedKeys, every_file
from model_store.stores.store import Store, VerifiedVersion
from service.quarantine.first_try import FirstTry
from service.runtime.load_observer import LoadCost, LoadObserver, Meter
from service.runtime.loaded import LoadedModel, OneByOne
from service.runtime.outside import Outside
from service.runtime.plan_files import PlanFiles
from service.runtime.private_copies import PrivateCopies
from service.runtime.wanted import WantedEngine

log = logging.getLogger(__name__)

Moved = Callable[[State], None]
"""Called with each state as it begins."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A verified version that has not predicted yet, and what that took.

    ``profile`` is that of its sample if requests for the version are joined because of what rows have shown.
    Its plan is at hand if it was compiled, to be mapped by the process that predicts. Its estimator is in memory if it
    was not, or if the plan calls parts of it. A version whose estimator runs in a process is only verified.
    """

    manifest: Manifest
    golden: Golden
    cost: LoadCost
    plan: PlanFiles | None = None
    estimator: Any = None
    profile: Mapping[str, Any] = field(default_factory=dict)
    is_outside: bool = False


class Loader:
    """Opens and warms versions of one store.

    The two steps are apart because a process that has predicted with OpenMP hangs in its forked children: gunicorn's
    master may open versions, only its workers warm them.
    """

    def __init__(  # noqa: PLR0913 - what a version on its way passes through
        self,
        store: Store,
        trusted_keys: Path,
        observers: Sequence[LoadObserver] = (),
        copies: PrivateCopies | None = None,
        engine: WantedEngine | None = None,
        *,
        outside: Outside | None = None,
        first_try: FirstTry | None = None,
    ) -> None:
        """Load from a store what the keys in a folder have sealed. ``copies`` is where arrays are mapped from.

        ``outside`` loads versions into processes; without it all estimators are called in this one. ``first_try`` says
        when it is this worker's turn to do so; without it, it always is.
        """
        self._store = store
        self._trusted_keys = trusted_keys
        self._observers = tuple(observers)
        self._copies = copies or PrivateCopies()
        self._wanted = engine or WantedEngine()
        self._outside = outside
        self._first_try = first_try

    def open(self, name: str, version: int, moved: Moved) -> Opened:
        """Verify the version, then read its plan, or build its estimator if it was not compiled.

        Nothing of it is read before its seal has been found whole, and of a compiled version only what it is served
        from: no estimator, which may be a hundred times larger. Raises SealBroken, BadManifest,
        LibraryMismatch, ArtifactUnreadable, UnknownVersion, or what the artifact's own classes raise.
        """
        meter = Meter()
        with self._noting_failure(name, version):
            moved(State.VERIFYING)
            with self._verified(name, version, self._needed) as found:
                moved(State.LOADING)
                kept = golden.from_bytes(found.read(golden.FILE))
                if self._goes_outside(found.manifest):
                    return Opened(found.manifest, kept, meter.cost(), is_outside=True)
                plan = PlanFiles.of(found, self._copies) if self._wanted.is_plan(found.manifest) else None
                estimator = _estimator(found) if plan is None or calls(found.manifest.options) else None
                known = profile.from_bytes(found.read(profile.FILE)) if by_rows(found.manifest.options) else {}
                return Opened(found.manifest, kept, meter.cost(), plan, estimator, known)

    def warm(self, opened: Opened, moved: Moved) -> LoadedModel:
        """Let the estimator predict its golden rows. Raises NoEngine if the answers are not the stored ones."""
        name, version = opened.manifest.model, opened.manifest.version
        meter = Meter()
        with self._noting_failure(name, version):
            moved(State.WARMING)
            cap_threads()
            model = self._loaded(opened)
            self._wanted.note(opened.manifest, model.engine)
        cost = meter.cost()
        log.info(
            "version %d of %s is warm after %.3f s, executed by %s", version, name, cost.seconds, model.engine.name
        )
        for observer in self._observers:
            observer.replayed(name, version, matched=True)
            observer.loaded(name, version, opened.cost + cost)
        return model

    def _loaded(self, opened: Opened) -> LoadedModel:
        engine = None if opened.is_outside else self._engine(opened)
        if engine is not None:
            return LoadedModel(opened.manifest, engine, *self._joined(opened, engine))
        if self._first_try is None:
            return self._put_outside(opened)
        return self._first_try.load(opened.manifest.model, opened.manifest.version, lambda: self._put_outside(opened))

    def _put_outside(self, opened: Opened) -> LoadedModel:
        assert self._outside is not None  # noqa: S101 - else nothing would go there
        with self._verified(opened.manifest.model, opened.manifest.version) as found:
            return LoadedModel(opened.manifest, *self._outside.load(found, opened.golden, self._wanted, self._copies))

    def _goes_outside(self, manifest: Manifest) -> bool:
        """Return whether the version's estimator, or a part of it that its plan calls, runs in a process."""
        is_called = not self._wanted.is_plan(manifest) or calls(manifest.options)
        return is_called and self._outside is not None and self._outside.takes(manifest)

    def _engine(self, opened: Opened) -> Engine | None:
        """Return what executes a version: its plan, else its estimator, which is loaded now if the plan fails.

        None if the estimator has to run in a process.
        """
        schema, estimator = opened.manifest.schema, opened.estimator
        if opened.plan is not None:
            engine = self._compiled(opened, opened.plan)
            if engine is not None:
                return engine
            if self._outside is not None and self._outside.takes(opened.manifest):
                return None
            estimator = self._reopened(opened) if estimator is None else estimator
        return choose(estimator, schema, opened.golden, self._wanted.candidates(opened.manifest))

    def _joined(self, opened: Opened, engine: Engine) -> tuple[Mapping[str, int], OneByOne]:
        """Return the outputs for which requests are joined, and those of one row; see ``model_store.joining``."""
        if not self._wanted.joins:
            return {}, OneByOne(engine)
        options, schema = opened.manifest.options, opened.manifest.schema
        subject = Subject(engine, schema, opened.estimator)

        def sample() -> Batch:
            return known_rows(schema, opened.golden.batch, opened.profile)

        return joins(options, subject, sample), OneByOne(*joins_one_by_one(options, subject, sample))

    def _compiled(self, opened: Opened, plan: PlanFiles) -> Engine | None:
        try:
            read = self._plan(opened.manifest, plan)
        except files.UnknownFormat as error:
            log.warning("%s: the estimator is loaded", error)
            return None
        return compiled(read, opened.manifest.schema, opened.golden, opened.estimator)

    def _plan(self, manifest: Manifest, plan: PlanFiles) -> Plan:
        try:
            return plan.plan()
        except OSError as error:
            log.warning("the arrays of version %d of %s are copied again: %s", manifest.version, manifest.model, error)
        with self._verified(manifest.model, manifest.version, self._needed) as found:
            return PlanFiles.of(found, self._copies).plan()

    def _reopened(self, opened: Opened) -> Any:
        with self._verified(opened.manifest.model, opened.manifest.version) as found:
            return _estimator(found)

    def _verified(
        self, name: str, version: int, needed: Needed = every_file
    ) -> AbstractContextManager[VerifiedVersion]:
        return self._store.verified(name, version, TrustedKeys.load(self._trusted_keys), needed)

    def _needed(self, manifest: Manifest) -> Collection[str]:
        """Return what has to be whole before anything is read.

        If the version is served by its plan, that is all but the artifact, which is read only if the plan calls parts
        of the estimator, and the arrays, which are compared with the seal as they are copied.
        """
        if not self._wanted.is_plan(manifest):
            return manifest.files.keys()
        unread = {files.ARRAYS} if calls(manifest.options) else {files.ARRAYS, manifest.artifact}
        return manifest.files.keys() - unread

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
