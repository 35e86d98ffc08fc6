"""What is measured of a server: one question asked again and again, in rounds that take turns with all others."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from bench import client, cpu, models
from bench.client import Job
from bench.figures import Figures
from bench.servers import Server

CONNECTIONS = 8
ROUNDS = 3
WARM_UP = 0.3
_LONGEST_START = 60.0


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


def predict(server: Server, case: models.Case, words: str = "") -> Cell:
    """Return the case as the routes of TensorFlow Serving take it."""
    body = json.dumps({"instances": models.rows(case)})
    return Cell(server, words or case.words, "POST", f"/v1/models/{case.model}:predict", body)


def predictions(answer: Any) -> Any:
    """Return the predictions of an answer of those routes."""
    return answer["predictions"]


def check(cell: Cell, expected: list[Any]) -> None:
    """End if the server does not answer what the model answers."""
    if wrong := mistake(cell, expected):
        sys.exit(f"bench: {wrong}")


def mistake(cell: Cell, expected: list[Any], read: Callable[[Any], Any] = predictions) -> str:
    """Say what is wrong with the server's answer; nothing if ``read`` finds in it what the model answers."""
    status, body = _first(cell)
    if status == cell.expect and np.array_equal(read(json.loads(body)), expected):
        return ""
    return f"{cell.server.name} answers {cell.words} wrongly: {status} {body[:500]!r}"


def _first(cell: Cell) -> tuple[int, bytes]:
    """Ask until the server is up: some listen before they can answer."""
    deadline = time.monotonic() + _LONGEST_START
    while True:
        status, body = cell.server.ask(cell.method, cell.path, cell.body)
        if status != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
            return status, body
        time.sleep(0.2)


def measure(cells: Sequence[Cell], seconds: float) -> list[Figures]:
    """Measure each cell for ``seconds`` in each of three rounds."""
    for cell in cells:
        warm_up(cell)
    rounds = [[_once(cell, seconds) for cell in cells] for _ in range(ROUNDS)]
    return [_medians(cell, seen) for cell, seen in zip(cells, zip(*rounds, strict=True), strict=True)]


def warm_up(cell: Cell) -> None:
    """Ask for a moment, unmeasured."""
    client.run(_job(cell, WARM_UP))


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
