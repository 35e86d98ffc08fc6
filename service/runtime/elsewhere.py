"""Which versions other workers answer with, for a worker that lacks some."""

import logging
import os
import time
from collections.abc import Callable, Collection

from model_store.replicas.announcements import read
from model_store.replicas.presence import Presence, Unreachable

log = logging.getLogger(__name__)

Version = tuple[str, int]
"""A model and the number of one of its versions."""

_FRESH = 1.0


class Elsewhere:
    """Asks what workers announce, at most once a second, and only while something is missing here.

    ``clock`` gives seconds that only grow.
    """

    def __init__(self, presence: Presence, replica: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._presence = presence
        self._replica = replica
        self._clock = clock
        self._asked = float("-inf")
        self._loaded: frozenset[Version] = frozenset()

    def having(self, missing: Collection[Version]) -> frozenset[Version]:
        """Return those of the versions that another worker has loaded; none while what is announced cannot be read."""
        if not missing:
            return frozenset()
        if self._clock() - self._asked >= _FRESH:
            self._asked, self._loaded = self._clock(), self._read()
        return self._loaded.intersection(missing)

    def _read(self) -> frozenset[Version]:
        try:
            told = read(self._presence)
        except Unreachable as error:
            log.debug("what other workers have loaded is not known: %s", error)
            return frozenset()
        others = (one for one in told if (one.replica, one.pid) != (self._replica, os.getpid()))
        return frozenset((name, v) for one in others for name, model in one.models.items() for v in model.loaded)
