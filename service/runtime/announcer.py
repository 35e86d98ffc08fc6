"""Announces what this worker has loaded to every worker of every replica, after it is true."""

import contextlib
import json
import logging
import os
import time
from collections.abc import Callable
from typing import Any

from model_store.replicas.announcements import FORMAT
from model_store.replicas.presence import HEARTBEAT, Presence, Record, Unreachable
from model_store.replicas.states import State
from service.metrics.processes import own_facts, resident_bytes
from service.runtime.catalog import CatalogSnapshot, ServedModel

log = logging.getLogger(__name__)


class Announcer:
    """Tells the others what this worker has loaded, and where its replica's master can be asked (``management``).

    ``clock`` gives seconds that only grow.
    """

    def __init__(
        self, presence: Presence, replica: str, clock: Callable[[], float] = time.monotonic, *, management: str = ""
    ) -> None:
        self._presence = presence
        self._replica = replica
        self._management = management
        self._clock = clock
        self._started: float | None = None
        self._told = float("-inf")

    def announce(self, snapshot: CatalogSnapshot, *, settled: bool, store: str = "") -> None:
        """Announce what is true now, and why the ``store`` is away, if it is; log if that cannot be done."""
        self._started = self._started or time.time()  # set here and not before a fork
        self._told = self._clock()
        document = {
            "format": FORMAT,
            "replica": self._replica,
            "pid": os.getpid(),
            "started": self._started,
            "at": time.time(),
            "memory": resident_bytes(),
            "settled": settled,
            "management": self._management,
            "process": own_facts(),
            "store": store,
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
