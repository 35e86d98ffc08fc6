"""What each worker has loaded, as it is announced to the workers of all replicas and to who publishes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from model_store.replicas.presence import Presence
from model_store.replicas.states import State, VersionState

FORMAT = 1


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

    ``settled`` is false while any version is on its way there. ``management`` is the ``address:port`` at which its
    replica's master can be asked, ``store`` why the store is away, empty if it is not; both are empty of 0.1.0.
    ``process`` is what the kernel tells only the worker of itself.
    """

    replica: str
    pid: int
    started: float
    at: float
    memory: int
    settled: bool
    models: Mapping[str, AnnouncedModel]
    management: str = ""
    store: str = ""
    process: Mapping[str, int] = field(default_factory=dict)


def read(presence: Presence) -> list[Announcement]:
    """Return the announcements of all workers that are there, by replica and process id. Raises Unreachable."""
    return [made for record in presence.records() if (made := _read_one(record.body)) is not None]


def _read_one(body: bytes) -> Announcement | None:
    """Return what a record announces; None if it is not an announcement of a format known here."""
    try:
        told = json.loads(body)
        if told["format"] != FORMAT:
            return None
        models = {name: _model_of(model) for name, model in told["models"].items()}
        return Announcement(
            told["replica"],
            told["pid"],
            told["started"],
            told["at"],
            told["memory"],
            told["settled"],
            models,
            str(told.get("management", "")),
            str(told.get("store", "")),
            {str(fact): int(value) for fact, value in told.get("process", {}).items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _model_of(told: Mapping[str, Any]) -> AnnouncedModel:
    states = {int(v): VersionState(State(s["state"]), s["reason"]) for v, s in told["states"].items()}
    return AnnouncedModel(told["generation"], told["pointers"], states, told["trouble"])
