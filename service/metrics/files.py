"""The workers' metric files: wiped at the start, and merged into one archive when a worker dies.

prometheus_client gives every process its files in PROMETHEUS_MULTIPROC_DIR and sums them in a scrape. A dead
worker's counters must go on counting, or sums would go backwards; but its files must not pile up, or scrapes would
slow down with every restart. So its values are added to an archive, which is read like one more process's files.
"""

import logging
import os
import struct
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import mmap_dict

from model_store import atomic_file, whole_file
from service.metrics.whole import FIRST, SPARE

log = logging.getLogger(__name__)

_Dict: Any = mmap_dict.MmapedDict  # prometheus_client leaves it untyped

LOCK = threading.Lock()
"""Held while the archive replaces a dead worker's files, and while the files are read."""

_ARCHIVE = "archive"
_left_over: dict[Path, set[int]] = defaultdict(set)
"""By folder, the processes that have ended and whose files are not in the archive yet."""

Values = dict[str, tuple[float, float]]
"""A file's values: each with its time (0 but for gauges of the mode ``mostrecent``), by the file's own JSON key."""


def wipe(folder: Path) -> None:
    """Make the folder, empty of metric files. Only before the first metric of this process exists."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (*folder.glob("*.db"), *folder.glob(f"{atomic_file.WRITING}*")):
        file.unlink(missing_ok=True)


def archive(folder: Path, pid: int) -> None:
    """Move what a dead process counted into the archive, and remove its files. Values of live gauges die with it.

    On a full disk its files stay, and go on being read, until the next process ends.
    """
    with LOCK:
        _left_over[folder].add(pid)
        for dead in sorted(_left_over[folder]):
            left = [file for file in folder.glob(f"*_{dead}.db") if not _archived(folder, file, dead)]
            if not left:
                _left_over[folder].discard(dead)


def read(folder: Path) -> tuple[dict[str, Values], int]:
    """Return all processes' values by kind of file (``counter``, ``histogram``, ``gauge_max``, …); how many files."""
    by_prefix: dict[str, list[Path]] = defaultdict(list)
    with LOCK:
        for file in folder.glob("*.db"):
            by_prefix[file.name.rsplit("_", 1)[0]].append(file)
        merged = {prefix: _merge(prefix, map(_values, files)) for prefix, files in by_prefix.items()}
    return merged, sum(map(len, by_prefix.values()))


def _archived(folder: Path, file: Path, pid: int) -> bool:
    prefix = file.name.removesuffix(f"_{pid}.db")
    if not prefix.startswith(("gauge_live", "gauge_all")):
        try:
            _add_to_archive(folder / f"{prefix}_{_ARCHIVE}.db", prefix, file)
        except OSError as error:
            log.warning("%s stays until there is room for what it counted: %s", file, error.strerror)
            return False
    file.unlink(missing_ok=True)
    return True


def _add_to_archive(archived: Path, prefix: str, dead: Path) -> None:
    merged = _merge(prefix, (_values(archived), _values(dead)))
    with atomic_file.replacing(archived) as beside:
        with beside.open("xb") as file:
            whole_file.allocate(file.fileno(), _bytes(merged))
        written = _Dict(os.fspath(beside))
        for key, (value, time) in merged.items():
            written.write_value(key, value, time)
        written.close()


def _bytes(values: Values) -> int:
    """Return how long a file has to be: for each value its key, how long that is, padding, and two numbers."""
    return max(FIRST, sum(4 + len(key.encode()) + 8 + 16 for key in values) + 8)


def _values(file: Path) -> Values:
    try:
        found = {key: (value, time) for key, value, time, _ in _Dict.read_all_values_from_file(os.fspath(file))}
    except (FileNotFoundError, struct.error):  # it has gone, or is being made and still empty
        return {}
    found.pop(SPARE, None)
    return found


def _merge(prefix: str, parts: Iterable[Mapping[str, tuple[float, float]]]) -> Values:
    merged: Values = {}
    for part in parts:
        for key, (value, time) in part.items():
            before = merged.get(key)
            merged[key] = (value, time) if before is None else _combine(prefix, before, (value, time))
    return merged


def _combine(prefix: str, one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    if prefix.endswith("mostrecent"):
        return other if other[1] > one[1] else one
    if prefix.endswith(("max", "_all")):
        return (max(one[0], other[0]), 0.0)
    return (one[0] + other[0], 0.0)
