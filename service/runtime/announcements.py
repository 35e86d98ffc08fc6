"""What each worker has loaded, announced to every worker of every replica after it is true."""

import contextlib
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from service.metrics.processes import resident_bytes
from service.presence.presence import HEARTBEAT, Presence, Record, Unreachable
from service.runtime.catalog import CatalogSnapshot, ServedModel
from service.runtime.states import State, VersionState

log = logging.getLogger(__name__)

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class AnnouncedModel:
    """One model in one worker: whose ``generation`` of pointers is in force, and where each version stands.

    ``states`` leaves out the versions with which nothing was done there.
    """

    generation: int
    pointers: Mapping[str, int]
    states: Mapping[int, VersionState]
    trouble: str = ""

    @property
    def stable(self) -> int | None:
        """The version that answers in that worker when a request names none."""
        return self.pointers.get("stable")

    @property
    def loaded(self) -> frozenset[int]:
        """The versions that answer in that worker."""
        return frozenset(v for v, state in self.states.items() if state.state is State.READY)


@dataclass(frozen=True, slots=True)
class Announcement:
    """What one worker says of itself. ``started`` and ``at`` are seconds since 1970, ``memory`` is resident bytes.

    ``settled`` is false while any version is on its way there.
    """

    replica: str
    pid: int
    started: float
    at: float
    memory: int
    settled: bool
    models: Mapping[str, AnnouncedModel]


class Announcer:
    """Tells the others what this worker has loaded. ``clock`` gives seconds that only grow."""

    def __init__(self, presence: Presence, replica: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._presence = presence
        self._replica = replica
        self._clock = clock
        self._started: float | None = None
        self._told = float("-inf")

    def announce(self, snapshot: CatalogSnapshot, *, settled: bool) -> None:
        """Announce what is true now; log if that cannot be done."""
        self._started = self._started or time.time()  # set here and not before a fork
        self._told = self._clock()
        document = {
            "format": _FORMAT,
            "replica": self._replica,
            "pid": os.getpid(),
            "started": self._started,
            "at": time.time(),
            "memory": resident_bytes(),
            "settled": settled,
            "models": {name: _described(model) for name, model in snapshot.models.items()},
        }
        try:
            self._presence.announce(Record(self._replica, os.getpid(), json.dumps(document).encode()))
        except Unreachable:
            log.warning("this worker could not announce what it has loaded", exc_info=True)

    @property
    def due(self) -> bool:
        """Whether it is time to repeat the announcement."""
        return self._clock() - self._told >= HEARTBEAT

    def withdraw(self) -> None:
        """Take back the announcement of this process."""
        with contextlib.suppress(Unreachable):  # it goes stale then
            self._presence.withdraw(self._replica, os.getpid())


def read(presence: Presence) -> list[Announcement]:
    """Return the announcements of all workers that are there, by replica and process id. Raises Unreachable."""
    return [made for record in presence.records() if (made := _read_one(record.body)) is not None]


def _described(model: ServedModel) -> dict[str, Any]:
    return {
        "generation": model.channels.generation,
        "pointers": dict(model.pointers),
        "states": {
            str(version): {"state": state.state, "reason": state.reason}
            for version, state in model.states.items()
            if state.state is not State.NEW
        },
        "trouble": model.trouble,
    }


def _read_one(body: bytes) -> Announcement | None:
    """Return what a record announces; None if it is not an announcement of a format known here."""
    try:
        told = json.loads(body)
        if told["format"] != _FORMAT:
            return None
        models = {name: _model_of(model) for name, model in told["models"].items()}
        return Announcement(
            told["replica"], told["pid"], told["started"], told["at"], told["memory"], told["settled"], models
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _model_of(told: Mapping[str, Any]) -> AnnouncedModel:
    states = {int(v): VersionState(State(s["state"]), s["reason"]) for v, s in told["states"].items()}
    return AnnouncedModel(told["generation"], told["pointers"], states, told["trouble"])
