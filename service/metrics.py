"""Metrics: records what happens, in instruments that the catalogue declares, and shows them to Prometheus.

prometheus_client chooses between values in this process and values in files that all workers share when it is imported:
files where PROMETHEUS_MULTIPROC_DIR names a folder. gunicorn_conf sets it, and wipes the folder, before this import.
"""

import os
import threading
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from service.observation import exposition as text
from service.observation import files
from service.observation.catalogue import CATALOGUE, Declared
from service.observation.exposition import Reading
from service.observation.processes import Processes

LONGEST_QUEUE = 60.0
MOST_LABEL_VALUES = 64
"""Most values of a label whose set is fixed in code that is elsewhere; a further one is counted as ``other``."""

_FIXED: dict[str, set[str]] = {}
_FIXED_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class Answered:
    """An answered request, for who wants to make more of it than numbers. ``rule`` is the route's pattern."""

    method: str
    rule: str
    status: int
    seconds: float
    request_id: str
    traceparent: str | None
    model: str | None = None
    version: int | None = None


class Source(Protocol):
    """Something that is read at each scrape."""

    def __call__(self) -> Iterable[Reading]:
        """Readings of declared metrics, now."""


REGISTRY = CollectorRegistry()


def _instrument(declared: Declared, registry: CollectorRegistry) -> Any:
    if declared.kind == "counter":
        return Counter(declared.name, declared.help, declared.labels, registry=registry)
    if declared.kind == "gauge":
        return Gauge(
            declared.name, declared.help, declared.labels, registry=registry, multiprocess_mode=declared.mode or "max"
        )
    return Histogram(declared.name, declared.help, declared.labels, registry=registry, buckets=declared.buckets)


INSTRUMENTS: dict[str, Any] = {
    declared.name: _instrument(declared, REGISTRY) for declared in CATALOGUE if declared.origin == "worker"
}


@cache
def child(name: str, *values: str) -> Any:
    """The declared instrument with these label values, made once; KeyError for one that is not declared."""
    instrument = INSTRUMENTS[name]
    return instrument.labels(*values) if values else instrument


def fixed(label: str, value: str) -> str:
    """``value`` as it may stand in a label: ``other`` when the label already has as many values as it may."""
    known = _FIXED.setdefault(label, set())
    if value not in known:
        with _FIXED_LOCK:
            if len(known) >= MOST_LABEL_VALUES:
                return "other"
            known.add(value)
    return value


class Metrics:
    """Takes note of what happens in a worker. Every method is cheap, and safe to call from any thread."""

    def __init__(self) -> None:
        self._predicted: dict[tuple[str, int, str], tuple[Callable[[float], None], ...]] = {}
        self._in_flight = INSTRUMENTS["millrace_in_flight"]
        self._queue = INSTRUMENTS["millrace_queue_seconds"]
        _show_from_the_start()

    def predicted(  # noqa: PLR0913, PLR0917 - the facts of one prediction, passed without making an object of them
        self, model: str, version: int, dialect: str, rows: int, decode: float, predict: float, encode: float
    ) -> None:
        """Count one answered prediction; the last three are seconds."""
        bound = self._predicted.get((model, version, dialect))
        if bound is None:
            bound = self._bind(model, version, dialect)
        count, count_rows, total, first, second, third, batch = bound
        count(1)
        count_rows(rows)
        total(decode + predict + encode)
        first(decode)
        second(predict)
        third(encode)
        batch(rows)

    def refused(self, model: str, version: int | None, dialect: str, code: str) -> None:
        """Count one prediction that was not answered."""
        child("millrace_predictions_total", model, str(version or ""), dialect, fixed("code", code)).inc()

    def queued(self, start: str | None, now: float) -> None:
        """Observe the queue time from Nginx's ``X-Request-Start`` (``t=`` and seconds since 1970) to ``now``."""
        if start:
            with suppress(ValueError):
                waited = now - float(start.removeprefix("t="))
                self._queue.observe(min(max(waited, 0.0), LONGEST_QUEUE))

    def entered(self) -> None:
        """Count one more request in flight."""
        self._in_flight.inc()

    def left(self) -> None:
        """Count one less request in flight."""
        self._in_flight.dec()

    traces = False
    """Whether `answered` makes anything of a request."""

    def answered(self, request: Answered) -> None:
        """Make nothing more of an answered request; with tracing, its spans."""

    def shed(self, reason: str) -> None:
        """Count a request turned away to protect the others."""
        child("millrace_shed_total", fixed("shed", reason)).inc()

    def loaded(self, model: str, version: int, seconds: float, memory_bytes: int | None = None) -> None:
        """Take note of a version that was loaded, and how long that took."""
        labels = (model, str(version))
        child("millrace_model_loads_total", *labels, "ok").inc()
        child("millrace_model_load_seconds", *labels).set(seconds)
        if memory_bytes is not None:
            child("millrace_model_memory_bytes", *labels).set(max(memory_bytes, 0))

    def load_failed(self, model: str, version: int, code: str) -> None:
        """Count a version that could not be loaded; ``code`` is the error's."""
        child("millrace_model_loads_total", model, str(version), fixed("load", code)).inc()

    def replayed(self, model: str, version: int, *, matched: bool) -> None:
        """Count a replay of a version's stored sample."""
        child("millrace_golden_replays_total", model, str(version), "matched" if matched else "differed").inc()

    def auth_refused(self, reason: str) -> None:
        """Count a request that authentication or authorization refused."""
        child("millrace_auth_refusals_total", fixed("auth", reason)).inc()

    def token_looked_up(self, *, hit: bool) -> None:
        """Count a look-up in the cache of verified tokens."""
        child("millrace_token_cache_total", "hit" if hit else "miss").inc()

    def quota_refused(self, quota: str) -> None:
        """Count a request refused for a used-up quota; ``quota`` names the kind, not the caller."""
        child("millrace_quota_refusals_total", fixed("quota", quota)).inc()

    def audited(self, action: str, outcome: str) -> None:
        """Count an event of the audit trail."""
        child("millrace_audit_events_total", fixed("action", action), fixed("outcome", outcome)).inc()

    def database(self, *, up: bool) -> None:
        """Take note of whether the database answered."""
        child("millrace_database_up").set(1 if up else 0)

    def audit_chain(self, *, whole: bool) -> None:
        """Take note of what a check of the audit trail found."""
        child("millrace_audit_chain_ok").set(1 if whole else 0)

    def _bind(self, model: str, version: int, dialect: str) -> tuple[Callable[[float], None], ...]:
        labels = (model, str(version))
        bound = (
            child("millrace_predictions_total", *labels, dialect, "ok").inc,
            child("millrace_prediction_rows_total", *labels, dialect).inc,
            child("millrace_prediction_seconds", *labels, dialect).observe,
            child("millrace_stage_seconds", *labels, "decode").observe,
            child("millrace_stage_seconds", *labels, "predict").observe,
            child("millrace_stage_seconds", *labels, "encode").observe,
            child("millrace_batch_rows", *labels).observe,
        )
        self._predicted[model, version, dialect] = bound
        return bound


@cache
def _show_from_the_start() -> None:
    """Make counters that alerts watch begin at 0: a rate does not see the event with which a counter appears."""
    for name, values in (
        ("millrace_shed_total", ("overloaded",)),
        ("millrace_auth_refusals_total", ("unauthenticated", "forbidden")),
        ("millrace_token_cache_total", ("hit", "miss")),
        ("millrace_quota_refusals_total", ("requests", "rows")),
    ):
        for value in values:
            child(name, value)


class _Scrape:
    """What a scrape reads beside the workers' own values."""

    def __init__(self) -> None:
        self.one_at_a_time = threading.Lock()
        self.sources: list[Source] = []
        self.current: Callable[[], Collection[text.Version] | None] = lambda: None
        self.registries: list[CollectorRegistry] = [REGISTRY]
        self.processes = Processes()
        self.expositions: dict[Path, text.Exposition] = {}

    def readings(self) -> list[Reading]:
        return [*self.processes.read(), *(reading for source in self.sources for reading in source())]


_SCRAPE = _Scrape()


def add_source(source: Source) -> None:
    """Have ``source`` read at each scrape of this process."""
    _SCRAPE.sources.append(source)


def show_details_of(current: Callable[[], Collection[text.Version] | None]) -> None:
    """Have scrapes leave out the details of versions that ``current`` does not name; None leaves nothing out."""
    _SCRAPE.current = current


def expose(registry: CollectorRegistry) -> None:
    """Show a further registry's metrics where values are this process's own."""
    _SCRAPE.registries[1:] = [registry]


def exposition() -> tuple[bytes, str]:
    """All metrics of this replica in Prometheus' text format, and its media type. Called in gunicorn's master."""
    folder = _folder()
    with _SCRAPE.one_at_a_time:
        if folder is None:
            return _own(), text.CONTENT_TYPE
        shown = _SCRAPE.expositions.setdefault(folder, text.Exposition(folder))
        return shown.text(_SCRAPE.readings(), _SCRAPE.current()).encode(), text.CONTENT_TYPE


def _own() -> bytes:
    lines: dict[str, list[str]] = {}
    text.add_readings(_SCRAPE.readings(), lines)
    return b"".join(map(generate_latest, _SCRAPE.registries)) + text.render(lines).encode()


def mark_process_dead(pid: int) -> None:
    """Keep what a dead worker counted, and drop its files. Called in gunicorn's master when a worker has ended."""
    child("millrace_worker_exits_total").inc()
    folder = _folder()
    if folder is not None:
        files.bury(folder, pid)


def wipe(folder: Path) -> None:
    """Make the folder for the workers' values, empty. Only before the first metric of this process exists."""
    files.wipe(folder)


def _folder() -> Path | None:
    # prometheus_client reads the variable itself; asking anyone else could only disagree with it
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(folder) if folder else None
