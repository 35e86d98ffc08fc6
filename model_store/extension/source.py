"""Which shared object belongs to the source that is here: `python model_store/extension/source.py` prints its path."""

import hashlib
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SOURCES = ("kernels.c", "buffers.h", "json_numbers.h", "points.h", "nearest.h", "walk.h", "abi3.h", "flags")


def shared_object(folder: Path = FOLDER) -> Path:
    """Return where the shared object lies that was built of the source in a folder: its hash is in the name.

    So one that was built of another source is never found. Raises OSError if the source cannot be read.
    """
    read = hashlib.sha256(b"".join((folder / name).read_bytes() for name in SOURCES))
    return folder / f"kernels.{read.hexdigest()[:16]}.abi3.so"


if __name__ == "__main__":
    sys.stdout.write(f"{shared_object()}\n")
