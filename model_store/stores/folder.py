"""The store in a folder: a version is added whole or not at all, and then never changes.

``root/<model>/<version>/`` holds a version's files, ``root/<model>/channels.json`` the model's pointers. A new version
is written in ``.staging-…``, synced, and renamed to its number under the model's lock; names with a leading dot are
never listed. ``root/.identity`` says which store it is.
Killing a writer at any moment leaves what was there before, or the whole new version; what it left
half-written goes with the next writer. Pointers are replaced whole under the same lock, which processes of the first
release hold as well while they change them; readers need no lock.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path

from model_store import atomic_file
from model_store.errors import PointersMoved, StoreError, UnknownModel
from model_store.names import ModelName
from model_store.stores import identity
from model_store.stores.store import Fingerprint, Pointers, Store

POINTERS = "channels.json"

_VERSION = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_LOCK = ".lock"
_HIGHEST_REMOVED = ".highest-removed"
_STAGING = ".staging-"
_REMOVED = ".removed-"
_FOLDER_MODE = 0o755
_FILE_MODE = 0o444
_POINTERS_MODE = 0o644
_TICK_NS = 2 * 10**9
"""A folder that changed less than this long ago may change again within one tick of the file system's clock."""


class FolderStore(Store):
    """A store in a folder that all who use it share. Reading needs no lock and creates nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def location(self) -> str:
        """The root folder."""
        return str(self.root)

    @property
    def disk(self) -> Path:
        """The root folder."""
        return self.root

    def is_there(self) -> bool:
        """Return True if the root is a folder."""
        return self.root.is_dir()

    def identity(self) -> str | None:
        """See Store."""
        return identity.read(self.root)

    def identify(self) -> str | None:
        """See Store. Makes the folder if it is missing."""
        self.root.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        return identity.give(self.root)

    def models(self) -> list[ModelName]:
        """See Store."""
        if not self.is_there():
            return []
        names = (entry.name for entry in os.scandir(self.root) if not entry.name.startswith(".") and entry.is_dir())
        return sorted(ModelName(name) for name in names if _is_name(name) and _versions(self.root / name))

    def versions(self, name: str) -> list[int]:
        """See Store."""
        found = _versions(self.model_folder(name))
        if not found:
            raise UnknownModel(f"there is no model {name!r}")
        return found

    def model_folder(self, name: str) -> Path:
        """Return the model's folder, whether it exists or not. Raises BadName."""
        return self.root / ModelName(name)

    def version_folder(self, name: str, version: int) -> Path:
        """Return the version's folder. Raises UnknownModel, UnknownVersion."""
        self.require(name, version)
        return self.model_folder(name) / str(version)

    def read(self, name: str, version: int, file: str) -> bytes:
        """See Store."""
        return (self.version_folder(name, version) / file).read_bytes()

    @contextlib.contextmanager
    def local(self, name: str, version: int) -> Iterator[Path]:
        """Give the version's own folder."""
        yield self.version_folder(name, version)

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[Path]:
        """Hold the model's lock among all processes, briefly; yields the model's folder, made if it is missing.

        Raises StoreAway.
        """
        folder = self.model_folder(name)
        self.check_here()
        self.identify()
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def staging(self, name: str) -> Iterator[Path]:
        """Give a new empty folder next to the model's versions."""
        with self.lock(name) as model:
            clean(model)
            folder = model / f"{_STAGING}{secrets.token_hex(8)}"
            folder.mkdir(mode=_FOLDER_MODE)
            held = _hold(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(held)

    def add(self, name: str, staging: Path, finish: Callable[[int], None]) -> int:
        """See Store."""
        with self.lock(name) as model:
            number = max([_highest_removed(model), *_versions(model)]) + 1
            finish(number)
            for entry in os.scandir(staging):
                os.chmod(entry.path, _FILE_MODE)  # noqa: PTH101 - a path from scandir
                atomic_file.sync(Path(entry.path))
            atomic_file.sync(staging)
            staging.rename(model / str(number))
            atomic_file.sync(model)
            atomic_file.sync(self.root)
        return number

    def remove(self, name: str, version: int, check: Callable[[bytes | None], None]) -> None:
        """See Store."""
        self.require(name, version)
        with self.lock(name) as model:
            check(_pointers(model))
            folder = self.version_folder(name, version)
            highest = max(_highest_removed(model), version)
            _write(model / _HIGHEST_REMOVED, f"{highest}\n".encode())
            gone = model / f"{_REMOVED}{version}-{secrets.token_hex(4)}"
            folder.rename(gone)
            atomic_file.sync(model)
        shutil.rmtree(gone, ignore_errors=True)

    def pointers(self, name: str) -> Pointers:
        """See Store."""
        return _tagged(self.model_folder(name))

    def swap_pointers(self, name: str, data: bytes, expected: str) -> str:
        """See Store."""
        self.versions(name)
        with self.lock(name) as model:
            if _tagged(model).tag != expected:
                raise PointersMoved(f"somebody else changed model {name!r} at the same time")
            _write(model / POINTERS, data)
            return _tagged(model).tag

    def fingerprint(self, name: str) -> Fingerprint:
        """See Store."""
        model = self.model_folder(name)
        try:
            stat = model.stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UnknownModel(f"there is no model {name!r}") from error
        value = (stat.st_ino, stat.st_mtime_ns, _stat_of_pointers(model))
        return Fingerprint(value, time.time_ns() - stat.st_mtime_ns > _TICK_NS)

    def files_fingerprint(self, name: str, version: int) -> Hashable:
        """See Store."""
        files = ((path.name, path.stat()) for path in sorted(self.version_folder(name, version).iterdir()))
        return tuple((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in files)


def clean(model: Path) -> None:
    """Remove what dead writers left in a model's folder. The caller holds the model's lock."""
    for entry in list(os.scandir(model)):
        path = Path(entry.path)
        if entry.name.startswith(atomic_file.WRITING):
            path.unlink(missing_ok=True)  # such files live only while the lock is held
        elif entry.name.startswith(_REMOVED) or (entry.name.startswith(_STAGING) and not _is_held(path)):
            shutil.rmtree(path, ignore_errors=True)


def _versions(model: Path) -> list[int]:
    try:
        entries = [entry.name for entry in os.scandir(model) if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(int(entry) for entry in entries if _VERSION.fullmatch(entry))


def _pointers(model: Path) -> bytes | None:
    try:
        return (model / POINTERS).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _tagged(model: Path) -> Pointers:
    """Return the pointers, and a tag made from them and from which versions there are."""
    data = _pointers(model)
    there = repr((data is not None, _versions(model))).encode()
    return Pointers(data, hashlib.sha256(there + (data or b"")).hexdigest())


def _stat_of_pointers(model: Path) -> tuple[int, ...] | None:
    try:
        stat = (model / POINTERS).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _write(path: Path, data: bytes) -> None:
    atomic_file.write(path, data, durable=True, mode=_POINTERS_MODE)


def _hold(folder: Path) -> int:
    """Return a descriptor whose lock says that this process is alive and writing here.

    Closing it, or the end of the process, lets go.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def _is_held(folder: Path) -> bool:
    try:
        os.close(_hold(folder))
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _highest_removed(model: Path) -> int:
    try:
        return int((model / _HIGHEST_REMOVED).read_text("ascii"))
    except FileNotFoundError:
        return 0
    except ValueError as error:
        raise StoreError(f"{model / _HIGHEST_REMOVED} does not hold a number") from error


def _is_name(name: str) -> bool:
    try:
        ModelName(name)
    except StoreError:
        return False
    return True
