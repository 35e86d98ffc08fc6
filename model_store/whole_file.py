"""Files that have their room on the disk before they are used.

A file that is only as long as it should be has no blocks yet (it is sparse). Who maps it and writes gets a signal
(SIGBUS) instead of an error where the disk is full then, which ends the process.
"""

import errno
import os
from contextlib import suppress

_PIECE = 2**16


def allocate(descriptor: int, size: int) -> None:
    """Make a file at least ``size`` bytes long, with room on the disk for all of them; what it holds stays.

    What was added is zeros. Raises OSError if there is no room; the file is as long as before then.
    """
    before = os.fstat(descriptor).st_size
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, max(size, before))
        else:
            _fill(descriptor, before, size)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, before)
        raise


def _fill(descriptor: int, start: int, end: int) -> None:
    """Write zeros, on systems without posix_fallocate(3)."""
    while start < end:
        written = os.pwrite(descriptor, bytes(min(_PIECE, end - start)), start)
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        start += written
