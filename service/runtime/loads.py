"""Loads under way: threads that bring versions to memory and report to a queue."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from time import monotonic
from typing import Any, NamedTuple

from model_store.engines.choice import NoEngine
from model_store.errors import StoreError
from model_store.replicas.states import State
from service.runtime.limits import LIMITS, Limits

log = logging.getLogger(__name__)


class Key(NamedTuple):
    """Which load: a version of a model, for whom."""

    owner: Any
    model: str
    version: int


AT_ONCE = 4
"""Loads that start at the same time: more only push one another out of caches and memory."""

_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Event:
    """A load has come to a state; the last event of a load is ``final`` and carries its result or its reason."""

    key: Key
    state: State
    final: bool = False
    reason: str = ""
    result: Any = None


Work = Callable[[Callable[[State], None]], Any]
"""One load: tells each state as it begins, returns the result or raises."""


class Loads:
    """Runs each load in a separate thread, so that one that is slow, hangs or breaks stops no other.

    Used by one thread only; ``events`` is what the loads report to. A load that is not done after ``limits.load`` is
    reported as FAILED; should it come to an end after all, its result is reported too.
    """

    def __init__(
        self, events: "SimpleQueue[Event | None]", limits: Limits = LIMITS, clock: Callable[[], float] = monotonic
    ) -> None:
        self._events = events
        self._clock = clock
        self._limits = limits
        self._waiting: deque[tuple[Key, Work]] = deque()
        self._running: dict[Key, float] = {}

    @property
    def busy(self) -> bool:
        """Return whether any load is waiting or running, those not counted that were reported as FAILED."""
        return bool(self._waiting or self._running)

    def start(self, key: Key, work: Work) -> None:
        """Run ``work`` as soon as its turn comes."""
        self._waiting.append((key, work))
        self.turn()

    def finished(self, key: Key) -> None:
        """Take note that a final event of that load was taken from the queue."""
        self._running.pop(key, None)
        self.turn()

    def turn(self) -> None:
        """Give up on loads that take too long, and begin those whose turn it is."""
        now = self._clock()
        for key, began in list(self._running.items()):
            if now - began > self._limits.load:
                del self._running[key]
                reason = f"it was not loaded after {self._limits.load:g} seconds"
                self._events.put(Event(key, State.FAILED, final=True, reason=reason))
        while self._waiting and sum(now - began < self._limits.long_load for began in self._running.values()) < AT_ONCE:
            key, work = self._waiting.popleft()
            self._running[key] = now
            name = f"load {key.model} {key.version}"
            threading.Thread(target=self._run, args=(key, work), name=name, daemon=True).start()

    def _run(self, key: Key, work: Work) -> None:
        try:
            result = work(lambda state: self._events.put(Event(key, state)))
        except BaseException as error:  # an artifact's classes may raise anything, SystemExit included
            log.warning("version %d of %s could not be loaded", key.version, key.model, exc_info=error)
            self._events.put(Event(key, State.FAILED, final=True, reason=reason_of(error)))
        else:
            self._events.put(Event(key, State.READY, final=True, result=result))


def reason_of(error: BaseException) -> str:
    """Say why something could not be loaded, for a user's eyes: our own words whole, others' by type and first line."""
    text = str(error).strip()
    if not isinstance(error, (StoreError, NoEngine)):
        first = text.splitlines()[0] if text else ""
        text = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return text if len(text) <= _LONGEST_REASON else text[:_LONGEST_REASON] + "…"
