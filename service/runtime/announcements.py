"""What each worker has loaded, written where every worker of every replica can read it, after it is true."""

import contextlib
import errno
import json
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_store import channels as pointers_of
from model_store.channels import Channels
from model_store.errors import StoreError, UnknownModel
from model_store.stores.store import Store
from service.metrics.processes import resident_bytes
from service.runtime.catalog import ServedModel, Snapshot
from service.runtime.states import State, VersionState

log = logging.getLogger(__name__)

FOLDER = ".replicas"
HEARTBEAT = 4.0
"""Seconds after which a worker repeats an announcement that has not changed."""
STALE = 15.0
"""Seconds after which a worker that has not repeated its announcement counts as gone."""

_FORMAT = 1
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_POLL = 0.05


@dataclass(frozen=True, slots=True)
class AnnouncedModel:
    """One model in one worker: whose ``generation`` of pointers is in force, and where each version stands.

    ``states`` leaves out the versions with which nothing was done there.
    """

    generation: int
    pointers: Mapping[str, int]
    states: Mapping[int, VersionState]
    trouble: str = ""

    @property
    def stable(self) -> int | None:
        """The version that answers in that worker when a request names none."""
        return self.pointers.get("stable")

    @property
    def loaded(self) -> frozenset[int]:
        """The versions that answer in that worker."""
        return frozenset(v for v, state in self.states.items() if state.state is State.READY)


@dataclass(frozen=True, slots=True)
class Announcement:
    """What one worker says of itself. ``started`` and ``at`` are seconds since 1970, ``memory`` is resident bytes.

    ``settled`` is false while any version is on its way there.
    """

    replica: str
    pid: int
    started: float
    at: float
    memory: int
    settled: bool
    models: Mapping[str, AnnouncedModel]


class Announcer:
    """Writes this worker's announcement; where the store is read-only, into ``run_dir``."""

    def __init__(self, store_root: Path, replica: str, run_dir: Path) -> None:
        self._replica = replica
        self._folders = [_folder(store_root, replica), _folder(run_dir, replica)]
        self._started: float | None = None
        self._written = 0.0

    def announce(self, snapshot: Snapshot, *, settled: bool) -> None:
        """Say what is true now; raises OSError where that can be written nowhere."""
        if self._started is None:  # set here and not before a fork
            self._started = time.time()
            self._sweep()
        document = {
            "format": _FORMAT,
            "replica": self._replica,
            "pid": os.getpid(),
            "started": self._started,
            "at": time.time(),
            "memory": resident_bytes(),
            "settled": settled,
            "models": {name: _described(model) for name, model in snapshot.models.items()},
        }
        self._written = time.monotonic()
        self._write(json.dumps(document).encode())

    @property
    def due(self) -> bool:
        """Whether it is time to repeat the announcement."""
        return time.monotonic() - self._written >= HEARTBEAT

    def withdraw(self, pid: int | None = None) -> None:
        """Take back the announcement of this process, or of another worker of this replica that is gone."""
        for folder in self._folders:
            with contextlib.suppress(OSError):  # it goes stale then
                _file(folder, pid or os.getpid()).unlink(missing_ok=True)

    def _write(self, body: bytes) -> None:
        path = _file(self._folders[0], os.getpid())
        try:
            _replace(path, body)
        except OSError as error:
            if error.errno in _READ_ONLY and len(self._folders) > 1:
                del self._folders[0]
                log.info("%s: this worker announces itself in %s", error, self._folders[0])
                self._write(body)
            else:
                os.utime(path)  # a full disk is no reason to count as gone
                log.warning("this worker could not announce what it has loaded", exc_info=True)

    def _sweep(self) -> None:
        """Remove what workers of this replica left behind that were killed."""
        now = time.time()
        for path in (path for folder in self._folders for path in folder.glob("*")):
            with contextlib.suppress(OSError):
                if now - path.stat().st_mtime > STALE:
                    path.unlink()


def read(store_root: Path, run_dir: Path | None = None) -> list[Announcement]:
    """The announcements of all live workers, of all replicas, by replica and process id.

    ``run_dir`` is where this replica's own are if the store is read-only.
    """
    roots = [root for root in (store_root, run_dir) if root is not None]
    return [made for root in roots for path in _files(root) if (made := _read_one(path)) is not None]


def converged(store: Store, announcements: Sequence[Announcement], model: str) -> bool:
    """Whether every live worker does with the model what the store says; false where there is no live worker."""
    told = [announcement.models.get(model) for announcement in announcements]
    try:
        store.versions(model)
        channels = pointers_of.read(store, model)
    except UnknownModel:
        return bool(told) and not any(told)
    except StoreError:
        return False
    return bool(told) and all(one is not None and _follows(one, channels) for one in told)


def failures(store: Store, announcements: Sequence[Announcement], model: str) -> dict[int, str]:
    """The wanted versions of the model that a worker failed to load, with the reason, as of the present pointers."""
    try:
        channels = pointers_of.read(store, model)
    except StoreError:
        return {}
    present = [one for a in announcements if (one := a.models.get(model)) and one.generation == channels.generation]
    wanted = channels.wanted()
    return {
        version: state.reason
        for one in present
        for version, state in one.states.items()
        if version in wanted and state.state is State.FAILED
    }


def await_convergence(store: Store, model: str, seconds: float, run_dir: Path | None = None) -> bool:
    """Wait until every live worker does with the model what the store says; whether that came to be.

    Gives up after ``seconds``, and at once when a worker has failed to load a wanted version: see ``failures``.
    """
    deadline = time.monotonic() + seconds
    while True:
        announcements = read(store.disk, run_dir)
        if converged(store, announcements, model):
            return True
        if time.monotonic() >= deadline or failures(store, announcements, model):
            return False
        time.sleep(_POLL)


def _follows(told: AnnouncedModel, channels: Channels) -> bool:
    if told.generation != channels.generation or told.trouble:
        return False
    wanted = frozenset() if channels.unloaded else channels.wanted()
    return told.loaded == wanted and (channels.unloaded or channels.stable in {None, told.stable})


def _described(model: ServedModel) -> dict[str, Any]:
    return {
        "generation": model.channels.generation,
        "pointers": dict(model.pointers),
        "states": {
            str(version): {"state": state.state, "reason": state.reason}
            for version, state in model.states.items()
            if state.state is not State.NEW
        },
        "trouble": model.trouble,
    }


def _folder(root: Path, replica: str) -> Path:
    """The replica's folder; a name that is not fit for one is made so."""
    return root / FOLDER / (re.sub(r"[^A-Za-z0-9._-]", "_", replica).lstrip(".") or "_")


def _file(folder: Path, pid: int) -> Path:
    return folder / f"{pid}.json"


def _replace(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_bytes(body)
    beside.replace(path)


def _files(root: Path) -> Iterator[Path]:
    """The files of live workers. Their age is that of the file, so that one clock counts."""
    now = time.time()
    for path in sorted(root.glob(f"{FOLDER}/*/*.json")):
        try:
            fresh = now - path.stat().st_mtime <= STALE
        except OSError:
            continue
        if fresh:
            yield path


def _read_one(path: Path) -> Announcement | None:
    """What a file announces; None where it is gone or not an announcement of a format known here."""
    try:
        told = json.loads(path.read_bytes())
        if told["format"] != _FORMAT:
            return None
        models = {name: _model_of(model) for name, model in told["models"].items()}
        return Announcement(
            told["replica"], told["pid"], told["started"], told["at"], told["memory"], told["settled"], models
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _model_of(told: Mapping[str, Any]) -> AnnouncedModel:
    states = {int(v): VersionState(State(s["state"]), s["reason"]) for v, s in told["states"].items()}
    return AnnouncedModel(told["generation"], told["pointers"], states, told["trouble"])
