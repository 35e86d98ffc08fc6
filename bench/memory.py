"""PSS of a server's processes, from /proc: of a page that several processes share, each counts an equal part."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bench import cpu
from bench.servers import Server

_SERVING = (b"gunicorn", b"uvicorn", b"multiprocessing")
"""What is in the command lines of processes that hold models, or whose children do; Nginx is not one of them."""


def of(server: Server) -> list[float]:
    """Return the MiB of each process that serves, the largest first."""
    return sorted((mib(pid) for pid in cpu.below(server.processes) if _serves(pid)), reverse=True)


def mib(pid: int) -> float:
    """Return a process's PSS in MiB; 0 if it is gone."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return 0.0


def lines(servers: Sequence[Server]) -> list[str]:
    """Return a table: for each server the memory of all its processes, and of each."""
    head = f"{'PSS in MiB':<22}{'in all':>9}    each process"
    return [
        head,
        *(f"{server.name:<22}{sum(each):>9.1f}    {_words(each)}" for server in servers if (each := of(server))),
    ]


def _words(each: Sequence[float]) -> str:
    return "  ".join(f"{one:.1f}" for one in each)


def _serves(pid: int) -> bool:
    with suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        return any(word in command for word in _SERVING)
    return False
