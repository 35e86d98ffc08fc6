"""How much room is left on the disks that Millrace writes to."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from service.settings.kinds import Reserve

_FRESH = 1.0
"""Seconds for which the disks are not looked at again."""


class Room:
    """Tells whether a disk under one of the folders has less than its reserve free. Cheap, and from any thread.

    A folder that is not there is passed over. ``clock`` tells seconds.
    """

    def __init__(self, folders: Sequence[Path], reserve: Reserve, clock: Callable[[], float] = time.monotonic) -> None:
        self._folders = tuple(folders)
        self._reserve = reserve
        self._clock = clock
        self._looked = float("-inf")
        self._shortage = ""
        self._looking = threading.Lock()

    def shortage(self, more: int = 0) -> str:
        """Return in words where the reserve would be used once ``more`` bytes are written; empty if nowhere."""
        if more:
            return self._look(more)
        if self._clock() - self._looked >= _FRESH:
            with self._looking:
                self._looked = self._clock()
                self._shortage = self._look(0)
        return self._shortage

    def _look(self, more: int) -> str:
        for folder in self._folders:
            try:
                free, size = free_and_size(folder)
            except OSError:
                continue
            least = self._reserve.of(size)
            if free - more < least:
                return f"{folder} has {max(free, 0)} bytes free, and {least} are kept for predictions (DISK_RESERVE)"
        return ""


def free_and_size(folder: Path) -> tuple[int, int]:
    """Return how many bytes of the folder's disk are free for this user, and how many it has. Raises OSError."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
