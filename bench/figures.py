"""What was measured of one server that was asked one thing, and the table of it."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.servers import WORKERS

OUT = Path("var/bench")


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians over the rounds: requests per second, milliseconds, and microseconds of the server's CPU per request.

    ``together`` is how many requests a prediction was for, on average, where the server says so; else 0.
    """

    server: str
    words: str
    connections: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    together: float
    failed: int


def about(rounds: int, took: float) -> str:
    """Say where and how it was measured, in ``took`` seconds."""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {WORKERS} worker "
        f"processes each, medians of {rounds} rounds, load {os.getloadavg()[0]:.1f}, {took:.0f} s in all"
    )


def write(table: Sequence[Figures], name: str, words: str, facts: Mapping[str, Any] | None = None) -> None:
    """Print the table with ``words`` below, and write ``var/bench/name.{txt,json}``; the latter has the facts too."""
    text = "\n".join([*_lines(table), "", words])
    print(f"\n{text}")
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.txt").write_text(text + "\n", encoding="utf-8")
    known = {"about": words, "rows": [asdict(row) for row in table], **(facts or {})}
    (OUT / f"{name}.json").write_text(json.dumps(known, indent=1))


def _lines(table: Sequence[Figures]) -> list[str]:
    head = (
        f"{'':<52}{'':<18}{'connections':>12}{'requests/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'CPU µs':>9}{'together':>9}"
        f"{'failed':>8}"
    )
    lines = [
        f"{row.words:<52}{row.server:<18}{row.connections:>12}{row.requests_per_second:>11.0f}{row.p50_ms:>9.2f}"
        f"{row.p99_ms:>9.2f}{row.cpu_us:>9.0f}{row.together or '':>9.3}{row.failed:>8}"
        for row in table
    ]
    return [head, *lines]
