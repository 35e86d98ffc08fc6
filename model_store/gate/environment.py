"""What the outcome of a trial depends on besides the version: the code that it ran with, and the machine."""

import hashlib
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from model_store.joining.machine import processor

_PACKAGE = Path(__file__).resolve().parents[1]


def environment() -> str:
    """Return 32 hex digits that are others after any package, Python, this one, the system or the processor changed."""
    digest = hashlib.sha256()
    for part in (platform.python_version(), platform.platform(), processor(), *_installed(), *_own_code()):
        digest.update(part.encode() + b"\n")
    return digest.hexdigest()[:32]


def _installed() -> list[str]:
    """Return the names and versions of the packages that this process imports from."""
    return sorted({info.name for entry in sys.path for info in Path(entry).glob("*.dist-info")})


def _own_code() -> Iterator[str]:
    for path in sorted(_PACKAGE.rglob("*.py")):
        yield hashlib.sha256(path.read_bytes()).hexdigest()
