"""What the last bits of an answer depend on besides the model: processor, BLAS kernel, libraries."""

import platform
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from threadpoolctl import threadpool_info

_LIBRARIES = ("numpy", "scipy", "scikit-learn")


def here() -> Mapping[str, str]:
    """Return ``kernel``, for which processor BLAS computes in this process, ``processor`` and ``libraries``."""
    kernels = {str(pool.get("architecture", pool["internal_api"])) for pool in threadpool_info() if _is_blas(pool)}
    return {"kernel": ", ".join(sorted(kernels)), "processor": processor(), "libraries": _libraries()}


def _is_blas(pool: Mapping[str, object]) -> bool:
    return pool["user_api"] == "blas"


@cache
def _libraries() -> str:
    return ", ".join(f"{name} {metadata.version(name)}" for name in _LIBRARIES)


@cache
def processor() -> str:
    """Return the processor's name, by which libraries choose how they compute."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return next((line for line in lines if line.startswith(("model name", "CPU part"))), platform.processor())
