"""Process trees and the CPU time of them, from /proc."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def seconds(roots: Iterable[int]) -> float:
    """Add up user and system time of the processes and of everything below them, in seconds."""
    fields = _fields()
    ticks = (int(fields[pid][11]) + int(fields[pid][12]) for pid in _below(roots, fields) if pid in fields)
    return sum(ticks) / _TICKS


def below(roots: Iterable[int]) -> list[int]:
    """Return the process ids of the processes and of everything below them."""
    return _below(roots, _fields())


def _fields() -> dict[int, list[str]]:
    """Return what /proc says of each process, from its state on."""
    fields = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
    return fields


def _below(roots: Iterable[int], fields: Mapping[int, list[str]]) -> list[int]:
    children: dict[int, list[int]] = {}
    for pid, found in fields.items():
        children.setdefault(int(found[1]), []).append(pid)
    waiting, met = list(roots), []
    while waiting:
        met.append(waiting.pop())
        waiting += children.get(met[-1], ())
    return met
