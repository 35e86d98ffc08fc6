"""A filter of system calls, for the processors that it has numbers for: x86-64 and ARM's 64 bits.

A program of classic BPF that the kernel runs for each call, on its number, architecture and arguments (``struct
seccomp_data``): https://docs.kernel.org/userspace-api/seccomp_filter.html, seccomp(2).
"""

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from model_store.confinement import kernel
from model_store.confinement.calls import MACHINES, Machine, Refusal, refusals

_LOAD, _AND, _EQUALS, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_SET_FILTER, _ALL_THREADS = 1, 1
_OTHER_NUMBERING = 0x40000000
_LOW = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction: operation, how many to skip if a comparison holds or not, and its constant."""

    operation: int
    constant: int
    if_true: int = 0
    if_false: int = 0

    def packed(self) -> bytes:
        """Return the instruction as the kernel reads it (``struct sock_filter``)."""
        return struct.pack("=HBBI", self.operation, self.if_true, self.if_false, self.constant)


def install() -> bool:
    """Refuse system calls from now on, in all threads, and return whether that holds.

    It needs a process that can gain no privileges.
    """
    machine = MACHINES.get(os.uname().machine)
    if machine is None or sys.maxsize < _LOW:
        return False
    program = b"".join(step.packed() for step in steps(machine, refusals(os.getpid())))
    try:
        return _installed(machine.numbers["seccomp"], program)
    except OSError:
        return False


def _installed(number: int, program: bytes) -> bool:
    kept = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("@HP", len(program) // 8, ctypes.addressof(kept))
    return kernel.call(number, _SET_FILTER, _ALL_THREADS, ctypes.create_string_buffer(described, len(described))) == 0


def steps(machine: Machine, refused: Iterable[Refusal]) -> Iterable[Step]:
    """Yield the program for a machine. Calls of another architecture end the process; the rest is allowed."""
    yield Step(_LOAD, _ARCHITECTURE)
    yield Step(_EQUALS, machine.architecture, if_true=1)
    yield Step(_RETURN, _KILL)
    yield Step(_LOAD, _NUMBER)
    yield Step(_AT_LEAST, _OTHER_NUMBERING, if_false=1)
    yield Step(_RETURN, _KILL)
    for refusal in refused:
        number = machine.numbers.get(refusal.call)
        if number is not None:
            block = list(_block(refusal))
            yield Step(_EQUALS, number, if_false=len(block))
            yield from block
    yield Step(_RETURN, _ALLOW)


def _block(refusal: Refusal) -> Iterable[Step]:
    """Yield what decides on a call whose number was recognised; each way through it ends in a return."""
    error = Step(_RETURN, _ERROR | refusal.error)
    test = refusal.unless or refusal.only_if
    if test is None:
        yield error
        return
    equal, other = (Step(_RETURN, _ALLOW), error) if refusal.unless else (error, Step(_RETURN, _ALLOW))
    place = _ARGUMENTS + 8 * test.argument
    yield from _compare(place, test.mask & _LOW, test.value & _LOW, skip=4)
    yield from _compare(place + 4, test.mask >> 32, test.value >> 32, skip=1)
    yield equal
    yield other


def _compare(place: int, mask: int, value: int, skip: int) -> Iterable[Step]:
    """Compare half of an argument (both machines put the low half first), and skip steps if it is another value."""
    yield Step(_LOAD, place)
    yield Step(_AND, mask)
    yield Step(_EQUALS, value, if_false=skip)
