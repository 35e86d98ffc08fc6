"""The filter of system calls, run here for both processors: what it decides, and whether its numbers are right."""

import errno
import re
from pathlib import Path

import pytest

from model_store.confinement.calls import MACHINES, refusals
from model_store.confinement.seccomp import steps

OWN = 4242
ALLOWED, KILLED = 0x7FFF0000, 0x80000000
REFUSED, MISSING = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def decision(machine, number, arguments=(), architecture=None):
    """Run the program as the kernel does: an accumulator, jumps forward, a return."""
    words = {0: number, 4: architecture or machine.architecture}
    for place, argument in enumerate([*arguments, *[0] * (6 - len(arguments))]):
        words[16 + 8 * place], words[20 + 8 * place] = argument & 0xFFFFFFFF, argument >> 32
    program, at, value = list(steps(machine, refusals(OWN))), 0, 0
    while True:
        step = program[at]
        at += 1
        if step.operation == 0x20:
            value = words[step.constant]
        elif step.operation == 0x54:
            value &= step.constant
        elif step.operation == 0x06:
            return step.constant
        else:
            holds = value == step.constant if step.operation == 0x15 else value >= step.constant
            at += step.if_true if holds else step.if_false


@pytest.fixture(params=MACHINES)
def machine(request):
    return MACHINES[request.param]


def test_every_call_is_allowed_but_those_that_are_named(machine):
    named = {refusal.call: refusal for refusal in refusals(OWN)}
    names = {number: name for name, number in machine.numbers.items() if name in named}
    for number in range(500):
        refusal = named.get(names.get(number, ""))
        if refusal is None:
            assert decision(machine, number) == ALLOWED
        elif refusal.unless is None and refusal.only_if is None:
            assert decision(machine, number) == 0x00050000 | refusal.error


@pytest.mark.parametrize(
    ("call", "arguments", "expected"),
    [
        ("kill", [OWN, 11], ALLOWED),
        ("kill", [OWN + 1, 11], REFUSED),
        ("kill", [0, 11], REFUSED),
        ("kill", [0xFFFFFFFF, 11], REFUSED),
        ("tgkill", [OWN, 7, 6], ALLOWED),
        ("tgkill", [1, 7, 6], REFUSED),
        ("clone", [0x3D0F00], ALLOWED),
        ("clone", [0x1200011], REFUSED),
        ("clone3", [], MISSING),
        ("prlimit64", [0, 7, 0, 1], ALLOWED),
        ("prlimit64", [0, 7, 1 << 40, 0], REFUSED),
        ("openat", [3, 1, 0o1000], REFUSED),
        ("openat", [3, 1, 0o1001], ALLOWED),
        ("openat", [3, 1, 0o1102], ALLOWED),
        ("openat", [3, 1, 0], ALLOWED),
        ("ioctl", [0, 0x5412], REFUSED),
        ("ioctl", [0, 0x5413], ALLOWED),
        ("socket", [], REFUSED),
    ],
)
def test_arguments_decide(call, arguments, expected, machine):
    assert decision(machine, machine.numbers[call], arguments) == expected


def test_calls_by_another_architecture_or_numbering_end_the_process(machine):
    assert decision(machine, 1, architecture=0x40000003) == KILLED
    assert decision(machine, 0x40000001) == KILLED


def test_a_program_fits_what_the_kernel_takes(machine):
    program = list(steps(machine, refusals(OWN)))
    assert len(program) < 4096
    assert all(len(step.packed()) == 8 for step in program)


@pytest.mark.parametrize("name", MACHINES)
def test_the_numbers_are_those_of_the_kernel(name):
    if not HEADERS[name].exists():
        pytest.skip("the kernel's headers are not installed here")
    text = HEADERS[name].read_text()
    defined = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)
    known = {call: int(number) for call, number in defined}
    ours = MACHINES[name].numbers
    assert {call: number for call, number in known.items() if call in ours} == {
        c: n for c, n in ours.items() if c in known
    }
    assert len(ours.keys() & known.keys()) > 50
    refused = {refusal.call for refusal in refusals(OWN)}
    assert refused & known.keys() <= ours.keys()
