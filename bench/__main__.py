"""`make bench`: Millrace next to an empty Flask view and naive services, in one run, behind the same Nginx.

Rounds are interleaved and medians shown, so that what else the machine does hits all alike: trust requests per second
within one run only, and CPU time per request across runs. `--layers` measures what stands between Nginx and a model,
`--engines` what models cost in process, `--memory` what the processes take that hold the models.
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
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench import client, cpu, engines, memory, models, servers
from bench.client import Job
from bench.servers import Server

OUT = Path("var/bench")
CONNECTIONS = 8
ROUNDS = 3
_WARM_UP = 0.3
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


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians over the rounds: requests per second, milliseconds, and microseconds of the server's CPU per request."""

    server: str
    words: str
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    failed: int


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
        cells = _layers(running, folder) if given.layers else _cases(running, folder)
        each = max(0.3, given.seconds / (len(cells) * ROUNDS) - _WARM_UP / ROUNDS)
        print(
            f"measuring {len(cells)} cells, {ROUNDS} rounds of {each:.1f} s each, {CONNECTIONS} connections", flush=True
        )
        table = _measure(cells, each)
    _print_table(table, "layers" if given.layers else "bench", time.monotonic() - began)
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
    status, body = cell.server.ask(cell.method, cell.path, cell.body)
    if status != cell.expect or not np.array_equal(json.loads(body)["predictions"], expected):
        sys.exit(f"bench: {cell.server.name} answers {cell.words} wrongly: {status} {body[:500]!r}")


def _measure(cells: Sequence[Cell], seconds: float) -> list[Figures]:
    for cell in cells:
        client.run(_job(cell, _WARM_UP))
    rounds = [[_once(cell, seconds) for cell in cells] for _ in range(ROUNDS)]
    return [_medians(cell, seen) for cell, seen in zip(cells, zip(*rounds, strict=True), strict=True)]


def _once(cell: Cell, seconds: float) -> tuple[client.Seen, float]:
    before = cpu.seconds(cell.server.processes)
    seen = client.run(_job(cell, seconds))
    return seen, (cpu.seconds(cell.server.processes) - before) / max(1, seen.requests)


def _job(cell: Cell, seconds: float) -> Job:
    server = cell.server
    return Job(server.port, cell.method, cell.path, server.headers, cell.body, CONNECTIONS, seconds)


def _medians(cell: Cell, seen: Sequence[tuple[client.Seen, float]]) -> Figures:
    return Figures(
        server=cell.server.name,
        words=cell.words,
        requests_per_second=median(one.requests / one.seconds for one, _ in seen),
        p50_ms=median(one.p50 for one, _ in seen),
        p99_ms=median(one.p99 for one, _ in seen),
        cpu_us=median(used for _, used in seen) * 1e6,
        failed=sum(one.failed for one, _ in seen) if cell.expect == 200 else 0,
    )


def _print_table(table: Sequence[Figures], name: str, took: float) -> None:
    head = f"{'':<52}{'':<18}{'requests/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'CPU µs':>9}{'failed':>8}"
    lines = [
        f"{row.words:<52}{row.server:<18}{row.requests_per_second:>11.0f}{row.p50_ms:>9.2f}{row.p99_ms:>9.2f}"
        f"{row.cpu_us:>9.0f}{row.failed:>8}"
        for row in table
    ]
    load = os.getloadavg()[0]
    about = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {servers.WORKERS} worker "
        f"processes each, {CONNECTIONS} connections, medians of {ROUNDS} rounds, load {load:.1f}, {took:.0f} s in all"
    )
    text = "\n".join([head, *lines, "", about])
    print(f"\n{text}")
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.txt").write_text(text + "\n", encoding="utf-8")
    (OUT / f"{name}.json").write_text(json.dumps({"about": about, "rows": [asdict(row) for row in table]}, indent=1))


if __name__ == "__main__":
    main()
