"""A process's metric file, with its room on the disk before anything is written to it.

prometheus_client makes its files as long as they will be and maps them: on a full disk the next value would end the
process by SIGBUS. Here the room is allocated first. A value for which there is none is dropped and counted; it is
written, with all that it has grown to, once ``retry`` finds room.
"""

import mmap
import os
import threading
from pathlib import Path
from typing import Any

from prometheus_client import mmap_dict, values

from model_store import whole_file

_Dict: Any = mmap_dict.MmapedDict  # prometheus_client leaves it untyped
FIRST = 2**16
"""Bytes of a file at first."""
_PAGE = mmap.PAGESIZE

SPARE = '["spare", "spare", {}, ""]'
"""The key of the place at which values are put that have none of their own. It is no metric."""

_files: list["WholeFile"] = []
_dropped = 0


class WholeFile(_Dict):  # type: ignore[misc]
    """What prometheus_client calls MmapedDict; it never raises for want of room.

    A file that cannot be made is replaced by a page of memory that no scrape sees.
    """

    def __init__(self, filename: str) -> None:
        self._lock = threading.Lock()
        self._fname = filename
        self._without: set[str] = set()
        try:
            _make(filename)
            super().__init__(filename)
        except OSError:
            page: dict[str, Any] = {"_f": None, "_m": mmap.mmap(-1, _PAGE), "_capacity": _PAGE, "_used": 8}
            self.__dict__.update(page, _positions={})
        if SPARE not in self._positions:
            super()._init_value(SPARE)
        _files.append(self)

    def close(self) -> None:
        """Close the file."""
        if self in _files:
            _files.remove(self)
        super().close()

    def read_value(self, key: str) -> tuple[float, float]:
        """Return a value and its time; 0 for one that has no place."""
        place: tuple[float, float] = super().read_value(key)
        return (0.0, 0.0) if key in self._without else place

    def retry(self) -> bool:
        """Try again to find room; return True if a value has got its place."""
        with self._lock:
            if not self._without or not self._remade():
                return False
            before = len(self._without)
            for key in sorted(self._without):
                if self._fits(key):
                    super()._init_value(key)
                    self._without.discard(key)
            return len(self._without) < before

    def _init_value(self, key: str) -> None:
        global _dropped  # noqa: PLW0603 - counted where no metric can be: prometheus_client's lock is held
        with self._lock:
            if self._f is not None and self._fits(key):
                super()._init_value(key)
                return
            self._positions[key] = self._positions[SPARE]
            self._without.add(key)
            _dropped += 1

    def _fits(self, key: str) -> bool:
        """Return whether there is room for a value, after growing the file if need be."""
        needed = self._used + 4 + len(key.encode()) + 8 + 16
        capacity = self._capacity
        while capacity < needed:
            capacity *= 2
        if capacity > self._capacity:
            try:
                whole_file.allocate(self._f.fileno(), capacity)
            except OSError:
                return False
        return True

    def _remade(self) -> bool:
        """Return whether there is a file; one that could not be made is tried again.

        What is written meanwhile goes to the spare place, which is the same in every file because it comes first.
        """
        if self._f is None:
            try:
                _make(self._fname)
            except OSError:
                return False
            made, positions = vars(_Dict(self._fname)), self._positions
            self.__dict__.update(made | {"_positions": positions})
            super()._init_value(SPARE)
        return True


def _make(name: str) -> None:
    """Make a file that has its room. Raises OSError, and leaves none that is empty."""
    descriptor = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        whole_file.allocate(descriptor, FIRST)
    except OSError:
        if not os.fstat(descriptor).st_size:
            Path(name).unlink()
        raise
    finally:
        os.close(descriptor)


def install() -> None:
    """Have prometheus_client make its files like this; before the first metric of this process exists."""
    vars(values)["MmapedDict"] = WholeFile


def retry() -> bool:
    """Try again to write what was dropped in this process; return True if something has found its place."""
    return bool([file for file in list(_files) if file.retry()])


def dropped() -> int:
    """Return how many values of this process have been dropped so far, each counted when it found no place."""
    return _dropped
