"""Files, TCP and signals as Landlock bounds them (Linux 5.13 and newer), by its system calls.

https://docs.kernel.org/userspace-api/landlock.html. Each version of its interface knows more rights; what this kernel
knows is asked for, so that older ones give what they can. Rights of the first version are those that count here, since
the filter of system calls refuses truncating and sockets.
"""

import contextlib
import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from model_store.confinement import kernel

_CREATE: Final = 444
_ADD: Final = 445
_RESTRICT: Final = 446
_ASK_VERSION: Final = 1
_PATH_BENEATH: Final = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE = 1 << 14
_IOCTL = 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_OF_EACH_VERSION = ((1, (1 << 13) - 1), (2, 1 << 13), (3, _TRUNCATE), (5, _IOCTL))
_KINDS_OF_SPECIAL_FILES = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11
"""Making devices, sockets and named pipes."""

_TCP, _SIGNALS_AND_ABSTRACT_SOCKETS = 3, 3
_KNOWS_TCP, _KNOWS_SCOPES = 4, 6


def restrict(read: Iterable[Path], write: Iterable[Path], names: Iterable[Path] = ()) -> bool:
    """Let this process read some files and folders, read and write others, and see the file names in yet others.

    Returns whether that holds: the kernel has Landlock, and there is no other thread, which it would not bind.
    """
    try:
        version = kernel.call(_CREATE, 0, 0, _ASK_VERSION)
        _bind(version, read, write, names)
    except OSError:
        return False
    return len(list(Path("/proc/self/task").iterdir())) == 1


def _bind(version: int, read: Iterable[Path], write: Iterable[Path], names: Iterable[Path]) -> None:
    handled = sum(rights for since, rights in _OF_EACH_VERSION if version >= since)
    ruleset = _ruleset(version, handled)
    for paths, rights in (
        (read, _READ_FILE | _READ_DIR),
        (write, handled & ~(_EXECUTE | _IOCTL | _KINDS_OF_SPECIAL_FILES)),
        (names, _READ_DIR),
        ([Path("/dev/null")], _READ_FILE | _WRITE_FILE),
    ):
        for path in paths:
            _allow(ruleset, path, rights)
    _allow_itself(ruleset)
    try:
        kernel.call(_RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)


def _ruleset(version: int, handled: int) -> int:
    """Return the descriptor of a set of rules, which refuses everything that it handles and no rule allows."""
    attributes = struct.pack("=Q", handled)
    if version >= _KNOWS_TCP:
        attributes += struct.pack("=Q", _TCP)
    if version >= _KNOWS_SCOPES:
        attributes += struct.pack("=Q", _SIGNALS_AND_ABSTRACT_SOCKETS)
    return kernel.call(_CREATE, ctypes.create_string_buffer(attributes, len(attributes)), len(attributes), 0)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """Allow rights to a file, or to all that is beneath a folder; what is not there needs none."""
    with contextlib.suppress(OSError):
        _add(ruleset, os.open(path, os.O_PATH | os.O_CLOEXEC), rights)


def _allow_itself(ruleset: int) -> None:
    """Allow reading what the kernel says of this process, in a folder that stays open.

    A rule belongs to an inode, and of ``/proc`` the kernel makes other ones once nobody uses them.
    """
    held = os.open("/proc/self", os.O_PATH | os.O_CLOEXEC)
    _add(ruleset, os.dup(held), _READ_FILE | _READ_DIR)


def _add(ruleset: int, beneath: int, rights: int) -> None:
    """Add a rule and close the descriptor of what it is about. Raises OSError."""
    try:
        allowed = rights if stat.S_ISDIR(os.fstat(beneath).st_mode) else rights & _OF_FILES
        rule = struct.pack("=Qi", allowed, beneath)
        kernel.call(_ADD, ruleset, _PATH_BENEATH, ctypes.create_string_buffer(rule, len(rule)), 0)
    finally:
        os.close(beneath)
