"""The stack while it runs: replicas first, then Nginx; restarts; and the way down, the other way round."""

import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from deploy.local import log_files, monitoring, nginx, own_answer, preparation, replicas
from deploy.local.console import Traffic, say
from deploy.local.processes import Child, stop
from deploy.local.settings import CannotRun, LocalSettings

_LONGEST_START = 180.0
_TURN = 0.1
_LOOK_AT_LOGS = 2.0


class Stack:
    """Replicas and Nginx, supervised."""

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings
        self._numbers = range(1, settings.replicas + 1)
        self._interrupts = 0
        self._logs_due = 0.0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number is signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP
                signal.signal(number, self._interrupt)
        self._sockets = replicas.socket_folder(settings)
        self._replicas = [replicas.replica(settings, number, self._sockets) for number in self._numbers]
        self._nginx = self._prepare_nginx()
        self._monitoring = monitoring.children(settings, self._management, self._nginx.log)
        for child in self._children:
            for log in (child.log, child.errors):
                if log is not None:
                    log_files.keep_one_old(log)

    @property
    def _children(self) -> list[Child]:
        return [*self._replicas, self._nginx, *self._monitoring]

    @property
    def _management(self) -> dict[str, str]:
        ports = (replicas.management_port(self._settings, number) for number in self._numbers)
        return {child.name: f"127.0.0.1:{port}" for child, port in zip(self._replicas, ports, strict=True)}

    def _addresses(self, number: int) -> list[str]:
        return replicas.worker_addresses(self._settings, self._sockets, number)

    def check_ports(self) -> None:
        """Try every port of the stack. Raises CannotRun for one that is taken, or wanted twice."""
        settings = self._settings
        tls = [("TLS_PORT", settings.tls_port)] if settings.tls else []
        outside = [("PORT", settings.port), *tls]
        management = [("MANAGEMENT_PORT", replicas.management_port(settings, number)) for number in self._numbers]
        inside = [*management, *monitoring.ports(settings)]
        preparation.check_distinct([*outside, *inside])
        preparation.check_ports(settings.listen_address, outside)
        preparation.check_ports("127.0.0.1", inside)

    def start(self) -> None:
        """Start everything and return when it serves. Raises CannotRun, with the reason, if it does not come up."""
        for child in self._replicas:
            child.start()
        for number, child in zip(self._numbers, self._replicas, strict=True):
            self._await_replica(child, number)
        if not self._interrupts:
            self._nginx.start()
            self._await_nginx()
            for child in self._monitoring:
                child.start()

    def supervise(self) -> None:
        """Keep everything running until an interrupt."""
        traffic = Traffic(self._nginx.log)
        while not self._interrupts:
            for line in (*(child.restart_if_ended() for child in self._children), traffic.report()):
                if line:
                    say(line)
            self._cut_logs()
            time.sleep(_TURN)

    def _cut_logs(self) -> None:
        if time.monotonic() < self._logs_due:
            return
        self._logs_due = time.monotonic() + _LOOK_AT_LOGS
        for child in self._children:
            for log in filter(None, (child.log, child.errors)):
                log_files.cut(log, self._settings.log_bytes)

    def stop(self) -> None:
        """Let Nginx finish what it has accepted, then the replicas; a second interrupt ends all at once."""
        before = self._interrupts
        seconds = self._settings.graceful_timeout + 5.0

        def hurried() -> bool:
            return self._interrupts > before

        stop([*self._monitoring, self._nginx], seconds, hurried)
        stop(self._replicas, seconds, hurried)
        preparation.remove_run_files(self._settings)
        if self._sockets.parent != self._settings.var:
            shutil.rmtree(self._sockets, ignore_errors=True)

    @property
    def interrupted(self) -> bool:
        """Whether the person, or the system, wants an end."""
        return bool(self._interrupts)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._interrupts += 1

    def _prepare_nginx(self) -> Child:
        binary = nginx.find()
        prefix = self._settings.var / "run" / "nginx"
        prefix.mkdir()
        addresses = [self._addresses(number) for number in self._numbers]
        values = nginx.variables(self._settings, nginx.version(binary), addresses)
        command = nginx.command(binary, prefix, nginx.render(prefix / "etc", values))
        nginx.check(command)
        logs = self._settings.var / "log"
        return Child(
            name="nginx",
            command=command,
            environment={},
            log=logs / "nginx.access.log",
            errors=logs / "nginx.error.log",
            stop_signal=signal.SIGQUIT,
            orphan_signal=signal.SIGKILL,  # its workers would go on listening, and keep the port from the next one
        )

    def _await_replica(self, child: Child, number: int) -> None:
        port, addresses = replicas.management_port(self._settings, number), self._addresses(number)
        waits = self._wait_until(child, lambda: replicas.loading(port) or replicas.refusing(addresses))
        if waits:
            raise CannotRun(
                f"{child.name} did not come up: {waits}. Its log, {_shown(child.log)}, ends:\n{child.last_words()}"
            )

    def _await_nginx(self) -> None:
        waits = self._wait_until(self._nginx, lambda: own_answer.missing(self._settings, self._nginx.log))
        if waits:
            raise CannotRun(f"Nginx did not come up: {waits}. It says:\n{self._nginx.last_words()}")

    def _wait_until(self, child: Child, waits_for: Callable[[], str | None]) -> str | None:
        """Wait until nothing is waited for; what still is when the child has died or time is up."""
        deadline = time.monotonic() + _LONGEST_START
        while (reason := waits_for()) and not self._interrupts:
            if not child.running:
                return "it ended"
            if time.monotonic() > deadline:
                return reason
            time.sleep(_TURN / 4)
        return None


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
