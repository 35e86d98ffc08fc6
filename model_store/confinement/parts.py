"""The parts of a confinement by name, as logs, the readiness page and metrics show them."""

from enum import StrEnum


class Part(StrEnum):
    """One part: what it does if it holds."""

    DESCRIPTORS = "descriptors"
    """No open file but the standard streams and those that were meant for it."""
    ENVIRONMENT = "environment"
    """No variable of the process that started it."""
    LIMITS = "limits"
    """Address space, files, their size and core dumps are bounded."""
    PRIVILEGES = "privileges"
    """No capability, and no way to gain any."""
    DUMPABLE = "dumpable"
    """Its memory is closed to processes of the same user."""
    FILES = "files"
    """Landlock: it reads libraries and its version, and writes to its scratch folder."""
    CALLS = "calls"
    """A filter of system calls: no new socket, no process, no signal to others, none of their memory."""
