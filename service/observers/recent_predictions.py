"""What was predicted lately, so that ground truth that comes later can be compared with it.

Every worker writes its own ring of fixed-size records into a folder that all replicas share, if there is one. A record
holds hashes of the request's id and of the predicted class, or the predicted number; no features, no names, no ids. The
oldest records are overwritten: a prediction can be judged for as long as its worker's last ``FEEDBACK_RECORDS`` rows
reach back.
"""

import fcntl
import logging
import mmap
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from model_store.batch import Array, Batch
from service import logs
from service.observers.drift import with_class
from service.observers.observer import Observer, Prediction
from service.runtime.loaded import LoadedModel
from service.runtime.router import Chosen

log = logging.getLogger(__name__)

MOST_FILES = 64
"""Rings that are kept at most, those of workers that are gone included."""
MOST_ROWS = 100
"""Rows of one request that are remembered at most: its first ones."""

_RECORD = struct.Struct("<16sQdIBB2x")
_LAYOUT = np.dtype(
    [("key", "V16"), ("version", "<u8"), ("value", "<f8"), ("row", "<u4"), ("kind", "u1"), ("judged", "u1"), ("", "V2")]
)
_JUDGED = _LAYOUT.fields["judged"][1]  # type: ignore[index]
_NUMBER, _CLASS = 1, 2


@dataclass(frozen=True, slots=True)
class Remembered:
    """One predicted row. ``value`` is the predicted number, or the predicted class's hash for a classifier."""

    version: int
    value: float
    classified: bool
    judged: bool
    file: Path
    offset: int

    def right(self, truth: Any) -> bool:
        """Return whether the predicted class is ``truth``."""
        return self.value == _class_hash(truth)


class RecentPredictions(Observer):
    """The rings of all workers; nothing is written if ``records`` is 0."""

    def __init__(self, folders: Sequence[Path], *, replica: str, records: int) -> None:
        """Look for rings in ``folders``; this worker's is in the first that can be written to."""
        self._folders = tuple(folders)
        self._replica = "".join(c if c.isalnum() or c in "-_" else "_" for c in replica)
        self._records = records
        self._pid = 0
        self._ring: mmap.mmap | None = None
        self._next = 0

    def predicted(self, prediction: Prediction, _batch: Batch, outputs: Mapping[str, Array], /) -> None:
        """See Observer. Remembers rows whose answer is one class or number."""
        request_id = logs.request_id()
        if not self._records or request_id is None:
            return
        model = prediction.model
        values = with_class(model.schema, outputs).get("predict")
        if values is not None and values.ndim == 1 and (ring := self._opened()) is not None:
            self._remember(ring, model, request_id, values[:MOST_ROWS].tolist())

    def refused(self, chosen: Chosen | None, dialect: str, code: str, /) -> None:
        """Take no note."""

    def _remember(self, ring: mmap.mmap, model: LoadedModel, request_id: str, values: list[Any]) -> None:
        kind = _CLASS if model.schema.task == "classifier" else _NUMBER
        key = _key(model.name, request_id)
        for row, value in enumerate(values):
            told = _class_hash(value) if kind == _CLASS else float(value)
            place = self._next % self._records * _RECORD.size
            _RECORD.pack_into(ring, place, key, model.version, told, row, kind, 0)
            self._next += 1

    def find(self, model: str, request_ids: list[str]) -> dict[str, dict[int, Remembered]]:
        """Return the remembered rows of each request, by row; of two requests of one id, those of the newer."""
        found: dict[str, dict[int, Remembered]] = {request_id: {} for request_id in request_ids}
        keys = {request_id: np.void(_key(model, request_id)) for request_id in request_ids}
        for file in self._files():
            try:
                records = np.frombuffer(file.read_bytes(), dtype=_LAYOUT)
            except (OSError, ValueError):
                continue
            for request_id, key in keys.items():
                for place in np.flatnonzero(records["key"] == key).tolist():
                    found[request_id][int(records["row"][place])] = _remembered(records[place], file, place)
        return {request_id: rows for request_id, rows in found.items() if rows}

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Hold off other workers, so that nothing is judged twice."""
        folder = next((folder for folder in self._folders if folder.is_dir()), None)
        if folder is None:
            yield
            return
        with (folder / "lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def judged(self, row: Remembered) -> None:
        """Mark a row, so that ground truth for it counts once."""
        with row.file.open("r+b") as ring:
            ring.seek(row.offset + _JUDGED)
            ring.write(b"\x01")

    def _files(self) -> list[Path]:
        """Return the rings, the most recently written last."""
        rings = [file for folder in self._folders for file in folder.glob("*.ring")]
        return sorted(rings, key=_modified)

    def _opened(self) -> mmap.mmap | None:
        if self._pid != os.getpid():  # the first prediction of this worker
            self._pid, self._ring, self._next = os.getpid(), self._open(), 0
        return self._ring

    def _open(self) -> mmap.mmap | None:
        for folder in self._folders:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                for old in sorted(folder.glob("*.ring"), key=_modified)[: -MOST_FILES + 1]:
                    old.unlink(missing_ok=True)
                with (folder / f"{self._replica}-{os.getpid()}.ring").open("w+b") as file:
                    file.truncate(self._records * _RECORD.size)
                    return mmap.mmap(file.fileno(), self._records * _RECORD.size)
            except OSError as error:
                log.warning("recent predictions cannot be kept in %s: %s", folder, error)
        return None


def _remembered(record: Any, file: Path, place: int) -> Remembered:
    return Remembered(
        version=int(record["version"]),
        value=float(record["value"]),
        classified=int(record["kind"]) == _CLASS,
        judged=bool(record["judged"]),
        file=file,
        offset=place * _RECORD.size,
    )


def _key(model: str, request_id: str) -> bytes:
    return blake2b(f"{model}\0{request_id}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _class_hash(value: Any) -> float:
    """Return a class's hash as a whole number that a float holds exactly; 1, 1.0 and numpy's 1 are one class."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    text = f"n{float(value)!r}" if number else f"{type(value).__name__}{value}"
    return float(int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).digest(), "big"))


def _modified(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
