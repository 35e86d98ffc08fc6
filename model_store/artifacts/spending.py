"""Bytes that are read once: each block is let go of as soon as all of it was read."""

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any


class SpentBytes(io.RawIOBase):
    """A file of blocks in memory. Once ``spending``, a block is gone after as many bytes of it were read as it has.

    What is made of the bytes takes the memory that they leave. To read of a block that is gone raises OSError.
    """

    def __init__(self, blocks: Sequence[bytes], *, spending: bool) -> None:
        super().__init__()
        self.spending = spending
        self._blocks: list[bytes | None] = list(blocks)
        self._left = [len(block) for block in blocks]
        self._starts = [0, *accumulate(self._left)]
        self._place = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, and return it."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._starts[-1]}[whence]
        self._place = max(0, start + offset)
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Read as many bytes as there are and fit into the buffer; return how many."""
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self._starts[-1] - self._place)
        done = 0
        while done < wanted:
            done += self._read_from_one(view[done:wanted])
        return max(done, 0)

    def _read_from_one(self, view: memoryview) -> int:
        index = bisect_right(self._starts, self._place) - 1
        block, start = self._blocks[index], self._place - self._starts[index]
        if block is None:
            raise OSError("these bytes were read before and are gone")
        count = min(len(view), len(block) - start)
        view[:count] = memoryview(block)[start : start + count]
        self._place += count
        self._spend(index, count)
        return count

    def _spend(self, index: int, count: int) -> None:
        if self.spending:
            self._left[index] -= count
            if self._left[index] <= 0:
                self._blocks[index] = None
