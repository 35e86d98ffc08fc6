"""What a replica knows of itself at a scrape: its models' states and pointers, its certificate, its disks."""

import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cryptography import x509

from model_store import channels
from model_store.errors import StoreError
from model_store.replicas import announcements
from model_store.replicas.announcements import Announcement
from model_store.replicas.presence import Presence
from model_store.replicas.states import State
from model_store.stores.store import Store
from service import __version__
from service.disk.room import free_and_size
from service.metrics.catalogue import SECONDS
from service.metrics.exposition import Reading, number
from service.observers import bins, drift
from service.runtime.convergence import converged
from service.settings.kinds import Reserve

log = logging.getLogger(__name__)

_OVER = frozenset({State.NEW, State.RETIRED, State.FAILED})
_FRESH = 2.0
"""Seconds for which what was read of the store is not read again, however often someone scrapes."""


@dataclass(frozen=True, slots=True)
class Objectives:
    """The service level objectives: shares of all requests, and the seconds within which an answer is quick."""

    availability: float
    latency: float
    latency_seconds: float

    def __post_init__(self) -> None:
        if self.latency_seconds not in SECONDS:
            bounds = ", ".join(f"{bound:g}" for bound in SECONDS)
            raise ValueError(f"SLO_LATENCY_SECONDS is {self.latency_seconds:g}: expected one of {bounds}")


@dataclass(slots=True)
class ReplicaFacts:
    """A source of readings for a scrape. Read in gunicorn's master, from its management thread only.

    A part that cannot be read, such as an unreadable store, is logged and left out; the others are still shown.
    """

    store: Store
    presence: Presence
    replica: str
    run_dir: Path
    objectives: Objectives
    certificate: Path | None = None
    profile_features: int = 0
    connections: int = 0
    confinement: Mapping[str, bool] = field(default_factory=dict)
    reserve: Reserve = Reserve()  # noqa: RUF009 - it is frozen
    _current: frozenset[tuple[str, str]] | None = None
    _model_readings: list[Reading] = field(default_factory=list)
    _model_readings_at: float = float("-inf")
    _versions: dict[tuple[str, int], list[Reading]] = field(default_factory=dict)

    def __call__(self) -> Iterator[Reading]:
        """Return everything, now."""
        of_replica = (self._certificate, self._disks, self._objectives, self._capacity, self._confined)
        for part in (self._models, *of_replica, self._build):
            try:
                yield from list(part())
            except (OSError, ValueError, StoreError):
                log.warning("a part of the metrics could not be read", exc_info=True)

    def current(self) -> frozenset[tuple[str, str]] | None:
        """Return the versions that are wanted or still in a worker's memory, as last read; None before that."""
        return self._current

    def _models(self) -> list[Reading]:
        if time.monotonic() - self._model_readings_at > _FRESH:
            self._model_readings = list(self._read_models())
            self._model_readings_at = time.monotonic()
        return self._model_readings

    def _read_models(self) -> Iterator[Reading]:
        own = announcements.read(self.presence)
        mine = [announcement for announcement in own if announcement.replica == self.replica]
        wanted: dict[str, frozenset[int]] = {}
        for name in self.store.models():
            try:
                yield from self._pointers(name)
                wanted[name] = channels.read(self.store, name).wanted()
                for version in sorted(wanted[name]):
                    yield from self._stored(name, version)
            except StoreError:
                log.warning("the metrics of %s could not be read from the store", name, exc_info=True)
            yield "millrace_versions_converged", (name,), float(converged(self.store, mine, name))
        states = list(_states(mine, wanted))
        yield from states
        named = {(name, str(version)) for name, versions in wanted.items() for version in versions}
        if named or states:  # nothing at all is a store that is away, and tells nothing
            self._current = frozenset(named | {(labels[0], labels[1]) for _, labels, _ in states})

    def _pointers(self, name: str) -> Iterator[Reading]:
        now = channels.read(self.store, name)
        for channel in channels.CHANNELS:
            pointed = now.pointer(channel)
            if pointed is not None:
                yield "millrace_model_channel_version", (name, channel), float(pointed)
        for kept in now.quarantined().keys() & set(self.store.versions(name)):
            yield "millrace_model_quarantined", (name, str(kept)), 1.0

    def _stored(self, name: str, wanted: int) -> list[Reading]:
        """Return when a version was published, its size, and its profile; read once, for a version never changes."""
        known = self._versions.get((name, wanted))
        if known is None:
            known = self._versions[name, wanted] = list(self._read_stored(name, wanted))
        return known

    def _read_stored(self, name: str, wanted: int) -> Iterator[Reading]:
        manifest = self.store.manifest(name, wanted)
        labels = (name, str(wanted))
        yield "millrace_model_created_timestamp_seconds", labels, datetime.fromisoformat(manifest.created).timestamp()
        yield "millrace_model_size_bytes", labels, float(manifest.bytes)
        try:
            rows, compared = drift.compare(self.store, name, wanted, manifest.schema, self.profile_features)
        except (OSError, ValueError, KeyError, TypeError):
            log.warning("%s version %d has no profile to compare with", name, wanted, exc_info=True)
            return
        yield "millrace_profile_sample_rows", labels, float(rows)
        for binned in compared:
            for share_of, share in bins.references(binned):
                where = (*labels, binned.kind, binned.name, share_of)
                yield "millrace_feature_reference_ratio", where, share

    def _certificate(self) -> Iterator[Reading]:
        if self.certificate is not None:
            expiry = x509.load_pem_x509_certificate(self.certificate.read_bytes()).not_valid_after_utc
            yield "millrace_certificate_expiry_timestamp_seconds", (), expiry.timestamp()

    def _disks(self) -> Iterator[Reading]:
        for volume, folder in (("store", self.store.disk), ("run", self.run_dir)):
            if folder.exists():
                free, size = free_and_size(folder)
                yield "millrace_disk_free_bytes", (volume,), float(free)
                yield "millrace_disk_size_bytes", (volume,), float(size)
                yield "millrace_disk_reserve_bytes", (volume,), float(self.reserve.of(size))

    def _build(self) -> Iterator[Reading]:
        python = ".".join(map(str, sys.version_info[:3]))
        yield "millrace_build_info", (self.replica, __version__, python, _installed("scikit-learn")), 1.0

    def _capacity(self) -> Iterator[Reading]:
        if self.connections:
            yield "millrace_capacity_requests", (), float(self.connections)

    def _objectives(self) -> Iterator[Reading]:
        slo = self.objectives
        yield "millrace_slo_availability_objective_ratio", (), slo.availability
        yield "millrace_slo_latency_objective_ratio", (number(slo.latency_seconds),), slo.latency

    def _confined(self) -> Iterator[Reading]:
        for part, holds in self.confinement.items():
            yield "millrace_model_confinement", (part,), float(holds)


def _states(mine: list[Announcement], wanted: Mapping[str, frozenset[int]]) -> Iterator[Reading]:
    """Yield workers by state; versions that nobody wants any more are left out."""
    counts: Mapping[tuple[str, str, str], int] = Counter(
        (name, str(which), str(state.state))
        for announcement in mine
        for name, model in announcement.models.items()
        for which, state in model.states.items()
        if which in wanted.get(name, ()) or state.state not in _OVER
    )
    for labels, count in counts.items():
        yield "millrace_model_state", labels, float(count)


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
