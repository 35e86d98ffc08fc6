"""The variables of a process that runs a model's own code."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from model_store.extension.loader import VARIABLE, turned_off

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_NO_SEMAPHORES = {"JOBLIB_MULTIPROCESSING": "0"}
"""Semaphores are files that all processes share, which a confined one cannot make: joblib does one thing at a time."""
_ALLOWED = frozenset(
    {"PATH", "HOME", "TMPDIR", "LANG", "LC_CTYPE", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", VARIABLE}
).union(THREADS, _NO_SEMAPHORES)


def bare(scratch: Path, path: Sequence[str]) -> dict[str, str]:
    """Return the variables to start such a process with: no secret, one thread, and what it imports from."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONDONTWRITEBYTECODE": "1",
        **dict.fromkeys(THREADS, "1"),
        **_NO_SEMAPHORES,
        **({VARIABLE: "OFF"} if turned_off() else {}),
    }


def empty(scratch: Path) -> bool:
    """Forget every variable that ``bare`` has not, and put temporary files into the scratch folder.

    Returns whether the process was started with no other variable either: these stay readable in its memory.
    """
    for name in os.environ.keys() - _ALLOWED:
        del os.environ[name]
    os.environ.update(HOME=str(scratch), TMPDIR=str(scratch))
    tempfile.tempdir = str(scratch)
    return _started_with() <= _ALLOWED


def _started_with() -> set[str]:
    """Return the names of the variables that this process was started with, a strange one if that is not told."""
    try:
        block = Path("/proc/self/environ").read_bytes()
    except OSError:
        return {""}
    return {entry.partition(b"=")[0].decode("utf-8", "replace") for entry in block.split(b"\0") if entry}
