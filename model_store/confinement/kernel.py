"""System calls for which Python has no function."""

import ctypes
import errno
import os
import sys


def call(number: int, *arguments: "int | ctypes.Array[ctypes.c_char]") -> int:
    """Make a system call with whole numbers and buffers, and return its result. Raises OSError, ENOSYS but on Linux."""
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    passed = [ctypes.c_long(given) if isinstance(given, int) else given for given in arguments]
    result: int = libc.syscall(ctypes.c_long(number), *passed)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def control(option: int, value: int) -> None:
    """Set something of this process by prctl(2). Raises OSError."""
    prctl = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)
    if prctl is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    nothing = ctypes.c_ulong(0)
    if prctl(option, ctypes.c_ulong(value), nothing, nothing, nothing) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
