"""Follows the store: sees pointers move, loads in the background what they want, swaps the catalog's snapshot."""

import ctypes
import gc
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from types import MappingProxyType

from model_store.stores.store import Store
from service.runtime.announcer import Announcer
from service.runtime.catalog import Catalog, CatalogSnapshot, ServedModel
from service.runtime.elsewhere import Elsewhere
from service.runtime.keeper import ModelKeeper
from service.runtime.limits import LIMITS, Limits
from service.runtime.loaded import LoadedModel
from service.runtime.loader import Loader, Moved, Opened, cap_threads
from service.runtime.loads import Event, Key, Loads
from service.runtime.same_store import SameStore

log = logging.getLogger(__name__)

SWITCH_SECONDS = 0.001
"""How long a busy thread keeps the interpreter when another one waits.

The watcher lets go at each file that it looks at; with Python's 5 ms it would be far behind under load.
"""

COLLECT_AFTER = 10_000
"""How many new containers there may be before the collector looks for cycles among them.

Requests leave no cycles, and a body of 1,000 rows is more containers than Python's 700.
"""

Work = Callable[[ModelKeeper, int, Moved], object]


class Watcher:
    """Keeps one worker's catalog true to the store. It never raises out of its thread, and never dies.

    In order: ``preload`` in gunicorn's master, before the fork, if there is one; ``boot`` in the worker, which
    returns when the worker is warm; ``start`` for the thread that follows the store; ``stop`` before the worker goes.
    """

    def __init__(  # noqa: PLR0913 - what it follows, fills and tells
        self,
        store: Store,
        loader: Loader,
        catalog: Catalog,
        announcer: Announcer,
        limits: Limits = LIMITS,
        *,
        elsewhere: Elsewhere | None = None,
        note: Path | None = None,
    ) -> None:
        """Follow a store, fill a catalog and tell others; ``elsewhere`` knows what others have that is missing here.

        ``note`` is a file of the replica that says which store it serves.
        """
        self._store = store
        self._same = SameStore(store, note)
        self._loader = loader
        self._catalog = catalog
        self._announcer = announcer
        self._limits = limits
        self._elsewhere = elsewhere
        self._keepers: dict[str, ModelKeeper] = {}
        self._work: Work = self._load
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._booted = False
        self._told_away = ""
        self._settled = False
        self._gone = False
        self._start_loads()

    def preload(self) -> None:
        """Verify and load everything wanted, without predicting: for a master whose workers share its memory."""
        self._work = self._open
        self._read_store()
        self._wait(self._limits.preload)
        self._work = self._load
        gc.collect()
        gc.freeze()  # else the collector would unshare the pages that the workers are about to share

    def boot(self) -> None:
        """Bring everything wanted to READY, as far as that goes, and announce it."""
        if self._booted:
            return
        self._booted = True
        self._start_loads()
        cap_threads()
        for keeper in self._keepers.values():
            for version in keeper.on_the_way:
                self._begin(keeper, version)
        self._read_store()
        self._wait(self._limits.boot)
        self._await_store()
        self._swap()
        gc.collect()
        gc.freeze()  # later collections need not walk through every library and model: that takes 0.1 s and more

    def start(self) -> None:
        """Boot, if that has not been done, then follow the store in a thread until ``stop``."""
        self.boot()
        self._stopping.clear()
        sys.setswitchinterval(SWITCH_SECONDS)
        gc.set_threshold(COLLECT_AFTER)
        self._thread = threading.Thread(target=self._follow, name="watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and take back the announcement. What is loaded stays and can still answer."""
        self._stopping.set()
        self._events.put(None)
        if self._thread is not None:
            self._thread.join(timeout=5)
        self._announcer.withdraw()

    def turn(self, wait: float = 0.0) -> None:
        """Take one step: see how the loads go, for up to ``wait`` seconds; read the store; swap; announce; clean."""
        self._take_events(wait)
        self._loads.turn()
        self._read_store()
        self._swap()
        self._collect()

    def _await_store(self) -> None:
        """Wait for the store that the replica serves, if it is away and nothing is loaded here.

        Meanwhile this worker does not listen: others answer, and those before a reload go on.
        """
        while self._same.lost and not self._serving() and not self._stopping.wait(self._limits.watch):
            self._read_store()
            self._wait(self._limits.boot)

    def _serving(self) -> list[str]:
        return [name for name, keeper in self._keepers.items() if keeper.served().pointers]

    def _start_loads(self) -> None:
        """Start a queue and loads for this process: a fork leaves the master's threads behind."""
        self._events: SimpleQueue[Event | None] = SimpleQueue()
        self._loads = Loads(self._events, self._limits)

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                self.turn(self._limits.watch)
            except Exception:
                log.exception("the store could not be followed; trying again")
                self._stopping.wait(self._limits.watch)

    def _read_store(self) -> None:
        """See what the store holds now, and begin the loads that follow from it."""
        names = self._names()
        if names is None:
            return
        for name in self._keepers.keys() - names:
            log.info("%s is no longer in the store", name)
            del self._keepers[name]
            self._gone = True
        for name in sorted(names):
            keeper = self._keepers.setdefault(name, ModelKeeper(self._store, name, self._limits))
            with _alone(name):
                keeper.refresh()
                self._settle(keeper)

    def _names(self) -> set[str] | None:
        """Return the models in the store; None if the store itself is away, which is no reason to drop anything."""
        return self._same.models(self._serving())

    def _settle(self, keeper: ModelKeeper) -> None:
        for version in sorted(keeper.settle(), reverse=True):
            self._begin(keeper, version)

    def _begin(self, keeper: ModelKeeper, version: int) -> None:
        self._loads.start(Key(keeper, keeper.name, version), partial(self._work, keeper, version))

    def _open(self, keeper: ModelKeeper, version: int, moved: Moved) -> Opened:
        return self._loader.open(keeper.name, version, moved)

    def _load(self, keeper: ModelKeeper, version: int, moved: Moved) -> LoadedModel:
        opened = keeper.take_opened(version) or self._loader.open(keeper.name, version, moved)
        return self._loader.warm(opened, moved)

    def _wait(self, seconds: float) -> None:
        """Take in events until no load is under way, at most for ``seconds``."""
        deadline = time.monotonic() + seconds
        while self._loads.busy and (left := deadline - time.monotonic()) > 0:
            self._take_events(min(left, 1.0))
            self._loads.turn()

    def _take_events(self, wait: float) -> None:
        """Take in all events there are, waiting for a first one; then settle the models they concern."""
        concerned: set[ModelKeeper] = set()
        try:
            event = self._events.get(timeout=wait) if wait > 0 else self._events.get_nowait()
            while event is not None:
                if event.final:
                    self._loads.finished(event.key)
                with _alone(event.key.model):
                    event.key.owner.take(event)
                concerned.add(event.key.owner)
                event = self._events.get_nowait()
        except Empty:
            pass
        for keeper in concerned.intersection(self._keepers.values()):
            with _alone(keeper.name):
                self._settle(keeper)

    def _swap(self) -> None:
        """Put a new snapshot in force where anything has changed, and announce it after that."""
        before = self._catalog.snapshot()
        served = {name: keeper.served() for name, keeper in sorted(self._keepers.items())}
        elsewhere = self._elsewhere.having(_missing(served)) if self._elsewhere else frozenset()
        changed = (
            served.keys() != before.models.keys()
            or any(model is not before.models[name] for name, model in served.items())
            or elsewhere != before.elsewhere
        )
        settled = not any(keeper.on_the_way for keeper in self._keepers.values())
        if changed:
            self._settled = self._settled or settled
            self._catalog.swap(CatalogSnapshot(MappingProxyType(served), self._settled, elsewhere))
        if changed or self._announcer.due or self._store.away != self._told_away:
            self._told_away = self._store.away
            self._announcer.announce(self._catalog.snapshot(), settled=settled, store=self._told_away)

    def _collect(self) -> None:
        """Give the memory of versions that no request holds any more back to the system."""
        retired = [keeper for keeper in self._keepers.values() if keeper.drain()]
        if retired or self._gone:
            self._gone = False
            gc.collect()  # cheap: what was there when the worker started is frozen
            trim_memory()
            self._swap()


def _missing(served: Mapping[str, ServedModel]) -> list[tuple[str, int]]:
    """Return the versions that are wanted and not loaded."""
    return [
        (name, version) for name, model in served.items() for version in model.channels.wanted() - model.versions.keys()
    ]


@contextmanager
def _alone(model: str) -> Iterator[None]:
    """Let no model's trouble reach another one."""
    try:
        yield
    except Exception:
        log.exception("%s could not be followed", model)


def trim_memory() -> None:
    """Hand freed heap back to the system, if the C library can: glibc keeps it otherwise."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
