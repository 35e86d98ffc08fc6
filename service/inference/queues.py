"""Requests that wait for model processes: who goes next, and what becomes of those whose process ends.

Each process answers one batch at a time. What arrives meanwhile waits, and is joined as ``Batching`` says when the
process is free. Nothing here waits: what is done is fetched by ``take``.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from time import monotonic
from typing import Generic, Protocol, TypeVar

from model_store.batch import Batch, split
from service.errors import ModelCrashed, ModelNotReady, Overloaded, PredictionTimeout
from service.inference.batching import Batching
from service.inference.line import Decoded, Predicted
from service.model_process import frames
from service.model_process.process import Died, Late, ModelProcess, Outcome
from service.model_process.processes import Processes

log = logging.getLogger(__name__)

REFUSED_SECONDS = 600.0
"""How long rows that have crashed their process twice are refused without being predicted."""
_MOST_REFUSED = 1000
_RETRY_SECONDS = 1


class Waiter(Protocol):
    """A request that waits, equal to itself alone.

    ``since`` is when it came, by the monotonic clock; ``alone`` and ``crashed`` are this module's.
    """

    decoded: Decoded
    since: float
    alone: bool
    crashed: bool


W = TypeVar("W", bound=Waiter)
Result = Predicted | Exception


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many requests may wait for one process, and how many ``seconds`` each may take, waiting included."""

    waiting: int = 32
    seconds: float = 10.0


Harmed = Callable[[W, str], None]
"""Called with a request that crashed its process again or took too long, and its digest in hex."""


def _ignore(_waiter: Waiter, _digest: str) -> None:
    pass


class Queues(Generic[W]):
    """Queues of requests, one for each process that they wait for; ``harmed`` hears of those that did harm."""

    def __init__(
        self,
        processes: Processes,
        batching: Batching,
        bounds: Bounds | None = None,
        harmed: Harmed[W] = _ignore,
    ) -> None:
        self._processes = processes
        self._batching = batching
        self._bounds = bounds or Bounds()
        self._harmed = harmed
        self._queues: dict[ModelProcess, _Queue[W]] = {}
        self._done: deque[tuple[W, Result]] = deque()

    def fileno(self) -> int:
        """Return a descriptor that is readable when some request may be done."""
        return self._processes.fileno()

    def due(self) -> float:
        """Return when to ``take`` again even if nothing is readable, by the monotonic clock."""
        if self._done:
            return 0.0
        due = self._processes.due()
        return min(due, *(queue.due() for queue in self._queues.values())) if self._queues else due

    def add(self, process: ModelProcess, waiters: Sequence[W]) -> None:
        """Let requests wait for a process, and be predicted by it if it is free."""
        queue = self._queues.get(process)
        if queue is None:
            queue = self._queues[process] = _Queue(process, self._batching, self._bounds, self._done, self._harmed)
        queue.add(waiters)

    def take(self) -> Iterator[tuple[W, Result]]:
        """Yield the requests that are done, each with its prediction or the error that it is answered with."""
        self._processes.turn()
        for process, queue in list(self._queues.items()):
            queue.turn()
            if process.closed and queue.is_empty:
                del self._queues[process]
        while self._done:
            yield self._done.popleft()

    def drop(self, waiter: W) -> bool:
        """Forget a request whose caller has hung up; whether it had not been answered."""
        return any(queue.drop(waiter) for queue in self._queues.values())


class _Queue(Generic[W]):
    def __init__(
        self,
        process: ModelProcess,
        batching: Batching,
        bounds: Bounds,
        done: deque[tuple[W, Result]],
        harmed: Harmed[W],
    ) -> None:
        self._process = process
        self._batching = batching
        self._bounds = bounds
        self._done = done
        self._harmed = harmed
        self._waiting: deque[W] = deque()
        self._running: list[W] = []
        self._crashing: dict[bytes, float] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no request waits or is being predicted."""
        return not self._waiting and not self._running

    def due(self) -> float:
        """Return when the first request has waited for too long."""
        running = self._running[0].since if self._running else inf
        return min(running, self._waiting[0].since if self._waiting else inf) + self._bounds.seconds

    def add(self, waiters: Sequence[W]) -> None:
        for waiter in waiters:
            error = self._refusal(waiter)
            if error is not None:
                self._done.append((waiter, error))
            else:
                self._waiting.append(waiter)
        self.begin()

    def turn(self) -> None:
        """Answer those whose time is over, or whose process cannot be started, and go on with the others."""
        now = monotonic()
        late = [waiter for waiter in self._waiting if waiter.since + self._bounds.seconds <= now]
        for waiter in late if not self._process.failing else list(self._waiting):
            self._waiting.remove(waiter)
            self._done.append((waiter, self._not_begun()))
        for waiter in [one for one in self._running if one.since + self._bounds.seconds <= now]:
            self._running.remove(waiter)
            self._done.append((waiter, self._too_late()))
        self.begin()

    def drop(self, waiter: W) -> bool:
        for waiters in (self._waiting, self._running):
            if waiter in waiters:
                waiters.remove(waiter)
                return True
        return False

    def begin(self) -> None:
        """Ask the process for the next batch, if it is free."""
        while self._waiting and self._process.free and not self._running:
            batch = self._next()
            for waiter in batch:
                self._waiting.remove(waiter)
            self._ask(batch)

    def _next(self) -> list[W]:
        waiting = list(self._waiting)
        if waiting[0].alone:
            return waiting[:1]
        joined = [waiter for waiter in waiting if not waiter.alone]
        places = self._batching.batches([waiter.decoded for waiter in joined])[0]
        return [joined[place] for place in places]

    def _ask(self, batch: list[W]) -> None:
        decoded = [waiter.decoded for waiter in batch]
        rows = Batch.joined([one.call.batch for one in decoded]) if len(batch) > 1 else decoded[0].call.batch
        if rows is None:
            self._one_by_one(batch)
            return
        self._running = list(batch)
        self._process.ask(rows, decoded[0].call.outputs, partial(self._answered, batch, rows.rows))

    def _answered(self, batch: list[W], rows: int, outcome: Outcome, seconds: float) -> None:
        there = [waiter for waiter in batch if waiter in self._running]
        self._running = []
        self._settle(batch, there, rows, outcome, seconds)
        self.begin()

    def _settle(self, batch: list[W], there: list[W], rows: int, outcome: Outcome, seconds: float) -> None:
        """Give what came of a batch to those of it who are still there."""
        if isinstance(outcome, Died):
            self._try_again(there, str(outcome))
        elif isinstance(outcome, Late):
            self._harmed(batch[0], _digest(batch[0]).hex())  # which of them it was cannot be told
            self._done.extend((waiter, self._too_late()) for waiter in there)
        elif isinstance(outcome, Exception) and len(batch) > 1:
            self._one_by_one(there)
        elif isinstance(outcome, Exception):
            self._done.extend((waiter, outcome) for waiter in there)
        else:
            self._batching.note([waiter.decoded for waiter in batch], rows, seconds)
            apart = split(outcome, [waiter.decoded.call.batch.rows for waiter in batch])
            found = {
                id(waiter): Predicted(outputs, seconds, len(batch))
                for waiter, outputs in zip(batch, apart, strict=True)
            }
            self._done.extend((waiter, found[id(waiter)]) for waiter in there)

    def _one_by_one(self, batch: Sequence[W]) -> None:
        """Let each request be predicted alone, before those that came later."""
        for waiter in batch:
            waiter.alone = True
        self._waiting.extendleft(reversed(batch))

    def _try_again(self, batch: Sequence[W], how: str) -> None:
        """Predict each request alone once in a new process; one whose process ended so before is answered."""
        for waiter in batch:
            if waiter.crashed:
                self._remember(waiter)
                self._harmed(waiter, _digest(waiter).hex())
                self._done.append((waiter, self._crash(how)))
        again = [waiter for waiter in batch if not waiter.crashed]
        for waiter in again:
            waiter.crashed = True
        self._one_by_one(again)

    # --- refusals

    def _refusal(self, waiter: W) -> Exception | None:
        """Return what a request is answered with at once, if it is not to wait."""
        if self._process.failing or len(self._waiting) >= self._bounds.waiting:
            return self._not_begun()
        if self._crashing and self._crashing.get(_digest(waiter), 0.0) > monotonic():
            return self._crash("it did so before with the same rows, which are refused for a while")
        return None

    def _remember(self, waiter: W) -> None:
        now = monotonic()
        self._crashing = {digest: until for digest, until in self._crashing.items() if until > now}
        if len(self._crashing) < _MOST_REFUSED:
            self._crashing[_digest(waiter)] = now + REFUSED_SECONDS

    def _not_begun(self) -> Exception:
        if self._process.failing:
            return ModelNotReady("the model's process cannot be started; the log says why", retry_after=_RETRY_SECONDS)
        return Overloaded("the model has more requests than it can answer in time", retry_after=_RETRY_SECONDS)

    def _too_late(self) -> Exception:
        return PredictionTimeout(f"the prediction took longer than {self._bounds.seconds:g} s")

    def _crash(self, how: str) -> Exception:
        return ModelCrashed(f"the process of the model ended as it predicted: {how}")


def _digest(waiter: Waiter) -> bytes:
    call = waiter.decoded.call
    return frames.digest(call.batch, call.outputs)
