"""The store on disk: a version is added whole or not at all, and then never changes.

``root/<model>/<version>/`` holds a version's files. A new one is written beside, in ``.staging-…``, synced, and renamed
to its number under the model's lock; names with a leading dot are never listed. Killing a writer at any moment leaves
what was there before, or the whole new version; what it left half-written goes with the next writer.
"""

import contextlib
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from model_store.errors import BadManifest, StoreError, UnknownModel, UnknownVersion
from model_store.manifest import Manifest
from model_store.names import ModelName, parse_version
from model_store.seal import MANIFEST

_VERSION = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_LOCK = ".lock"
_HIGHEST_REMOVED = ".highest-removed"
_STAGING = ".staging-"
_REMOVED = ".removed-"
_WRITING = ".writing-"
_FOLDER_MODE = 0o755
_FILE_MODE = 0o444


class Store:
    """The models and versions under a root folder. Reading needs no lock and creates nothing."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def models(self) -> list[ModelName]:
        """The models that have a version, sorted by name."""
        if not self.root.is_dir():
            return []
        names = (entry.name for entry in os.scandir(self.root) if not entry.name.startswith(".") and entry.is_dir())
        return sorted(ModelName(name) for name in names if _is_name(name) and self._versions(self.root / name))

    def versions(self, name: str) -> list[int]:
        """The model's versions, ascending; raises UnknownModel where it has none."""
        found = self._versions(self.model_dir(name))
        if not found:
            raise UnknownModel(f"there is no model {name!r}")
        return found

    def model_dir(self, name: str) -> Path:
        """The model's folder, whether it exists or not; raises BadName."""
        return self.root / ModelName(name)

    def version_dir(self, name: str, version: int) -> Path:
        """The version's folder; raises UnknownModel or UnknownVersion."""
        if parse_version(version) not in self.versions(name):
            raise UnknownVersion(f"model {name!r} has no version {version}")
        return self.model_dir(name) / str(version)

    def manifest(self, name: str, version: int) -> Manifest:
        """The version's manifest for listings: parsed, not verified. Raises BadManifest and what version_dir raises."""
        path = self.version_dir(name, version) / MANIFEST
        try:
            return Manifest.from_bytes(path.read_bytes())
        except OSError as error:
            raise BadManifest(f"{path.name} of model {name!r} {version} cannot be read: {error.strerror}") from error

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[Path]:
        """Hold the model's lock among all processes, for short; yields the model's folder, made where it is missing."""
        folder = self.model_dir(name)
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def staging(self, name: str) -> Iterator[Path]:
        """A new empty folder beside the model's versions to write one in; gone at the end unless ``add`` took it."""
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
        """Make a staged folder the model's next version, and return its number.

        ``finish(number)`` writes what depends on the number (manifest and seal) into the staging folder.
        """
        with self.lock(name) as model:
            number = max([_highest_removed(model), *self._versions(model)]) + 1
            finish(number)
            for entry in os.scandir(staging):
                os.chmod(entry.path, _FILE_MODE)  # noqa: PTH101 - a path from scandir
                _sync(Path(entry.path))
            _sync(staging)
            staging.rename(model / str(number))
            _sync(model)
            _sync(self.root)
        return number

    def remove(self, name: str, version: int, may_go: Callable[[], None]) -> None:
        """Take a version away; its number is never given again. ``may_go()`` raises where it must stay."""
        self.version_dir(name, version)
        with self.lock(name) as model:
            may_go()
            folder = self.version_dir(name, version)
            highest = max(_highest_removed(model), version)
            write_whole(model / _HIGHEST_REMOVED, f"{highest}\n".encode())
            gone = model / f"{_REMOVED}{version}-{secrets.token_hex(4)}"
            folder.rename(gone)
            _sync(model)
        shutil.rmtree(gone, ignore_errors=True)

    @staticmethod
    def _versions(model: Path) -> list[int]:
        try:
            entries = [entry.name for entry in os.scandir(model) if entry.is_dir(follow_symlinks=False)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(int(entry) for entry in entries if _VERSION.fullmatch(entry))


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file so that readers see the old or the new content, never a part, also after a power cut."""
    beside = path.with_name(f"{_WRITING}{secrets.token_hex(8)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - created exclusively, with a mode
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def clean(model: Path) -> None:
    """Remove what dead writers left in a model's folder. The caller holds the model's lock."""
    for entry in list(os.scandir(model)):
        path = Path(entry.path)
        if entry.name.startswith(_WRITING):
            path.unlink(missing_ok=True)  # such files live only while the lock is held
        elif entry.name.startswith(_REMOVED) or (entry.name.startswith(_STAGING) and not _is_held(path)):
            shutil.rmtree(path, ignore_errors=True)


def _hold(folder: Path) -> int:
    """A descriptor whose lock says that this process is alive and writing here; closing it or dying lets go."""
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


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
