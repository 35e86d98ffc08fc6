"""A file that appears whole: written next to its place, then renamed, so that readers never see a part of it."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WRITING = ".writing-"
"""How the names of files begin that are being written, or whose writer was killed."""


def write(path: Path, data: bytes, *, durable: bool = False, mode: int = 0o666, replace: bool = True) -> None:
    """Put ``data`` at ``path`` in one step. ``mode`` is the new file's, less the process's umask.

    With ``durable`` the file is there also after a power cut. Without ``replace`` a file that is there already stays,
    and FileExistsError is raised. Raises OSError.
    """
    with replacing(path, durable=durable, replace=replace) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)


@contextmanager
def replacing(path: Path, *, durable: bool = False, replace: bool = True) -> Iterator[Path]:
    """Yield a path to write at, in the same folder; what is written there then takes its place at ``path``.

    If the writer raises, ``path`` stays as it was. For ``durable`` and ``replace`` see ``write``.
    """
    temporary = path.with_name(f"{WRITING}{secrets.token_hex(8)}")
    try:
        yield temporary
        if durable:
            sync(temporary)
        if replace:
            temporary.replace(path)
        else:
            os.link(temporary, path)  # refuses to replace, in one step
    finally:
        temporary.unlink(missing_ok=True)
    if durable:
        sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
