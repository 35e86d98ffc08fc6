"""Recent rows as files in a folder that all who use it share.

Every worker writes its own ring of fixed-size records; the oldest ones are overwritten.
"""

import fcntl
import logging
import mmap
import os
import struct
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from model_store import whole_file
from service.metrics import unwritten
from service.presence.recent_rows import MOST_WORKERS, PredictedRow, RecentRows

log = logging.getLogger(__name__)

_RECORD = struct.Struct("<16sQdIBB2x")
_LAYOUT = np.dtype(
    [("key", "V16"), ("version", "<u8"), ("value", "<f8"), ("row", "<u4"), ("kind", "u1"), ("judged", "u1"), ("", "V2")]
)
_JUDGED = _LAYOUT.fields["judged"][1]  # type: ignore[index]
_NUMBER, _CLASS = 1, 2
_AGAIN = 30.0
"""Seconds after which a worker without a ring tries again to make one."""


class FolderRows(RecentRows):
    """Rings in ``folders``; this worker's, of ``records`` rows, is in the first that can be written to."""

    def __init__(self, folders: Sequence[Path], *, replica: str, records: int) -> None:
        self._folders = tuple(folders)
        self._replica = "".join(c if c.isalnum() or c in "-_" else "_" for c in replica)
        self._records = records
        self._pid = 0
        self._ring: mmap.mmap | None = None
        self._next = 0
        self._due = 0.0

    def remember(self, rows: Iterable[PredictedRow]) -> None:
        """See RecentRows."""
        ring = self._opened()
        if ring is None:
            unwritten.count(unwritten.RECENT, len(list(rows)))
            return
        for row in rows:
            kind = _CLASS if row.classified else _NUMBER
            place = self._next % self._records * _RECORD.size
            _RECORD.pack_into(ring, place, row.key, row.version, row.value, row.row, kind, 0)
            self._next += 1

    def find(self, keys: Collection[bytes]) -> dict[bytes, dict[int, PredictedRow]]:
        """See RecentRows. A file that cannot be read is passed over."""
        found: dict[bytes, dict[int, PredictedRow]] = {key: {} for key in keys}
        for file in self._files():
            try:
                records = np.frombuffer(file.read_bytes(), dtype=_LAYOUT)
            except (OSError, ValueError):
                continue
            for key, rows in found.items():
                for index in np.flatnonzero(records["key"] == np.void(key)).tolist():
                    rows[int(records["row"][index])] = _row(records[index], file, index)
        return {key: rows for key, rows in found.items() if rows}

    def mark(self, rows: Collection[PredictedRow]) -> set[tuple[bytes, int]]:
        """See RecentRows."""
        with self._alone():
            return {(row.key, row.row) for row in rows if row.place is not None and _mark(row, *row.place)}

    def close(self) -> None:
        """See RecentRows. The file is there already."""

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold off other workers that mark."""
        folder = next((folder for folder in self._folders if folder.is_dir()), None)
        if folder is None:
            yield
            return
        with (folder / "lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _files(self) -> list[Path]:
        """Return the rings, the most recently written last."""
        rings = [file for folder in self._folders for file in folder.glob("*.ring")]
        return sorted(rings, key=_modified)

    def _opened(self) -> mmap.mmap | None:
        if self._pid != os.getpid():  # the first prediction of this worker
            self._pid, self._ring, self._due = os.getpid(), None, 0.0
        if self._ring is None and time.monotonic() >= self._due:
            self._ring, self._next, self._due = self._open(), 0, time.monotonic() + _AGAIN
        return self._ring

    def _open(self) -> mmap.mmap | None:
        for folder in self._folders:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                for old in sorted(folder.glob("*.ring"), key=_modified)[: -MOST_WORKERS + 1]:
                    old.unlink(missing_ok=True)
                return self._made(folder / f"{self._replica}-{os.getpid()}.ring")
            except OSError as error:
                log.warning("recent predictions cannot be kept in %s: %s", folder, error)
        return None

    def _made(self, path: Path) -> mmap.mmap:
        """Return a new ring, which has its room on the disk. Raises OSError, and leaves no file then."""
        size = self._records * _RECORD.size
        with path.open("w+b") as file:
            try:
                whole_file.allocate(file.fileno(), size)
            except OSError:
                path.unlink()
                raise
            return mmap.mmap(file.fileno(), size)


def _row(record: Any, file: Path, index: int) -> PredictedRow:
    return PredictedRow(
        key=record["key"].tobytes(),
        row=int(record["row"]),
        version=int(record["version"]),
        value=float(record["value"]),
        classified=int(record["kind"]) == _CLASS,
        judged=bool(record["judged"]),
        place=(file, index * _RECORD.size),
    )


def _mark(row: PredictedRow, file: Path, offset: int) -> bool:
    """Mark the record, if it is still this row's and nobody has marked it; return whether."""
    try:
        with file.open("r+b") as ring:
            ring.seek(offset)
            key, _, _, index, _, judged = _RECORD.unpack(ring.read(_RECORD.size))
            if judged or (key, index) != (row.key, row.row):
                return False
            ring.seek(offset + _JUDGED)
            ring.write(b"\x01")
    except FileNotFoundError:  # its worker is one of too many
        return False
    return True


def _modified(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
