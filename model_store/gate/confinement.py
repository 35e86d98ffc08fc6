"""What bounds a throw-away process besides its confinement: processor time, and an end together with its publisher."""

import ctypes
import os
import resource
import signal
import sys

from model_store.confinement.limits import at_most

_NEW_USER = 0x10000000
_NEW_NETWORK = 0x40000000
_PARENT_DEATH_SIGNAL = 1


def limit_time(seconds: float) -> None:
    """Bound this process's processor time, in seconds."""
    at_most(resource.RLIMIT_CPU, int(seconds) + 1, slack=1)  # SIGXCPU first, then SIGKILL


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
