"""What is measured: servers behind the product's own Nginx configuration, each with as many worker processes."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local import nginx, settings
from deploy.local.settings import ROOT, LocalSettings

WORKERS = 2
_LONGEST_START = 120.0
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs: Nginx's port, the processes whose trees it is, and what its callers have to send.

    ``metrics`` are the ports where it says how many requests its predictions were for, if it does.
    """

    name: str
    port: int
    processes: tuple[int, ...]
    headers: dict[str, str]
    metrics: tuple[int, ...] = ()

    def batches(self) -> tuple[float, float]:
        """Return how many predictions were made so far, and for how many requests."""
        lines = [line for port in self.metrics for line in _metrics(port).splitlines()]
        return _total(lines, "millrace_batch_requests_count"), _total(lines, "millrace_batch_requests_sum")

    def ask(self, method: str, path: str, body: str) -> tuple[int, bytes]:
        """Ask once: status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body.encode(), self.headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


@contextmanager
def peer(
    name: str, factory: str, folder: Path, joblib: Path, serve: Callable[[str, Path], list[str]]
) -> Iterator[Server]:
    """Run an application of ``bench.peers`` behind Nginx; ``serve`` gives the command from its factory and a socket."""
    folder.mkdir(parents=True, exist_ok=True)
    unix = folder / "server.sock"
    environment = {**os.environ, **ONE_THREAD, "BENCH_JOBLIB": str(joblib), "PYTHONPATH": str(ROOT)}
    with ExitStack() as running:
        served = running.enter_context(process(serve(factory, unix), environment, folder / "server.log"))
        _await(unix.exists, f"{name}: see {folder / 'server.log'}")
        yield running.enter_context(behind_nginx(name, folder, f"unix:{unix}", served.pid))


@contextmanager
def behind_nginx(name: str, folder: Path, address: str, served: int) -> Iterator[Server]:
    """Run the product's Nginx before the server that listens at the address."""
    port = free_port()
    with process(_nginx(folder, port, address), os.environ, folder / "nginx.log") as front:
        _await(lambda: _listens(port), f"{name}'s Nginx: see {folder / 'nginx.log'}")
        yield Server(name, port, (served, front.pid), {"Content-Type": "application/json"})


def gunicorn(factory: str, unix: Path) -> list[str]:
    """Give the command that serves a WSGI application."""
    command = [sys.executable, "-m", "gunicorn", f"bench.peers:{factory}()", "--bind", f"unix:{unix}"]
    command += ["--workers", str(WORKERS), "--worker-class", "sync", "--no-control-socket", "--log-level", "warning"]
    return command


def uvicorn(factory: str, unix: Path) -> list[str]:
    """Give the command that serves an ASGI application, with uvloop and httptools."""
    command = [sys.executable, "-m", "uvicorn", f"bench.peers:{factory}", "--factory", "--uds", str(unix)]
    command += ["--loop", "uvloop", "--http", "httptools", "--workers", str(WORKERS), "--log-level", "warning"]
    return command


@contextmanager
def millrace(folder: Path, replicas: int = WORKERS, workers: int = 1) -> Iterator[Server]:
    """Run Millrace as `make run` does, with its access control, metrics and logs, on the store ``folder/models``."""
    port, management = free_port(), free_port()
    values = settings.read().changed(
        VAR_DIR=str(folder),
        PORT=str(port),
        MANAGEMENT_PORT=str(management),
        REPLICAS=str(replicas),
        WORKERS=str(workers),
    )
    log = folder / "run.log"
    with process([sys.executable, "-m", "deploy.local"], values.environment(), log) as running:
        _await(lambda: _listens(port), f"Millrace: see {log}")
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {_token(values)}"}
        yield Server("Millrace", port, (running.pid,), headers, tuple(range(management, management + replicas)))


def _metrics(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/metrics")
    return connection.getresponse().read().decode()


def _total(lines: Iterable[str], name: str) -> float:
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name}{{"))


def free_port() -> int:
    """Find a port that is free, and the next one too."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
            try:
                other.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def _nginx(folder: Path, port: int, address: str) -> list[str]:
    values = settings.read().changed(PORT=str(port), TLS_CERT="", TLS_KEY="")
    binary = nginx.find()
    variables = nginx.variables(values, nginx.version(binary), [[address] * 2])
    return nginx.command(binary, folder, nginx.render(folder / "etc", variables))


def _token(values: LocalSettings) -> str:
    command = [sys.executable, "-m", "service.auth", "token", "--client-file", str(values.client)]
    asked = subprocess.run(
        command, cwd=ROOT, env=values.environment(), stdout=subprocess.PIPE, text=True, timeout=60, check=True
    )
    return asked.stdout.strip()


@contextmanager
def process(command: list[str], environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command, and end it."""
    with log.open("wb") as output:
        started = subprocess.Popen(command, cwd=ROOT, env=dict(environment), stdout=output, stderr=output)
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(timeout=40)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def _await(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _LONGEST_START
    while not true():
        if time.monotonic() > deadline:
            sys.exit(f"bench: {what} did not come up")
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
