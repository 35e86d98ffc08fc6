"""One model of the store in this worker: what was seen of it, what is loaded, and how that moves."""

import logging
import time
import weakref
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from model_store import channels as pointers_of
from model_store.channels import Channels
from model_store.errors import StoreError
from model_store.replicas.states import LEGAL, ON_THE_WAY, State, VersionState
from model_store.stores.store import Store
from service.runtime.catalog import ServedModel
from service.runtime.limits import LIMITS, Limits
from service.runtime.loaded import LoadedModel
from service.runtime.loader import Opened
from service.runtime.loads import Event, reason_of
from service.runtime.plan import plan

log = logging.getLogger(__name__)

_UP_TO_READY = (State.FAILED, State.VERIFYING, State.LOADING, State.WARMING, State.READY)


@dataclass(slots=True)
class _Retry:
    """When a version that failed is tried again: after a while, or as soon as its files are others."""

    files: Hashable
    wait: float
    due: float


class ModelKeeper:
    """Follows one model's pointers and keeps its versions. Used by one thread at a time."""

    def __init__(self, store: Store, name: str, limits: Limits = LIMITS) -> None:
        self.name = name
        self._limits = limits
        self._store = store
        self._channels = Channels()
        self._seen: object = None
        self._trouble = ""
        self._states: dict[int, VersionState] = {}
        self._ready: dict[int, LoadedModel] = {}
        self._opened: dict[int, Opened] = {}
        self._pointers: Mapping[str, int] = {}
        self._draining: dict[int, weakref.ref[LoadedModel]] = {}
        self._retries: dict[int, _Retry] = {}
        self._served: ServedModel | None = None

    def refresh(self) -> None:
        """Read the model's pointers and versions if they may have changed.

        Pointers that cannot be read leave what was read before in force.
        """
        seen, settled = self._fingerprint()
        if seen == self._seen:
            return
        self._seen = seen if settled else None
        self._read_versions()
        self._read_channels()

    def settle(self) -> frozenset[int]:
        """Put the plan into effect; returns the versions whose load should begin, now VERIFYING."""
        made = plan(self._channels, self._states, self._pointers)
        if made.pointers != self._pointers:
            self._pointers, self._served = made.pointers, None
        for version in made.drop:
            self._drop(version)
        revived = [version for version in made.load if self._revive(version)]
        if revived:
            return self.settle()
        begin = frozenset(version for version in made.load if self._due(version))
        for version in begin:
            self._move(version, State.VERIFYING)
        return begin

    def take(self, event: Event) -> None:
        """Take note of how a load goes."""
        version = event.key.version
        state = self._states.get(version)
        if state is None:
            return  # deleted meanwhile
        if not event.final:
            if state.state in ON_THE_WAY and event.state in LEGAL[state.state]:
                self._move(version, event.state)
        elif event.state is State.FAILED:
            self._fail(version, event.reason)
        elif isinstance(event.result, Opened):
            self._opened[version] = event.result
        elif isinstance(event.result, LoadedModel):
            self._serve(version, event.result)

    def take_opened(self, version: int) -> Opened | None:
        """Take what was opened of a version and not warmed yet, if anything; it can be taken once."""
        return self._opened.pop(version, None)

    @property
    def on_the_way(self) -> list[int]:
        """The versions whose load has begun and not come to an end."""
        return [version for version, state in self._states.items() if state.state in ON_THE_WAY]

    def drain(self) -> bool:
        """Retire the versions that no request holds any more; whether there were any."""
        done = [version for version, held in self._draining.items() if held() is None]
        for version in done:
            del self._draining[version]
            if version in self._states:
                self._move(version, State.RETIRED)
        if done:
            self._seen = None  # a version that left the store goes from the list as well
        return bool(done)

    def served(self) -> ServedModel:
        """Return the model as a snapshot shows it; the same object for as long as nothing has changed."""
        if self._served is None:
            self._served = ServedModel(
                self.name, self._channels, dict(self._ready), dict(self._states), dict(self._pointers), self._trouble
            )
        return self._served

    def _fingerprint(self) -> tuple[object, bool]:
        """Return what tells that the model has changed, and whether a later change would surely show in it."""
        try:
            return self._store.fingerprint(self.name)
        except (OSError, StoreError) as error:
            return reason_of(error), False

    def _read_versions(self) -> None:
        try:
            stored = set(self._store.versions(self.name))
        except (OSError, StoreError):
            log.warning("the versions of %s cannot be listed", self.name, exc_info=True)
            return
        held = self._ready.keys() | self._draining.keys()
        kept = {v: s for v, s in self._states.items() if v in stored or v in held or s.state in ON_THE_WAY}
        states = {v: kept.get(v, VersionState()) for v in sorted(stored | kept.keys())}
        if states != self._states:
            self._states, self._served = states, None

    def _read_channels(self) -> None:
        try:
            channels = pointers_of.read(self._store, self.name)
            trouble = ""
        except (OSError, StoreError) as error:
            channels, trouble = self._channels, f"its pointers cannot be read: {reason_of(error)}"
            if not self._trouble:
                log.warning("the pointers of %s cannot be read; the last known ones stay", self.name, exc_info=True)
        if channels.generation != self._channels.generation:
            for retry in self._retries.values():
                retry.due, retry.wait = 0.0, self._limits.first_retry  # asked for again
        if (channels, trouble) != (self._channels, self._trouble):
            self._channels, self._trouble, self._served = channels, trouble, None

    def _move(self, version: int, state: State, reason: str = "") -> None:
        self._states[version] = self._states[version].to(state, reason)
        self._served = None

    def _serve(self, version: int, model: LoadedModel) -> None:
        state = self._states[version].state
        if state is State.READY:
            return
        for following in _UP_TO_READY[
            _UP_TO_READY.index(state) + 1 :
        ]:  # a load that was given up may end well after all
            self._move(version, following)
        self._ready[version] = model
        self._retries.pop(version, None)

    def _fail(self, version: int, reason: str) -> None:
        state = self._states[version].state
        if state is State.READY:
            return
        if state is not State.FAILED:
            self._move(version, State.FAILED, reason)
        before = self._retries.get(version)
        wait = min(before.wait * 2, self._limits.last_retry) if before else self._limits.first_retry
        self._retries[version] = _Retry(self._files(version), wait, time.monotonic() + wait)

    def _due(self, version: int) -> bool:
        """Return True if a wanted version that is not READY is to be loaded now."""
        state = self._states[version].state
        if state is State.FAILED and (retry := self._retries.get(version)):
            return time.monotonic() >= retry.due or self._files(version) != retry.files
        return state in {State.NEW, State.RETIRED, State.FAILED}

    def _drop(self, version: int) -> None:
        self._move(version, State.DRAINING)
        self._draining[version] = weakref.ref(self._ready.pop(version))

    def _revive(self, version: int) -> bool:
        """Take a version back that is wanted again while some request still holds it."""
        model = held() if (held := self._draining.get(version)) else None
        if model is None:
            return False
        del self._draining[version]
        self._ready[version] = model
        self._move(version, State.READY)
        return True

    def _files(self, version: int) -> Hashable:
        try:
            return self._store.files_fingerprint(self.name, version)
        except (OSError, StoreError):
            return None
