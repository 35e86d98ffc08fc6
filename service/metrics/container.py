"""What this replica's container may use and uses: memory, cores, waiting for disks. Without limits, the machine's.

From control groups of version 2: <https://docs.kernel.org/admin-guide/cgroup-v2.html>; pressure as
<https://docs.kernel.org/accounting/psi.html> defines it. Version 1 reads as a machine without limits.
"""

import contextlib
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

from service.metrics.exposition import Reading

_ROOT = Path("/sys/fs/cgroup")
_PROC = Path("/proc")
_UNLIMITED = "max"


class Container:
    """The control group of the calling process and those that hold it: the tightest limit counts."""

    def __init__(self, root: Path = _ROOT, proc: Path = _PROC) -> None:
        self._proc = proc
        self._levels = list(_levels(root, proc))

    def read(self) -> Iterator[Reading]:
        """Yield readings of memory in bytes, of cores, of waiting for disks in seconds; what is unknown is left out."""
        with contextlib.suppress(OSError, ValueError):
            used, limit = min((self._memory(level) for level in self._limited()), key=_free, default=self._machine())
            yield "millrace_container_memory_used_bytes", (), float(used)
            yield "millrace_container_memory_limit_bytes", (), float(limit)
        with contextlib.suppress(OSError, ValueError):
            yield "millrace_container_cpu_limit_cores", (), min([_cores(), *map(_quota, self._levels)])
        with contextlib.suppress(OSError, ValueError):
            yield "millrace_container_disk_stalled_seconds_total", (), self._stalled()

    def _limited(self) -> Iterator[Path]:
        for level in self._levels:
            if _text(level / "memory.max", _UNLIMITED) != _UNLIMITED:
                yield level

    def _memory(self, level: Path) -> tuple[int, int]:
        """Return what is used and cannot be given back at once, and the limit."""
        idle = _number(r"^inactive_file (\d+)", (level / "memory.stat").read_text())
        return int((level / "memory.current").read_text()) - idle, int((level / "memory.max").read_text())

    def _machine(self) -> tuple[int, int]:
        told = (self._proc / "meminfo").read_text()
        total = _number(r"^MemTotal:\s+(\d+)", told) * 1024
        return total - _number(r"^MemAvailable:\s+(\d+)", told) * 1024, total

    def _stalled(self) -> float:
        """Return how long some process has waited for disks, of the container or else of the machine."""
        own = (level / "io.pressure" for level in self._levels[:1])
        told = next((place for place in own if place.exists()), self._proc / "pressure" / "io").read_text()
        return _number(r"^some .*total=(\d+)", told) / 1e6


def _levels(root: Path, proc: Path) -> Iterator[Path]:
    """Yield the folders of the process's control group and of those above it, its own first."""
    with contextlib.suppress(OSError):
        own = re.search(r"^0::/(.*)$", (proc / "self" / "cgroup").read_text(), re.MULTILINE)
        if own and (root / "cgroup.controllers").exists():
            folder = root / own[1]
            while folder != root.parent:
                yield folder
                folder = folder.parent


def _quota(level: Path) -> float:
    """Return how many cores the group may use."""
    quota, _, period = _text(level / "cpu.max", _UNLIMITED).partition(" ")
    return math.inf if quota == _UNLIMITED else int(quota) / int(period)


def _cores() -> float:
    return float(len(os.sched_getaffinity(0)))


def _free(memory: tuple[int, int]) -> int:
    used, limit = memory
    return limit - used


def _text(path: Path, default: str) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return default


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        msg = f"no {pattern} in what the kernel says"
        raise ValueError(msg)
    return int(found[1])
