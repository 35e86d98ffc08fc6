"""The slowest requests, whose lines are never left out."""

from heapq import heapreplace


class Slowest:
    """Finds the slowest ``kept`` of each ``window`` successive durations, in seconds, and misses none of them.

    A duration is told as it comes, so some are found that slower ones overtake later: of durations in no order
    ``kept * (1 + ln(window / kept))``, 5.6 of a hundred.
    """

    def __init__(self, kept: int = 10, window: int = 1000) -> None:
        self._kept, self._window = kept, window
        self._slowest = [0.0] * kept
        self._left = window

    def has(self, seconds: float) -> bool:
        """Tell whether the next duration is one of the slowest of its window so far."""
        if not self._left:
            self._slowest, self._left = [0.0] * self._kept, self._window
        self._left -= 1
        if seconds < self._slowest[0]:
            return False
        heapreplace(self._slowest, seconds)
        return True
