"""Limits that the system keeps for one process (setrlimit(2)).

Processes are not among them: that limit counts all threads of a user on the machine, in every container. The filter of
system calls refuses new processes, and address space bounds threads.
"""

import contextlib
import resource

_OPEN_FILES = 256


def lower(memory: int, largest_file: int) -> bool:
    """Bound address space and each written file (both in bytes), open files and core dumps; return whether all hold."""
    set_all = [
        at_most(resource.RLIMIT_AS, memory),
        at_most(resource.RLIMIT_NOFILE, _OPEN_FILES),
        at_most(resource.RLIMIT_FSIZE, largest_file),
        at_most(resource.RLIMIT_CORE, 0),
    ]
    return all(set_all)


def at_most(kind: int, limit: int, slack: int = 0) -> bool:
    """Set a limit unless a stricter one holds, and return whether it holds; macOS refuses one on address space.

    ``slack`` is how far the hard limit, which nobody can raise, lies above the soft one, which sends a signal first.
    """
    _, hard = resource.getrlimit(kind)
    stricter = limit + slack if hard == resource.RLIM_INFINITY else min(limit + slack, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (min(limit, stricter), stricter))
    soft, _ = resource.getrlimit(kind)
    return soft != resource.RLIM_INFINITY and soft <= limit
