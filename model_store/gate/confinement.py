"""What confines a throw-away process: limits, no network, and an end together with its publisher."""

import contextlib
import ctypes
import os
import resource
import signal
import sys

_NEW_USER = 0x10000000
_NEW_NETWORK = 0x40000000
_PARENT_DEATH_SIGNAL = 1


def limit(seconds: float, memory: int) -> None:
    """Bound this process: processor time in seconds, address space and each file it writes in bytes, no core dump."""
    _lower(resource.RLIMIT_CPU, int(seconds) + 1, slack=1)  # SIGXCPU first, then SIGKILL
    _lower(resource.RLIMIT_AS, memory)
    _lower(resource.RLIMIT_FSIZE, memory)
    _lower(resource.RLIMIT_CORE, 0)


def cut_network() -> bool:
    """Leave this process without network if the system allows it, and return whether it did."""
    libc = ctypes.CDLL(None, use_errno=True)
    unshare = getattr(libc, "unshare", None)
    return unshare is not None and (unshare(_NEW_NETWORK) == 0 or unshare(_NEW_USER | _NEW_NETWORK) == 0)


def die_with(parent: int) -> None:
    """Have the system kill this process when the publisher is gone, so that no trial outlives it.

    Call it after the network was cut: a change of user namespace makes the system forget it. Raises SystemExit.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the publisher is gone already")


def _lower(kind: int, limit: int, slack: int = 0) -> None:
    """Set a limit, unless a stricter one holds already; macOS knows no limit on address space and refuses it."""
    _, hard = resource.getrlimit(kind)
    stricter = limit + slack if hard == resource.RLIM_INFINITY else min(limit + slack, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (min(limit, stricter), stricter))
