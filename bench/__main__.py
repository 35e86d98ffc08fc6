"""`make bench`: Millrace next to an empty Flask view and naive services, in one run, behind the same Nginx.

Rounds are interleaved and medians shown, so that what else the machine does hits all alike: trust requests per second
within one run only, and CPU time per request across runs. `--layers` measures what stands between Nginx and a model,
`--connections` how one row does with 1 to 128 connections at once, `--engines` what models cost in process, `--memory`
what the processes take that hold the models.
Every server's answers are compared with the model's own before anything is measured.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from bench import client, cpu, engines, memory, models, plot, servers
from bench.client import Job
from bench.figures import Figures
from bench.servers import Server

OUT = Path("var/bench")
CONNECTIONS = 8
MANY_CONNECTIONS = (1, 8, 32, 128)
ROUNDS = 3
_WARM_UP = 0.3
_LONGEST_START = 60.0
PARTS = {
    "access control": "bench.access_cost",
    "instrumentation": "bench.instrumentation",
    "decoding and encoding by dialect": "bench.dialects",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One server asked one thing, again and again."""

    server: Server
    words: str
    method: str
    path: str
    body: str
    expect: int = 200
    connections: int = CONNECTIONS


class Round(NamedTuple):
    """One round of a cell: what its callers saw, CPU seconds per request, and requests per prediction."""

    seen: client.Seen
    cpu: float
    together: float


def main() -> None:
    """Measure, print, and write ``var/bench/bench.{txt,json}``."""
    given = _arguments()
    began = time.monotonic()
    if given.engines:
        _print_engines()
        return
    folder = (OUT / "work").absolute()
    print("preparing the models (trained and published once, then kept)", flush=True)
    models.prepare(folder)
    if given.memory:
        _print_memory(folder)
        return
    with ExitStack() as running:
        name, make = next(((name, make) for name, make in TABLES.items() if getattr(given, name, False)), DEFAULT)
        cells = make(running, folder)
        each = max(0.3, given.seconds / (len(cells) * ROUNDS) - _WARM_UP / ROUNDS)
        print(f"measuring {len(cells)} cells, {ROUNDS} rounds of {each:.1f} s each", flush=True)
        table = _measure(cells, each)
    _print_table(table, name, time.monotonic() - began)
    if given.connections:
        plot.save(table, OUT / "connections")
    else:
        _print_parts()


def _print_parts() -> None:
    """Measure what access control, instrumentation and dialects take of each request, each in a separate process."""
    for words, module in PARTS.items():
        print(f"\n{words}, CPU µs per request in process", flush=True)
        subprocess.run([sys.executable, "-m", module], check=True, stdin=subprocess.DEVNULL)


def _print_engines() -> None:
    for line in engines.lines():
        print(line, flush=True)


def _print_memory(folder: Path) -> None:
    """Ask every server for every model, so that each of its two workers has answered, and show what they take."""
    with ExitStack() as running:
        naive = _peer(running, folder, "naive Flask", "naive")
        fastapi = _peer(running, folder, "naive FastAPI", "naive_fastapi", servers.uvicorn)
        asked = (naive, fastapi, running.enter_context(servers.millrace(folder, replicas=1, workers=servers.WORKERS)))
        for cell in (_predict(server, case) for case in models.CASES for server in asked):
            client.run(_job(cell, _WARM_UP))
        print("\n".join(memory.lines(asked)), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=75, help="time of all measurements together (75)")
    parser.add_argument("--layers", action="store_true", help="measure layers instead of models")
    parser.add_argument("--connections", action="store_true", help="measure one row with 1, 8, 32 and 128 connections")
    parser.add_argument("--memory", action="store_true", help="measure memory instead of time")
    parser.add_argument("--engines", action="store_true", help="measure compiled models in process, without servers")
    return parser.parse_args()


def _cases(running: ExitStack, folder: Path) -> list[Cell]:
    """Return every case at Millrace and at the naive services; the empty view once, as it is the same for all."""
    empty = _peer(running, folder, "empty Flask view", "empty")
    naive = _peer(running, folder, "naive Flask", "naive")
    fastapi = _peer(running, folder, "naive FastAPI", "naive_fastapi", servers.uvicorn)
    millrace = running.enter_context(servers.millrace(folder))
    cells = [_predict(empty, models.CASES[0])]
    for case in models.CASES:
        for server in (naive, fastapi, millrace):
            cell = _predict(server, case)
            _check(cell, models.answers(folder, case))
            cells.append(cell)
    return cells


def _connections(running: ExitStack, folder: Path) -> list[Cell]:
    """Return every case of one row at every number of connections."""
    return [
        replace(cell, connections=connections)
        for cell in _cases(running, folder)
        if ", 1 row" in cell.words
        for connections in MANY_CONNECTIONS
    ]


def _layers(running: ExitStack, folder: Path) -> list[Cell]:
    """Return the layers from the outside in. A new layer is one more cell: a server, and what it is asked."""
    case = models.CASES[0]
    bare = _peer(running, folder, "bare WSGI", "bare")
    empty = _peer(running, folder, "empty Flask view", "empty")
    millrace = running.enter_context(servers.millrace(folder))
    rows = models.rows(case)
    tensor = {"name": "input", "shape": [len(rows), len(rows[0])], "datatype": "FP64", "data": rows}
    return [
        Cell(millrace, "Nginx answers itself (404)", "GET", "/metrics", "", expect=404),
        Cell(bare, "Nginx, gunicorn, bare WSGI", "POST", "/v1/models/logistic:predict", "{}"),
        _predict(empty, case, "Nginx, gunicorn, empty Flask view"),
        Cell(millrace, "Millrace: health, by Flask's dispatch", "GET", "/v2/health/live", ""),
        _predict(millrace, case, "Millrace: /v1 predict, " + case.words),
        Cell(
            millrace,
            "Millrace: /v2 infer, " + case.words,
            "POST",
            "/v2/models/logistic/infer",
            json.dumps({"inputs": [tensor]}),
        ),
    ]


def _peer(
    running: ExitStack,
    folder: Path,
    name: str,
    factory: str,
    serve: Callable[[str, Path], list[str]] = servers.gunicorn,
) -> Server:
    return running.enter_context(servers.peer(name, factory, folder / factory, folder / "joblib", serve))


def _predict(server: Server, case: models.Case, words: str = "") -> Cell:
    body = json.dumps({"instances": models.rows(case)})
    return Cell(server, words or case.words, "POST", f"/v1/models/{case.model}:predict", body)


def _check(cell: Cell, expected: list[Any]) -> None:
    """End if the server does not answer what the model answers."""
    status, body = _first(cell)
    if status != cell.expect or not np.array_equal(json.loads(body)["predictions"], expected):
        sys.exit(f"bench: {cell.server.name} answers {cell.words} wrongly: {status} {body[:500]!r}")


def _first(cell: Cell) -> tuple[int, bytes]:
    """Ask until the server is up: some listen before they can answer."""
    deadline = time.monotonic() + _LONGEST_START
    while True:
        status, body = cell.server.ask(cell.method, cell.path, cell.body)
        if status != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
            return status, body
        time.sleep(0.2)


def _measure(cells: Sequence[Cell], seconds: float) -> list[Figures]:
    for cell in cells:
        client.run(_job(cell, _WARM_UP))
    rounds = [[_once(cell, seconds) for cell in cells] for _ in range(ROUNDS)]
    return [_medians(cell, seen) for cell, seen in zip(cells, zip(*rounds, strict=True), strict=True)]


def _once(cell: Cell, seconds: float) -> Round:
    server = cell.server
    before, batches = cpu.seconds(server.processes), server.batches()
    seen = client.run(_job(cell, seconds))
    used, (predictions, requests) = cpu.seconds(server.processes) - before, server.batches()
    made = predictions - batches[0]
    return Round(seen, used / max(1, seen.requests), (requests - batches[1]) / made if made else 0.0)


def _job(cell: Cell, seconds: float) -> Job:
    server = cell.server
    return Job(server.port, cell.method, cell.path, server.headers, cell.body, cell.connections, seconds)


def _medians(cell: Cell, rounds: Sequence[Round]) -> Figures:
    seen = [one.seen for one in rounds]
    return Figures(
        server=cell.server.name,
        words=cell.words,
        connections=cell.connections,
        requests_per_second=median(one.requests / one.seconds for one in seen),
        p50_ms=median(one.p50 for one in seen),
        p99_ms=median(one.p99 for one in seen),
        cpu_us=median(one.cpu for one in rounds) * 1e6,
        together=median(one.together for one in rounds),
        failed=sum(one.failed for one in seen) if cell.expect == 200 else 0,
    )


TABLES = {"layers": _layers, "connections": _connections}
DEFAULT = ("bench", _cases)


def _print_table(table: Sequence[Figures], name: str, took: float) -> None:
    head = (
        f"{'':<52}{'':<18}{'connections':>12}{'requests/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'CPU µs':>9}{'together':>9}"
        f"{'failed':>8}"
    )
    lines = [
        f"{row.words:<52}{row.server:<18}{row.connections:>12}{row.requests_per_second:>11.0f}{row.p50_ms:>9.2f}"
        f"{row.p99_ms:>9.2f}{row.cpu_us:>9.0f}{row.together or '':>9.3}{row.failed:>8}"
        for row in table
    ]
    load = os.getloadavg()[0]
    about = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {servers.WORKERS} worker "
        f"processes each, medians of {ROUNDS} rounds, load {load:.1f}, {took:.0f} s in all"
    )
    text = "\n".join([head, *lines, "", about])
    print(f"\n{text}")
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.txt").write_text(text + "\n", encoding="utf-8")
    (OUT / f"{name}.json").write_text(json.dumps({"about": about, "rows": [asdict(row) for row in table]}, indent=1))


if __name__ == "__main__":
    main()
