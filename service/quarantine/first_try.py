"""A version whose code may harm the process that loads it is tried by one worker of all before the others load it.

Nobody hands out turns: of the workers that announce themselves, the first by replica and process has it. Two that see
different workers may both try, which costs a process each and nothing else.
"""

import logging
import os
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from model_store import channels
from model_store.errors import DiedLoading, InQuarantine, StoreError
from model_store.lifecycle import quarantine
from model_store.replicas.announcements import Announcement, read
from model_store.replicas.presence import Presence, Unreachable
from model_store.replicas.states import State
from model_store.stores.store import Store

log = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE = 150.0
"""Seconds for which others wait: a little longer than a process may take to load."""
_PAUSE = 0.5


class FirstTry:
    """Knows whose turn it is, and puts into quarantine what ends the process that loads it first.

    ``clock`` gives seconds that only grow, ``sleep`` lets some pass.
    """

    def __init__(
        self,
        store: Store,
        presence: Presence,
        replica: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._presence = presence
        self._replica = replica
        self._clock = clock
        self._sleep = sleep

    def load(self, name: str, version: int, work: Callable[[], T]) -> T:
        """Load a version by ``work`` once it is this worker's turn, and return what that returns.

        Raises InQuarantine if the first try of another worker has ended so, and what ``work`` raises. If that is
        DiedLoading, and no other worker has the version, it is in quarantine then.
        """
        self._wait(name, version)
        try:
            return work()
        except DiedLoading as error:
            self._judge(name, version, str(error))
            raise

    def _wait(self, name: str, version: int) -> None:
        deadline = self._clock() + PATIENCE
        while not self._has_turn(name, version) and self._clock() < deadline:
            self._sleep(_PAUSE)
            kept = channels.read(self._store, name).quarantined().get(version)
            if kept is not None:
                raise InQuarantine(f"version {version} of {name!r} is in quarantine, by {kept.by}")

    def _has_turn(self, name: str, version: int) -> bool:
        others = [one for one in self._others() if not one.store]  # those whose store is away load nothing
        first = min(others, key=_place, default=None)
        if first is None or _place(first) > self._own or _have(others, name, version):
            return True
        model = first.models.get(name)
        state = model.states.get(version) if model is not None else None
        return state is not None and state.state is State.FAILED

    def _judge(self, name: str, version: int, how: str) -> None:
        """Put a version into quarantine, unless others have it, or this worker has only begun.

        A machine that has just started may lack memory or time for what it loads at once: that is not the version's
        fault, and it is tried again.
        """
        if not self._is_announced() or _have(self._others(), name, version):
            return
        try:
            now = quarantine.quarantine(self._store, name, version, by=self._replica, reason=how, loads=False)
        except (StoreError, OSError):
            log.exception("version %d of %s ends what loads it, and could not be put into quarantine", version, name)
            return
        instead = quarantine.consequence(version, now.serving(version))
        log.error("version %d of %s is in quarantine, because %s; %s", version, name, how, instead)

    def _is_announced(self) -> bool:
        return any(_place(one) == self._own for one in self._told())

    def _others(self) -> list[Announcement]:
        return [one for one in self._told() if _place(one) != self._own]

    def _told(self) -> list[Announcement]:
        try:
            return read(self._presence)
        except Unreachable as error:
            log.warning("whose turn it is to load is not known: %s", error)
            return []

    @property
    def _own(self) -> tuple[str, int]:
        return self._replica, os.getpid()


def _place(announcement: Announcement) -> tuple[str, int]:
    return announcement.replica, announcement.pid


def _have(others: Sequence[Announcement], name: str, version: int) -> bool:
    return any(version in one.models[name].loaded for one in others if name in one.models)
