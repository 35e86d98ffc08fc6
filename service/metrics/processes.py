"""What the kernel says of this replica's processes: memory, CPU, disk and files of the master and each worker."""

import contextlib
import os
import re
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from service.metrics.exposition import Reading

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# Places in /proc/<pid>/stat after the command's closing bracket (proc(5) counts from 1, and two fields stand before)
_PARENT, _USER, _SYSTEM, _THREADS, _STARTED, _RESIDENT = 1, 11, 12, 17, 19, 21
_ZOMBIE = "Z"
_BLOCK = 512
"""Bytes of what getrusage(2) counts of a process's reads and writes."""
_OF_FACTS = (
    ("millrace_worker_open_files", "open_files"),
    ("millrace_worker_disk_read_bytes_total", "read_bytes"),
    ("millrace_worker_disk_written_bytes_total", "write_bytes"),
)


Told = Callable[[], Mapping[int, Mapping[str, int]]]
"""Gives what ``own_facts`` is in each worker, by process id."""


def own_facts() -> dict[str, int]:
    """Return what the kernel tells of this process to itself alone: open files, and bytes read and written on disks."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    facts = {"read_bytes": usage.ru_inblock * _BLOCK, "write_bytes": usage.ru_oublock * _BLOCK}
    with contextlib.suppress(OSError):
        facts["open_files"] = len(os.listdir(_PROC / "self" / "fd")) - 1  # noqa: PTH208 - names do
    return facts


class Processes:
    """The calling process and its children. A worker keeps its place for life; a new one takes the lowest free.

    They are not dumpable, so that without root's rights the kernel hides some facts of workers from the master: these
    are what the workers have ``told`` last.
    """

    def __init__(self, told: Told = dict) -> None:
        self._told = told
        self._places: dict[int, int] = {}
        self._booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)

    def read(self) -> Iterator[Reading]:
        """Yield readings of the master and of its live workers; a process that ends meanwhile is left out."""
        master = os.getpid()
        children = sorted(_children(master))
        self._seat(children)
        yield "millrace_workers", (), float(len(children))
        told = {**self._told(), master: own_facts()}
        for pid in (master, *children):
            name = "master" if pid == master else str(self._places[pid])
            try:
                yield from self._process(pid, name, told.get(pid, {}))
            except (OSError, ValueError, IndexError):
                continue

    def _seat(self, pids: list[int]) -> None:
        self._places = {pid: place for pid, place in self._places.items() if pid in pids}
        for pid in pids:
            if pid not in self._places:
                taken = set(self._places.values())
                self._places[pid] = next(place for place in range(len(pids)) if place not in taken)

    def _process(self, pid: int, name: str, told: Mapping[str, int]) -> list[Reading]:
        folder = _PROC / str(pid)
        stat = _stat(pid)
        label = (name,)
        readings: list[Reading] = [
            ("millrace_worker_resident_memory_bytes", label, float(stat[_RESIDENT]) * _PAGE),
            ("millrace_worker_cpu_seconds_total", label, (int(stat[_USER]) + int(stat[_SYSTEM])) / _TICKS),
            ("millrace_worker_threads", label, float(stat[_THREADS])),
            ("millrace_worker_start_time_seconds", label, round(self._booted + int(stat[_STARTED]) / _TICKS, 2)),
        ]
        limit = re.search(r"Max open files\s+(\d+)", (folder / "limits").read_text())
        if limit:
            readings.append(("millrace_worker_max_files", label, float(limit[1])))
        facts = {**told, **_seen(folder)}
        return readings + [(metric, label, float(facts[fact])) for metric, fact in _OF_FACTS if fact in facts]


def resident_bytes() -> int:
    """Return this process's resident memory, in bytes; 0 if the platform does not tell."""
    try:
        return int((_PROC / "self" / "statm").read_bytes().split()[1]) * _PAGE
    except OSError:
        return 0


def _seen(folder: Path) -> dict[str, int]:
    """Return of a process's own facts those that this process may see."""
    facts: dict[str, int] = {}
    with contextlib.suppress(PermissionError):
        facts["open_files"] = len(os.listdir(folder / "fd"))  # noqa: PTH208 - names do
    with contextlib.suppress(PermissionError):
        counted = dict(re.findall(r"(\w+): (\d+)", (folder / "io").read_text()))
        facts.update({fact: int(counted[fact]) for fact in ("read_bytes", "write_bytes")})
    return facts


def _stat(pid: int) -> list[str]:
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _children(parent: int) -> Iterator[int]:
    for entry in os.listdir(_PROC):  # noqa: PTH208 - thousands of Path objects would be made for nothing
        if entry.isdigit():
            try:
                stat = _stat(int(entry))
            except OSError:
                continue
            if int(stat[_PARENT]) == parent and stat[0] != _ZOMBIE:
                yield int(entry)
