"""The folders of a model process: a private copy of its version, which it reads, and one for temporary files."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model_store.seal import MANIFEST
from model_store.stores.store import VerifiedVersion

Copied = Callable[[VerifiedVersion, str], Path]
"""Gives a whole copy of a file of a version that its process may read; raises OSError if there is none to be had."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a model process reads and writes. ``version`` is its copy, checked against the seal as it was made."""

    folder: Path

    @property
    def version(self) -> Path:
        """The copy of the version."""
        return self.folder / "version"

    @property
    def scratch(self) -> Path:
        """The folder for temporary files; ``clear`` empties it."""
        return self.folder / "scratch"

    @classmethod
    def make(cls, parent: Path, version: VerifiedVersion, copied: Copied | None = None) -> "Workplace":
        """Copy a version into a new folder in ``parent``. ``copied`` may have copies that others share.

        Raises SealBroken, OSError.
        """
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = cls(Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent)))
        try:
            made.version.mkdir()
            (made.version / MANIFEST).write_bytes(version.manifest.to_bytes())
            for file in version.manifest.files:
                _copy(version, file, made.version / file, copied)
            made.clear()
        except BaseException:
            made.remove()
            raise
        return made

    def clear(self) -> None:
        """Give an empty folder for temporary files. Raises OSError."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(mode=0o700)

    def remove(self) -> None:
        """Remove both folders."""
        shutil.rmtree(self.folder, ignore_errors=True)


def tidy(parent: Path) -> None:
    """Remove the folders of processes whose worker is gone."""
    with contextlib.suppress(OSError):
        for folder in parent.iterdir():
            worker = folder.name.partition("-")[0]
            if worker.isdecimal() and not Path("/proc", worker).exists() and not _is_alive(int(worker)):
                shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _copy(version: VerifiedVersion, file: str, target: Path, copied: Copied | None) -> None:
    """Link to a copy that is there, where that can be, else copy."""
    with contextlib.suppress(OSError):
        if copied is not None:
            target.hardlink_to(copied(version, file))
            return
    with target.open("wb") as opened:
        version.copy(file, opened)
