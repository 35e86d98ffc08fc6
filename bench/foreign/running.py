"""Servers that run and answer right: how to ask them, what they take, and how long they took to start."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path

from bench import cells, cpu, memory, models, servers
from bench.cells import Cell
from bench.foreign import environments
from bench.foreign.dialects import TENSORFLOW, Dialect
from bench.foreign.environments import LeftOut
from bench.foreign.peers import Peer, Place
from bench.servers import Server

CASES = tuple(case for case in models.CASES if case.rows in {1, 1000})
ONE_ROW = tuple(case for case in CASES if case.rows == 1)
MODELS = tuple(case.model for case in ONE_ROW)
_LONGEST_START = 120.0


@dataclass(frozen=True, slots=True)
class Contender:
    """One server, or one for each model, and the seconds from its start to an answer for each model."""

    name: str
    servers: Mapping[str, Server]
    dialect: Dialect
    seconds: float

    def cell(self, case: models.Case, connections: int = cells.CONNECTIONS) -> Cell:
        """Return the case as this server takes it."""
        path, body = _question(self.dialect, case)
        return Cell(self.servers[case.model], case.words, "POST", path, body, connections=connections)

    def mistake(self, work: Path, cases: Sequence[models.Case] = CASES) -> str:
        """Say what it answers wrongly first, if it does."""
        told = (cells.mistake(self.cell(case), models.answers(work, case), self.dialect.read) for case in cases)
        return next(filter(None, told), "")

    def mib(self) -> float:
        """Return the PSS of all its processes, its Nginx among them, in MiB."""
        roots = {pid for server in self.servers.values() for pid in server.processes}
        return sum(memory.mib(pid) for pid in set(cpu.below(roots)))


@contextmanager
def ours(start: Callable[[], AbstractContextManager[Server]], work: Path) -> Iterator[Contender]:
    """Run a server of this project, and end everything if it answers wrongly."""
    began = time.monotonic()
    with start() as server:
        started = Contender(server.name, dict.fromkeys(MODELS, server), TENSORFLOW, 0)
        wrong = started.mistake(work, ONE_ROW)
        contender = Contender(started.name, started.servers, TENSORFLOW, time.monotonic() - began)
        if wrong := wrong or contender.mistake(work):
            sys.exit(f"bench: {wrong}")
        yield contender


@contextmanager
def foreign(peer: Peer, work: Path) -> Iterator[Contender]:
    """Run another project's server. Raises LeftOut if it cannot be installed, does not start, or answers wrongly."""
    with ExitStack() as running:
        place = _place(peer, work)
        peer.prepare(place)
        if peer.apart:
            found = {model: running.enter_context(_started(peer, place.serving(model), [model])) for model in MODELS}
        else:
            found = dict.fromkeys(MODELS, running.enter_context(_started(peer, place, MODELS)))
        behind = {model: server for model, (server, _seconds) in found.items()}
        contender = Contender(peer.name, behind, peer.dialect, max(seconds for _server, seconds in found.values()))
        if wrong := contender.mistake(work):
            raise LeftOut(wrong)
        yield contender


def _place(peer: Peer, work: Path) -> Place:
    """Make what the server runs in. Raises LeftOut if it cannot be installed."""
    programs, folder = environments.programs(peer.package), work / "foreign" / peer.package
    folder.mkdir(parents=True, exist_ok=True)
    variables = {**environments.variables(programs), **servers.ONE_THREAD, **peer.variables}
    joblib = work / "joblib"
    return Place(programs, folder, joblib, {**variables, "BENCH_JOBLIB": str(joblib)}, servers.free_port())


@contextmanager
def _started(peer: Peer, place: Place, served: Sequence[str]) -> Iterator[tuple[Server, float]]:
    """Run a server, wait until it answers for the models, and put Nginx before it; the seconds are without Nginx."""
    log = place.folder / f"server{place.model}.log"
    front = place.folder / f"front{place.model}"
    front.mkdir(exist_ok=True)
    began = time.monotonic()
    with _tree(peer.command(place), place.variables, log) as process:
        for case in ONE_ROW:
            if case.model in served:
                _await(partial(_answers, peer, case, place.port), process, log)
        seconds = time.monotonic() - began
        with servers.behind_nginx(peer.name, front, f"127.0.0.1:{place.port}", process.pid) as server:
            yield server, seconds


@contextmanager
def _tree(command: list[str], variables: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command, and end all of its processes: some servers leave their workers behind."""
    below: list[int] = []
    try:
        with servers.process(command, variables, log) as process:
            try:
                yield process
            finally:
                below = cpu.below([process.pid])[1:]
    finally:
        for pid in below:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _await(true: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for it. Raises LeftOut if the process ends before, or it takes too long."""
    deadline = time.monotonic() + _LONGEST_START
    while not true():
        if process.poll() is not None or time.monotonic() > deadline:
            raise LeftOut(f"it does not start, see {log}")
        time.sleep(0.1)


def _answers(peer: Peer, case: models.Case, port: int) -> bool:
    """Say whether it answers at all, asked without Nginx."""
    server = Server(peer.name, port, (), {"Content-Type": "application/json"})
    with suppress(OSError, http.client.HTTPException):
        return server.ask("POST", *_question(peer.dialect, case))[0] == HTTPStatus.OK
    return False


def _question(dialect: Dialect, case: models.Case) -> tuple[str, str]:
    """Return the route and the body."""
    return dialect.path.format(model=case.model), json.dumps(dialect.body(case.model, models.rows(case)))
