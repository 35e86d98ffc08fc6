"""What a process may do because of who runs it."""

import ctypes
import os
import struct
from typing import Final

from model_store.confinement import kernel

_SET_DUMPABLE: Final = 4
_SET_NO_NEW_PRIVILEGES: Final = 38
_CAPSET: Final = {"x86_64": 126, "aarch64": 91}
_CAPABILITIES_OF_64_BITS: Final = 0x20080522


def give_up() -> bool:
    """Drop all capabilities, root's too, and let no program that is executed gain any; return whether both hold."""
    try:
        kernel.control(_SET_NO_NEW_PRIVILEGES, 1)
        header = struct.pack("=Ii", _CAPABILITIES_OF_64_BITS, 0)
        kernel.call(_CAPSET[os.uname().machine], _buffer(header), _buffer(bytes(24)))
    except (OSError, KeyError):
        return False
    return True


def hide_memory() -> bool:
    """Close this process's memory to others of the same user, and return whether that holds.

    Such a process leaves no core dump, and nobody without privileges may trace it, or read its variables and memory in
    ``/proc``.
    """
    try:
        kernel.control(_SET_DUMPABLE, 0)
    except OSError:
        return False
    return True


def _buffer(content: bytes) -> "ctypes.Array[ctypes.c_char]":
    return ctypes.create_string_buffer(content, len(content))
