"""Starting and ending the operating system's process of a model."""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from model_store.confinement.confine import MEMORY
from model_store.confinement.environment import bare
from model_store.gate.isolation import own_path
from service.model_process.child import CRASHED
from service.model_process.workplace import Workplace

log = logging.getLogger(__name__)

_END_SECONDS = 10.0
_LONGEST_TRACE = 4000


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start the process of a model's version. ``memory`` bounds it, in bytes, if it is ``confined``."""

    model: str
    version: int
    workplace: Workplace
    memory: int = MEMORY
    confined: bool = True

    @property
    def label(self) -> str:
        """The version in words."""
        return f"version {self.version} of {self.model!r}"

    def start(self) -> "Running":
        """Start a process and return at once; if it cannot be started, its end of the connection is closed."""
        ours, its = socket.socketpair()
        return Running(ours, self.label, _starter(os.getpid()).submit(self._started, its))

    def _started(self, its: socket.socket) -> "_Started | None":
        with its:
            try:
                self.workplace.clear()
                scratch = self.workplace.scratch
                return _Started(self._popen(its.fileno()), scratch)
            except OSError as error:
                log.warning("the process of %s cannot be started: %s", self.label, error)
                return None

    def _popen(self, descriptor: int) -> "subprocess.Popen[bytes]":
        scratch = self.workplace.scratch
        memory = self.memory if self.confined else 0
        arguments = (descriptor, self.workplace.version, scratch, memory, os.getpid())
        return subprocess.Popen(  # noqa: S603 - our own module, no shell
            [sys.executable, "-P", "-m", "service.model_process.child", *map(str, arguments)],
            cwd=scratch,
            env=bare(scratch, own_path()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[descriptor],
            start_new_session=True,
        )


@dataclass(frozen=True, slots=True)
class _Started:
    process: "subprocess.Popen[bytes]"
    scratch: Path


class Running:
    """A process that was started, and the worker's end of the connection with it."""

    def __init__(self, connection: socket.socket, label: str, started: "Future[_Started | None]") -> None:
        self.connection = connection
        self._label = label
        self._started = started

    @property
    def pid(self) -> int:
        """The process's number, 0 if it could not be started. Waits for its start, which takes milliseconds."""
        started = self._started.result()
        return 0 if started is None else started.process.pid

    def end(self) -> None:
        """Kill it and all that it started, and have it reaped and its end logged in another thread."""
        started = self._started.result()
        if started is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(started.process.pid, signal.SIGKILL)
            with contextlib.suppress(RuntimeError):  # Python is shutting down: the system reaps it
                _starter(os.getpid()).submit(self._reap, started)

    def _reap(self, started: _Started) -> None:
        try:
            status = started.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            log.exception("process %d of %s was killed and does not end", started.process.pid, self._label)
            return
        if status not in {0, -signal.SIGKILL}:
            log.warning("process %d of %s %s", started.process.pid, self._label, _how(status, started.scratch))


@cache
def _starter(_process: int) -> ThreadPoolExecutor:
    """Return the one thread that starts processes: the system ends them with the thread that has started them."""
    return ThreadPoolExecutor(1, thread_name_prefix="model processes")


def _how(status: int, scratch: Path) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        stacks = (scratch / CRASHED).read_text("utf-8", "replace")[:_LONGEST_TRACE]
    except OSError:
        stacks = ""
    return f"died of {signal.Signals(-status).name}\n{stacks}".strip()
