"""`make bench-peers`: other projects' servers next to naive FastAPI and Millrace, in one run, behind the same Nginx.

Each has an environment with pinned packages, the same joblib models, two worker processes and one native thread. A
server that cannot be installed, does not start, or answers otherwise than the models do, is named with its reason and
left out. One row is asked for over 8 and 32 connections, 1000 rows over 8. MLflow serves one model only, so three of
its servers run: the memory is all three's, the start the slowest one's.
"""

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

from bench import cells, figures, models, servers
from bench.foreign import environments, plot
from bench.foreign.environments import LeftOut
from bench.foreign.peers import PEERS, Peer
from bench.foreign.running import CASES, Contender, foreign, ours

MANY = 32
WORK = (figures.OUT / "work").absolute()
NAME = "peers"


def main() -> None:
    """Measure, print, and write ``var/bench/peers.{txt,json,png,svg}``."""
    given, began = _arguments(), time.monotonic()
    models.prepare(WORK)
    with ExitStack() as running:
        contenders, left_out = _start(running, [peer for peer in PEERS if peer.package in given.only])
        made = _cells(contenders)
        each = max(0.3, given.seconds / (len(made) * cells.ROUNDS) - cells.WARM_UP / cells.ROUNDS)
        print(f"measuring {len(made)} cells, {cells.ROUNDS} rounds of {each:.1f} s each", flush=True)
        table = cells.measure(made, each)
        rows = [_facts(contender) for contender in contenders]
    words = [*map(_line, rows), *(f"{name} is left out: {reason}" for name, reason in left_out.items())]
    words += ["", figures.about(cells.ROUNDS, time.monotonic() - began)]
    figures.write(table, NAME, "\n".join(words), {"servers": rows, "left out": left_out})
    plot.save(table, figures.OUT / NAME)


def _arguments() -> argparse.Namespace:
    every = [peer.package for peer in PEERS]
    parser = argparse.ArgumentParser(prog="bench.foreign", description=__doc__)
    parser.add_argument("--seconds", type=float, default=200, help="time of all measurements together (200)")
    parser.add_argument("--only", nargs="+", default=every, choices=every, help="some of the servers")
    return parser.parse_args()


def _start(running: ExitStack, peers: Sequence[Peer]) -> tuple[list[Contender], dict[str, str]]:
    """Start all, one after the other; return those that run, and why the others do not."""
    fastapi = partial(servers.peer, "naive FastAPI", "naive_fastapi", WORK / "naive_fastapi", WORK / "joblib")
    started = [
        running.enter_context(ours(partial(fastapi, servers.uvicorn), WORK)),
        running.enter_context(ours(partial(servers.millrace, WORK), WORK)),
    ]
    left_out = {}
    for peer in peers:
        print(f"starting {peer.name} {environments.version(peer.package)}", flush=True)
        try:
            started.append(running.enter_context(foreign(peer, WORK)))
        except LeftOut as reason:
            left_out[peer.name] = str(reason)
    return started, left_out


def _cells(contenders: Sequence[Contender]) -> list[cells.Cell]:
    return [
        contender.cell(case, connections)
        for case in CASES
        for connections in ((cells.CONNECTIONS, MANY) if case.rows == 1 else (cells.CONNECTIONS,))
        for contender in contenders
    ]


def _facts(contender: Contender) -> dict[str, str | float]:
    """Return what does not depend on the case."""
    package = next((peer.package for peer in PEERS if peer.name == contender.name), "")
    version = environments.version(package) if package else ""
    return {"server": contender.name, "version": version, "pss_mib": contender.mib(), "start_s": contender.seconds}


def _line(row: dict[str, str | float]) -> str:
    return f"{row['server']:<18}{row['version']:<10}PSS {row['pss_mib']:>7.0f} MiB    start {row['start_s']:>5.1f} s"


if __name__ == "__main__":
    main()
