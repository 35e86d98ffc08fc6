"""The file that says which store a folder holds, so that an empty folder in its place is not taken for it.

A volume that is not mounted leaves an empty folder, and a wrong mount another store. Neither means that somebody has
removed the models.
"""

import contextlib
import secrets
from pathlib import Path

from model_store import atomic_file

FILE = ".identity"
_MODE = 0o444
_LONGEST = 128


def read(root: Path) -> str | None:
    """Return the store's identity; None if it has none. Raises OSError if that cannot be told."""
    try:
        with (root / FILE).open("rb") as file:
            return file.read(_LONGEST).decode("ascii", "replace").strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None


def give(root: Path) -> str | None:
    """Give the store an identity unless it has one, and return the one that it has then. Raises OSError."""
    if read(root) is None:
        with contextlib.suppress(FileExistsError):  # somebody else was faster
            atomic_file.write(
                root / FILE, f"{secrets.token_hex(16)}\n".encode(), durable=True, mode=_MODE, replace=False
            )
    return read(root)
