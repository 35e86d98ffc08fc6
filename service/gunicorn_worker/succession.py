"""Who listens in each slot, in memory that gunicorn's master and all its workers share.

gunicorn's reload starts the new workers and ends the old ones in one go. A worker that is told to stop therefore looks
here whether another one was made for its slot, and if so serves until that one is warm.
"""

import mmap

_SLOTS = 1024
_BYTES = 8


class Succession:
    """The youngest worker that was made for each slot, and the youngest that is ready, by gunicorn's age of them.

    Make it before workers are forked. Ages begin with 1; 0 is nobody.
    """

    def __init__(self) -> None:
        self._made = memoryview(mmap.mmap(-1, _SLOTS * _BYTES)).cast("q")
        self._ready = memoryview(mmap.mmap(-1, _SLOTS * _BYTES)).cast("q")

    def make(self, slot: int, age: int) -> None:
        """Note that a worker is about to be forked for a slot. Called in the master."""
        self._made[slot] = age

    def bury(self, slot: int, age: int) -> None:
        """Note that a worker has ended. Called in the master."""
        if self._made[slot] == age:
            self._made[slot] = 0

    def step_in(self, slot: int, age: int) -> None:
        """Note that a worker is ready to listen, or does. Called in the worker."""
        self._ready[slot] = age

    def awaited(self, slot: int, age: int) -> bool:
        """Return whether a younger worker is on its way to the slot, and not ready yet."""
        return self._made[slot] > max(age, self._ready[slot])
