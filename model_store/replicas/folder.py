"""Records as files in a folder that all who use it share."""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote

from model_store import atomic_file
from model_store.replicas.presence import STALE, Presence, Record, Unreachable

FOLDER = "replicas"


class FolderPresence(Presence):
    """Keeps ``<root>/replicas/<replica>/<pid>.json``.

    The age of a record is that of its file, so that one clock counts. ``write`` puts bytes at a path in one step;
    ``folder`` is another name for ``replicas``.
    """

    def __init__(
        self, root: Path, write: Callable[[Path, bytes], None] = atomic_file.write, *, folder: str = FOLDER
    ) -> None:
        self._root = root / folder
        self._write = write
        self._swept = False

    def announce(self, record: Record) -> None:
        """See Presence."""
        path = self._file(record.replica, record.pid)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._sweep(path.parent)
            self._write(path, record.body)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.utime(path)  # a full disk is no reason to count as gone
            raise Unreachable(f"{path.parent} cannot be written: {error.strerror}") from error

    def withdraw(self, replica: str, pid: int) -> None:
        """See Presence."""
        try:
            self._file(replica, pid).unlink(missing_ok=True)
        except OSError as error:
            raise Unreachable(f"{self._root} cannot be written: {error.strerror}") from error

    def records(self) -> list[Record]:
        """See Presence."""
        now = time.time()
        found = (_read(path) for path in sorted(self._root.glob("*/*.json")) if _age(path, now) <= STALE)
        return [record for record in found if record is not None]

    def _sweep(self, folder: Path) -> None:
        """Remove, once, what workers of this replica left that were killed."""
        if self._swept:
            return
        self._swept, now = True, time.time()
        for path in folder.iterdir():
            if _age(path, now) > STALE:
                path.unlink(missing_ok=True)

    def _file(self, replica: str, pid: int) -> Path:
        """Return the record's file, in a folder named after the replica, quoted if need be."""
        return self._root / _quoted(replica) / f"{pid}.json"


def _age(path: Path, now: float) -> float:
    try:
        return now - path.stat().st_mtime
    except OSError:
        return 0.0


def _read(path: Path) -> Record | None:
    try:
        return Record(unquote(path.parent.name), int(path.stem), path.read_bytes())
    except (OSError, ValueError):
        return None


def _quoted(replica: str) -> str:
    quoted = quote(replica, safe="")
    return f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted
