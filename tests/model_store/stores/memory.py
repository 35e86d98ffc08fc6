"""A store in memory, that hands out copies in temporary folders as a remote one does."""

import contextlib
import tempfile
import threading
from pathlib import Path

from model_store.errors import PointersMoved, UnknownModel
from model_store.names import ModelName
from model_store.stores.store import Fingerprint, Pointers, Store


class MemoryStore(Store):
    """Keeps the contract of Store. ``failure`` is raised by every write while it is set."""

    def __init__(self) -> None:
        self.failure = None
        self._files = {}
        self._highest = {}
        self._pointers = {}
        self._changes = {}
        self._identity = None
        self._lock = threading.RLock()

    @property
    def location(self):
        return "memory"

    @property
    def disk(self):
        return Path(tempfile.gettempdir())

    def is_there(self):
        return bool(self._highest)

    def identity(self):
        return self._identity

    def identify(self):
        self._identity = self._identity or "memory"
        return self._identity

    def models(self):
        return sorted(ModelName(name) for name, versions in self._files.items() if versions)

    def versions(self, name):
        found = sorted(self._files.get(ModelName(name), {}))
        if not found:
            raise UnknownModel(f"there is no model {name!r}")
        return found

    def read(self, name, version, file):
        self.require(name, version)
        try:
            return self._files[name][version][file]
        except KeyError:
            raise FileNotFoundError(2, "No such file", file) from None

    @contextlib.contextmanager
    def local(self, name, version):
        self.require(name, version)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / name / str(version)
            folder.mkdir(parents=True)
            for file, data in self._files[name][version].items():
                (folder / file).write_bytes(data)
            yield folder

    @contextlib.contextmanager
    def staging(self, name):
        self._check_writable()
        ModelName(name)
        with tempfile.TemporaryDirectory() as scratch:
            yield Path(scratch)

    def add(self, name, staging, finish):
        with self._changing(name):
            number = self._highest.get(name, 0) + 1
            finish(number)
            self._files.setdefault(name, {})[number] = {path.name: path.read_bytes() for path in staging.iterdir()}
            self._highest[name] = number
        return number

    def remove(self, name, version, check):
        with self._changing(name):
            self.require(name, version)
            check(self._pointers.get(name))
            del self._files[name][version]

    def pointers(self, name):
        with self._lock:
            return Pointers(self._pointers.get(ModelName(name)), f"tag-{self._changes.get(name, 0)}")

    def swap_pointers(self, name, data, expected):
        self.versions(name)
        with self._changing(name):
            if self.pointers(name).tag != expected:
                raise PointersMoved("somebody else was quicker")
            self._pointers[name] = data
        return self.pointers(name).tag

    def fingerprint(self, name):
        self.versions(name)
        return Fingerprint(self._changes[name], settled=True)

    def files_fingerprint(self, name, version):
        self.require(name, version)
        return tuple(sorted(self._files[name][version].items()))

    @contextlib.contextmanager
    def _changing(self, name):
        self._check_writable()
        with self._lock:
            yield
            self._changes[name] = self._changes.get(name, 0) + 1

    def _check_writable(self):
        if self.failure is not None:
            raise self.failure
