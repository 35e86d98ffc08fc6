"""Open files that a process was handed, meant for it or not."""

import contextlib
import os
from collections.abc import Collection

_STANDARD = 3


def close_all_but(kept: Collection[int]) -> bool:
    """Close every descriptor but the standard streams and those that are kept; return True, since this always works."""
    for descriptor in _open():
        if descriptor >= _STANDARD and descriptor not in kept:
            with contextlib.suppress(OSError):
                os.close(descriptor)
    return True


def _open() -> list[int]:
    """Return the open descriptors, that of the listing included, which is closed by then."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        with contextlib.suppress(OSError):
            return [int(name) for name in os.listdir(folder)]  # noqa: PTH208 - names do
    return list(range(os.sysconf("SC_OPEN_MAX")))
