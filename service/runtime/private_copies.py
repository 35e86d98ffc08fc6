"""Copies of sealed files in a folder of the replica's, which its workers map: one copy in memory for all of them.

What is mapped is never the file in the store, which somebody may write into or cut short at any time. A copy is written
once, while its bytes are compared with the seal, and is named by their SHA-256. Each worker holds a shared lock
(``flock``) on what it maps: a copy that nobody holds is removed as soon as a worker lets go of this or another one.
"""

import contextlib
import errno
import fcntl
import hashlib
import logging
import mmap
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from model_store import atomic_file
from model_store.manifest import FileSeal
from model_store.stores.store import VerifiedVersion

log = logging.getLogger(__name__)

ROOM = 16 * 2**20
"""Bytes that are left free on the disk for the run files of others."""

_Stamp = tuple[int, int, int, int]
"""What is another one once a file has been changed or replaced."""


class CopyLost(OSError):
    """A copy is no longer there, or no longer what it was: it has to be made again."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that was compared with its seal. It holds nothing: no memory, no lock, no open file."""

    path: Path
    sealed: FileSeal
    stamp: _Stamp

    def mapped(self) -> mmap.mmap:
        """Return the bytes, mapped read-only and shared with all who map them, and locked for as long as they are used.

        They are compared with the seal again if the file has changed in any way since. Raises CopyLost, OSError.
        """
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            content = self._checked(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        weakref.finalize(content, _let_go, self.path.parent, descriptor, os.getpid())
        return content

    def _checked(self, descriptor: int) -> mmap.mmap:
        stat = os.fstat(descriptor)
        if stat.st_nlink == 0 or stat.st_size != self.sealed.bytes:
            raise CopyLost(errno.ESTALE, "it was removed or cut", str(self.path))
        content = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
        if _stamp(stat) != self.stamp and hashlib.sha256(content).hexdigest() != self.sealed.sha256:
            raise CopyLost(errno.ESTALE, "it was changed", str(self.path))
        return content


class PrivateCopies:
    """Makes copies in one folder, which is for this user alone and made if it is missing."""

    def __init__(self, folder: Path | None = None, room: int = ROOM) -> None:
        """Use the folder; without one a temporary one, which goes with this object. ``room`` bytes are left free."""
        self._room = room
        self._folder = folder or Path(tempfile.mkdtemp(prefix="millrace-copies-"))
        if folder is None:
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def make(self, version: VerifiedVersion, file: str) -> Copy:
        """Return the copy of a sealed file; it is written if there is none that is whole.

        Raises SealBroken if the file is not the one that was sealed, OSError if there is no room, or no folder.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        sealed = version.manifest.files[file]
        found = self._whole(sealed)
        if found is not None:
            return found
        with self._alone():
            found = self._whole(sealed)
            return found or self._written(version, file, sealed)

    def tidy(self) -> None:
        """Remove the copies that nobody maps, and what dead writers left: for the start, before anything is made."""
        with contextlib.suppress(OSError), self._alone():  # it may not be there, or not ours: that shows later
            _remove_written(self._folder)
            _remove_free(self._folder)

    def _path(self, sealed: FileSeal) -> Path:
        return self._folder / sealed.sha256

    def _whole(self, sealed: FileSeal) -> Copy | None:
        """Return the copy that is there, None if there is none; one that is damaged is removed."""
        path = self._path(sealed)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            stat = os.fstat(descriptor)
            if FileSeal(hashlib.file_digest(file, "sha256").hexdigest(), stat.st_size) == sealed:
                return Copy(path, sealed, _stamp(stat))
        log.warning("the copy %s is damaged and is made again", path)
        path.unlink(missing_ok=True)
        return None

    def _written(self, version: VerifiedVersion, file: str, sealed: FileSeal) -> Copy:
        _remove_written(self._folder)
        if shutil.disk_usage(self._folder).free < sealed.bytes + self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._folder))
        path = self._path(sealed)
        with atomic_file.replacing(path) as temporary:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
            with os.fdopen(descriptor, "wb") as target:
                version.copy(file, target)
        return Copy(path, sealed, _stamp(path.stat()))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Let no other process write here meanwhile."""
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _stamp(stat: os.stat_result) -> _Stamp:
    return stat.st_dev, stat.st_ino, stat.st_ctime_ns, stat.st_size


def _let_go(folder: Path, descriptor: int, process: int) -> None:
    """Let go of a copy that is not used any more, and remove what nobody holds then."""
    if os.getpid() != process:
        return  # a fork has inherited the lock: it is not its own
    fcntl.flock(descriptor, fcntl.LOCK_UN)  # said aloud, because the map has a descriptor too
    os.close(descriptor)
    with contextlib.suppress(OSError):
        _remove_free(folder)


def _remove_free(folder: Path) -> None:
    for path in folder.iterdir():
        if not path.name.startswith(atomic_file.WRITING):
            with contextlib.suppress(OSError), path.open("rb") as file:  # of others, or held, or gone meanwhile
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def _remove_written(folder: Path) -> None:
    """Remove what writers left that were killed; the caller writes here alone."""
    for path in folder.glob(f"{atomic_file.WRITING}*"):
        path.unlink(missing_ok=True)
