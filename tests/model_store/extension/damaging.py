"""What is damaged at random is refused, or used without touching memory that is not its own.

As a program it does that with a kind of it (``trees``, ``points``, ``json``) and a shared object, which a sanitizer may
watch, and prints what it counted.
"""

import importlib
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from model_store.extension import loader


def counted(kernels, kind, rounds):
    """Return how often what was made and damaged ten times a round was turned down (True) and used (False).

    ``kind`` is a module that has ``made`` and ``turned_down``.
    """
    rng, counts = np.random.default_rng(1), Counter()
    for _ in range(rounds):
        made = kind.made(rng)
        for _ in range(10):
            counts[kind.turned_down(kernels, rng, *made)] += 1
    return counts


def copied(arrays, settings):
    return {name: array.copy() for name, array in arrays.items()}, dict(settings)


def of_another_length(rng, array):
    """Return the array with its first row once more, or without its last; it has a row."""
    return np.concatenate((array, array[:1])) if rng.integers(2) else array[:-1].copy()


def change_a_byte(rng, array):
    """Write any byte into the array, which is not empty."""
    array.reshape(-1).view(np.uint8)[rng.integers(array.nbytes)] = rng.integers(256)


def seal(arrays):
    """Make arrays read-only, as the extension wants them."""
    for array in arrays.values():
        array.flags.writeable = False


if __name__ == "__main__":
    what, shared_object, times = sys.argv[1:]
    found = importlib.import_module(f"tests.model_store.extension.damaging_{what}")
    sys.stdout.write(f"{dict(counted(loader.load(Path(shared_object)), found, int(times)))}\n")
