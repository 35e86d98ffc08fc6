"""A model process as its worker has it: one question at a time, each with a deadline; a new process when it ends."""

import logging
import select
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from time import monotonic

from model_store import errors as store_errors
from model_store.batch import Array, Batch
from model_store.engines.choice import NoEngine
from model_store.errors import DiedLoading, GateRefused
from model_store.request_errors import InvalidInput
from service.errors import ModelBrokeContract, ModelFailed, ModelRejectedInput
from service.metrics.adding import observer
from service.metrics.instruments import child
from service.model_process import frames
from service.model_process.answers import Declared, Undeclared
from service.model_process.arrays import BadFrame, Buffer
from service.model_process.channel import Channel, HungUp
from service.model_process.launch import Launch, Running
from service.model_process.messages import NO_ENGINE, Answer, Failed, Load, Message, Ready, Refusal
from service.model_process.processes import Processes

log = logging.getLogger(__name__)

CRASHED, LATE, BAD_FRAME, NOT_READY = "crashed", "late", "bad_frame", "not_ready"
"""Why a process ended, in metrics."""
FIRST_PAUSE = 1.0
LAST_PAUSE = 60.0
"""Seconds between two starts that fail, doubled each time up to the last."""
_MOST_MESSAGE = 64 * 1024
_LONGEST_MESSAGE = 200


class Died(Exception):
    """The process ended before it answered; ``str(error)`` says how."""


class Late(Exception):
    """The answer did not come in time."""


Outcome = Mapping[str, Array] | Exception
"""One array for each output; or a RequestError, Died or Late."""
Done = Callable[[Outcome, float], None]
"""Called once with what came of a question, and the seconds that the model took."""


@dataclass(frozen=True, slots=True)
class Seconds:
    """How long a process may take to ``start``, and to ``predict`` one batch."""

    start: float = 120.0
    predict: float = 10.0


@dataclass(slots=True)
class _Question:
    outputs: Sequence[str]
    rows: int
    most: int
    done: Done
    asked: float


class ModelProcess:
    """Keeps one version's process, from ``open`` to ``close``; others are started in its place as they end.

    ``open`` is called by the thread that loads the version, ``close`` by any, all else by the worker's loop.
    """

    def __init__(
        self, launch: Launch, wanted: Load, declared: Declared, processes: Processes, seconds: Seconds | None = None
    ) -> None:
        self.due = inf
        self.failing = False
        """Whether the last start has failed: what waits is better refused."""
        self._launch = launch
        self._wanted = wanted
        self._declared = declared
        self._processes = processes
        self._seconds = seconds or Seconds()
        self._lock = threading.RLock()
        self._running: Running | None = None
        self._channel: Channel | None = None
        self._ready: Ready | None = None
        self._failed: Exception | None = None
        self._question: _Question | None = None
        self._pause = 0.0
        self._closed = False
        self._added = observer(child("millrace_model_process_added_seconds", launch.model, str(launch.version)))

    # --- its life

    def open(self) -> Ready:
        """Start it, wait until it is ready, and return what it says then.

        Raises NoEngine or a StoreError if it cannot load its version.
        """
        self._start()
        while self._ready is None and self._failed is None:
            self.wait(1.0)
        if self._failed is not None:
            failed = self._failed
            self.close()
            raise failed
        assert self._ready is not None  # noqa: S101 - the loop's condition
        self._processes.add(self)
        return self._ready

    def close(self) -> None:
        """End it for good; a question that it has is answered with Died."""
        with self._lock:
            self._closed = True
            self._processes.remove(self)
            self._lose("its version is not served any more", "")
            self._launch.workplace.remove()

    @property
    def closed(self) -> bool:
        """Whether it was ended for good."""
        return self._closed

    @property
    def free(self) -> bool:
        """Whether it can be asked now."""
        return self._ready is not None and self._question is None

    def fileno(self) -> int:
        """Return the descriptor of its connection, -1 if there is none now."""
        return -1 if self._channel is None else self._channel.fileno()

    def _start(self) -> None:
        self._running = self._launch.start()
        self._channel = Channel(self._running.connection)
        self._processes.connected(self)
        self.due = monotonic() + self._seconds.start
        self._send(frames.written(self._wanted))

    def _lose(self, how: str, reason: str, failed: Exception | None = None) -> None:
        """Take note that it has ended, or is to end, and start another one."""
        was_ready, question = self._ready is not None, self._question
        if self._channel is not None and self._running is not None:
            self._processes.disconnecting(self)
            self._channel.close()
            self._running.end()
        self._channel = self._running = self._ready = self._question = None
        self.failing = not was_ready
        if not was_ready:
            self._failed = failed or DiedLoading(f"its process ended as it loaded: {how}")
        self._pause = 0.0 if was_ready else min(max(FIRST_PAUSE, 2 * self._pause), LAST_PAUSE)
        self.due = inf if self._closed else monotonic() + self._pause
        if not self._closed:
            log.warning("the process of %s has ended: %s", self._launch.label, how)
            reason = reason if was_ready else NOT_READY
            child("millrace_model_process_ends_total", self._launch.model, str(self._launch.version), reason).inc()
        if question is not None:
            question.done(Died(how), 0.0)

    # --- questions

    def ask(self, batch: Batch, outputs: Sequence[str], done: Done) -> None:
        """Ask for the outputs of a batch; ``done`` is called when there is an answer, or none will come.

        Only while it is ``free``.
        """
        try:
            asked = frames.question(batch, outputs)
        except TypeError as error:
            done(ModelFailed(f"the rows cannot be sent to the process of {self._launch.label}: {error}"), 0.0)
            return
        with self._lock:
            most = self._declared.most_bytes(outputs, batch.rows) + _MOST_MESSAGE
            now = monotonic()
            self._question = _Question(outputs, batch.rows, most, done, now)
            self.due = now + self._seconds.predict
            self._send(asked)

    def _send(self, buffers: Sequence[Buffer]) -> None:
        assert self._channel is not None  # noqa: S101 - it was started
        try:
            self._channel.send(buffers)
        except HungUp as error:
            self._lose(f"it ended ({error})", CRASHED)
            return
        if self._channel.sending:
            self._processes.sending(self, True)

    def advance(self) -> None:
        """Take what has come in, and send what is left."""
        with self._lock:
            try:
                self._flush()
                self._receive()
            except HungUp as error:
                self._lose(f"it ended ({error})", CRASHED)
            except BadFrame as error:
                self._lose(f"what it sent is no answer: {error}", BAD_FRAME)

    def tick(self, now: float) -> None:
        """Do what is due: start it again, or give up what takes too long."""
        with self._lock:
            if self.due > now or self._closed:
                return
            if self._channel is None:
                self._start()
            elif self._question is not None:
                self._give_up(self._question)
            else:
                self._lose(f"it was not ready after {self._seconds.start:g} s", NOT_READY)

    def wait(self, seconds: float) -> None:
        """Wait for something to come in or to be due, for at most so many seconds, and go on."""
        seconds = max(0.0, min(seconds, self.due - monotonic()))
        if self._channel is not None:
            poll = select.poll()
            poll.register(self._channel.fileno(), select.POLLIN | (select.POLLOUT if self._channel.sending else 0))
            poll.poll(seconds * 1000)
            self.advance()
        self.tick(monotonic())

    def _flush(self) -> None:
        if self._channel is not None and self._channel.sending:
            self._channel.flush()
            self._processes.sending(self, self._channel.sending)

    def _receive(self) -> None:
        most = _MOST_MESSAGE if self._question is None else self._question.most
        while self._channel is not None and (frame := self._channel.receive(most)) is not None:
            self._take(frame.message, frame.body)

    def _take(self, message: Message, body: memoryview) -> None:
        question = self._question
        if question is not None and isinstance(message, (Answer, Refusal)):
            outcome = self._outcome(message, body, question)
            self._question, self.due, self._pause = None, inf, 0.0
            seconds = message.seconds if isinstance(message, Answer) else 0.0
            if seconds:
                self._added(max(0.0, monotonic() - question.asked - seconds))
            question.done(outcome, seconds)
        elif self._ready is None and isinstance(message, Ready):
            self._ready, self.failing, self.due = message, False, inf
        elif self._ready is None and isinstance(message, Failed):
            log.warning("%s: %s\n%s", self._launch.label, message.text, message.trace)
            self._lose(message.text, NOT_READY, _error(message))
        else:
            raise BadFrame(f"it says {type(message).__name__.lower()} though nobody asked")

    def _give_up(self, question: _Question) -> None:
        self._question = None
        self._lose(f"it did not answer within {self._seconds.predict:g} s", LATE)
        question.done(Late(), 0.0)

    def _outcome(self, message: Answer | Refusal, body: memoryview, question: _Question) -> Outcome:
        if isinstance(message, Refusal):
            return self._refused(message)
        try:
            return self._declared.read(message, body, question.outputs, question.rows)
        except Undeclared as error:
            return self._broken(str(error))

    def _refused(self, refusal: Refusal) -> Exception:
        said, label = _first_line(refusal.text), self._launch.label
        if refusal.kind == "invalid":
            return InvalidInput(said)
        if refusal.kind == "contract":
            return self._broken(said)
        if refusal.kind == "input":
            log.info("%s refused its input\n%s", label, refusal.trace)
            return ModelRejectedInput(f"the model refused the input: {said}")
        log.error("%s failed to predict\n%s", label, refusal.trace)
        return ModelFailed(f"{label} failed to predict")

    def _broken(self, said: str) -> Exception:
        log.error("%s: %s", self._launch.label, said)
        return ModelBrokeContract(f"{self._launch.label} answered what its schema does not declare: {said}")


def _first_line(text: str) -> str:
    """Return the first line of what an estimator said, cut short: long messages quote data and code."""
    line = next(iter(text.strip().splitlines()), "").strip()
    return line if len(line) <= _LONGEST_MESSAGE else line[:_LONGEST_MESSAGE] + "…"


def _error(failed: Failed) -> Exception:
    if failed.code == NO_ENGINE:
        return NoEngine(failed.text)
    return store_errors.of_code(failed.code, failed.text, GateRefused)
