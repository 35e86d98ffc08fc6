"""Child processes that end with the stack, however it ends, and come back when they die."""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LONGEST_PAUSE = 30.0
_HEALTHY_AFTER = 30.0
"""Seconds of running after which a death counts as the first one again."""
_ORDERLY_AFTER = 2.0
"""Seconds after which an orderly end is made good at once; a program that ends as it begins would spin."""


@dataclass(slots=True)
class Child:
    """One program to keep running: its command, where its output goes, and how often it has died lately."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    """Standard output is appended here, and standard error too, unless ``errors`` names another file."""
    errors: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGTERM
    """The signal that its children get if it dies before them."""
    before: Callable[[], None] = lambda: None
    """Done before each start."""
    process: "subprocess.Popen[bytes] | None" = None
    groups: list[int] = field(default_factory=list)
    """The process groups of all starts so far."""
    deaths: int = 0
    started: float = 0.0
    due: float = field(default=0.0)
    """When the next start may be tried."""

    def start(self) -> None:
        """Start it in a new process group, with its output appended to its log."""
        self.before()
        self.started = time.monotonic()
        with self.log.open("ab") as log, (self.errors or self.log).open("ab") as errors:
            self.process = subprocess.Popen(
                self.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=errors,
                process_group=0,
                preexec_fn=_bound_to(os.getpid()),  # noqa: PLW1509 - no threads run here
            )
        self.groups = [*self.groups[-5:], self.process.pid]

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.process is not None and self.process.poll() is None

    def send_signal(self, number: int) -> None:
        """Send a signal to the process itself, if it is there."""
        if self.process is not None and self.running:
            self.process.send_signal(number)

    def end(self) -> None:
        """End what is left of the process and its children, at once."""
        for group in self.groups:
            _signal_group(group, signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def restart_if_ended(self) -> str | None:
        """Start it again if it has died and its pause is over; return what there is to say about that, if anything."""
        now = time.monotonic()
        if self.running:
            return None
        if self.process is not None:
            code = self.process.returncode
            _signal_group(self.process.pid, self.orphan_signal)
            self.process = None
            pause = self._pause(code, now - self.started)
            self.due = now + pause
            return f"{self.name} {_ended(code)}; starting it again" + (f" in {pause:.0f} s" if pause else "")
        if now >= self.due:
            self.start()
        return None

    def _pause(self, code: int, ran: float) -> float:
        """Return how long to wait before the next start; an orderly end is no death."""
        if code == 0:
            return 0.0 if ran > _ORDERLY_AFTER else 1.0
        self.deaths = 1 if ran > _HEALTHY_AFTER else self.deaths + 1
        return 0.0 if self.deaths == 1 else min(0.5 * 2 ** (self.deaths - 1), _LONGEST_PAUSE)

    def last_words(self, lines: int = 15) -> str:
        """Give the end of its log."""
        log = self.errors or self.log
        text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
        return "\n".join(text.splitlines()[-lines:])


def stop(children: Sequence[Child], seconds: float, hurried: Callable[[], bool]) -> None:
    """Tell the children to stop and wait; those left after ``seconds``, or when hurried, are ended."""
    for child in children:
        child.send_signal(child.stop_signal)
    deadline = time.monotonic() + seconds
    while any(child.running for child in children) and time.monotonic() < deadline and not hurried():
        time.sleep(0.02)
    for child in children:
        child.end()


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _ended(code: int) -> str:
    if code == 0:
        return "stopped in an orderly way"
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _bound_to(parent: int) -> Callable[[], None]:
    """Return what a child does before its program: ask for a signal when the parent dies, and reset its signals."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def prepare() -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536) if hard > 0 else 65536, hard))
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
            if os.getppid() != parent:
                os._exit(1)

    return prepare
