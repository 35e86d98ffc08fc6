"""All of it, in order."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_store.confinement import descriptors, environment, landlock, limits, privileges, readable, seccomp
from model_store.confinement.parts import Part

MEMORY = 8 * 2**30
"""Bytes of address space that suffice for most: BLAS reserves tens of MB for each thread without using them."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a process keeps: files and folders to ``read``, folders to ``write``, ``descriptors``, ``memory`` in bytes.

    ``scratch`` is the folder for temporary files; it is written as well. No file that is written may be larger than
    ``largest_file`` bytes.
    """

    scratch: Path
    read: Sequence[Path] = ()
    write: Sequence[Path] = ()
    descriptors: frozenset[int] = frozenset()
    memory: int = MEMORY
    largest_file: int = 2**30


def confine(version_folder: Path, scratch: Path, inherited: int, memory: int = MEMORY) -> Mapping[str, bool]:
    """Confine this process to its version's folder, its scratch folder and one inherited descriptor.

    ``memory`` is in bytes of address space. Returns for each part, by name, whether it holds: see Part. Nothing is
    raised for what the system does not offer.
    """
    return within(Bounds(scratch, [version_folder], [], frozenset({inherited}), memory))


def within(bounds: Bounds) -> Mapping[str, bool]:
    """Confine this process to its bounds, and return for each part whether it holds."""
    if sys.platform != "linux":
        return _on_other_systems(bounds)
    return {
        Part.DESCRIPTORS.value: descriptors.close_all_but(bounds.descriptors),
        Part.ENVIRONMENT.value: environment.empty(bounds.scratch),
        Part.LIMITS.value: limits.lower(bounds.memory, bounds.largest_file),
        Part.PRIVILEGES.value: privileges.give_up(),
        Part.DUMPABLE.value: privileges.hide_memory(),
        Part.FILES.value: landlock.restrict(
            [*readable.libraries(), *bounds.read], [bounds.scratch, *bounds.write], [*readable.names()]
        ),
        Part.CALLS.value: seccomp.install(),
    }


def _on_other_systems(bounds: Bounds) -> Mapping[str, bool]:
    """Do what POSIX offers; the rest is Linux's."""
    return {
        **dict.fromkeys([part.value for part in Part], False),
        Part.DESCRIPTORS.value: descriptors.close_all_but(bounds.descriptors),
        Part.ENVIRONMENT.value: environment.empty(bounds.scratch),
        Part.LIMITS.value: limits.lower(bounds.memory, bounds.largest_file),
    }
