"""`make bench`: Millrace next to an empty Flask view and naive services, in one run, behind the same Nginx.

Rounds are interleaved and medians shown, so that what else the machine does hits all alike: trust requests per second
within one run only, and CPU time per request across runs. `--layers` measures what stands between Nginx and a model,
`--connections` how one row does with 1 to 128 connections at once, `--engines` what models cost in process, `--memory`
what the processes take that hold the models.
Every server's answers are compared with the model's own before anything is measured.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench import cells, engines, figures, memory, models, plot, servers
from bench.cells import ROUNDS, WARM_UP, Cell
from bench.figures import OUT
from bench.servers import Server

MANY_CONNECTIONS = (1, 8, 32, 128)
PARTS = {
    "access control": "bench.access_cost",
    "instrumentation": "bench.instrumentation",
    "decoding and encoding by dialect": "bench.dialects",
}


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
        made = make(running, folder)
        each = max(0.3, given.seconds / (len(made) * ROUNDS) - WARM_UP / ROUNDS)
        print(f"measuring {len(made)} cells, {ROUNDS} rounds of {each:.1f} s each", flush=True)
        table = cells.measure(made, each)
    figures.write(table, name, figures.about(ROUNDS, time.monotonic() - began))
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
        for cell in (cells.predict(server, case) for case in models.CASES for server in asked):
            cells.warm_up(cell)
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
    made = [cells.predict(empty, models.CASES[0])]
    for case in models.CASES:
        for server in (naive, fastapi, millrace):
            cell = cells.predict(server, case)
            cells.check(cell, models.answers(folder, case))
            made.append(cell)
    return made


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
        cells.predict(empty, case, "Nginx, gunicorn, empty Flask view"),
        Cell(millrace, "Millrace: health, by Flask's dispatch", "GET", "/v2/health/live", ""),
        cells.predict(millrace, case, "Millrace: /v1 predict, " + case.words),
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


TABLES = {"layers": _layers, "connections": _connections}
DEFAULT = ("bench", _cases)


if __name__ == "__main__":
    main()
