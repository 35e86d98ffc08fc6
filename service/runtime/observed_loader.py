"""A loader that tells metrics how each load went: how long, how much memory, what the stored sample's replay gave."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from model_store.engines.choice import NoEngine
from model_store.stores.store import Store
from service.metrics import Metrics
from service.runtime.announcements import resident_bytes
from service.runtime.loaded import LoadedModel
from service.runtime.loader import Loader, Moved, Opened

Cost = tuple[float, int]
"""Seconds, and bytes by which the process grew."""


class ObservedLoader(Loader):
    """A Loader that also counts. What a master opened and a worker warmed counts as one load, in the worker."""

    def __init__(self, store: Store, trusted_keys: Path, metrics: Metrics) -> None:
        super().__init__(store, trusted_keys)
        self._metrics = metrics
        self._opened: dict[tuple[str, int], Cost] = {}

    def open(self, name: str, version: int, moved: Moved) -> Opened:
        """See Loader."""
        with self._counting(name, version) as cost:
            opened = super().open(name, version, moved)
        self._opened[name, version] = cost[0]
        return opened

    def warm(self, opened: Opened, moved: Moved) -> LoadedModel:
        """See Loader."""
        name, version = opened.manifest.model, opened.manifest.version
        with self._counting(name, version) as cost:
            try:
                model = super().warm(opened, moved)
            except NoEngine:
                self._metrics.replayed(name, version, matched=False)
                raise
        (seconds, grown), (opening, grown_opening) = cost[0], self._opened.pop((name, version), (0.0, 0))
        self._metrics.replayed(name, version, matched=True)
        self._metrics.loaded(name, version, seconds + opening, grown + grown_opening)
        return model

    @contextmanager
    def _counting(self, name: str, version: int) -> Iterator[list[Cost]]:
        """Measure what the block costs, into the list that it is given, and count a failure."""
        cost: list[Cost] = []
        before, began = resident_bytes(), perf_counter()
        try:
            yield cost
        except BaseException as error:  # an artifact's classes may raise anything, SystemExit included
            code = getattr(error, "code", None)
            self._metrics.load_failed(name, version, code if isinstance(code, str) else "load_failed")
            raise
        cost.append((perf_counter() - began, resident_bytes() - before))
