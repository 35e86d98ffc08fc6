"""How long a version takes for so many rows, learnt from its latest predictions."""

_KEPT = 0.95
"""How much an earlier prediction still counts when another one is noted."""

_LEAST_SPREAD = 0.25
"""Variance of the rows from which on a slope can be told."""


class Pace:
    """Fits seconds = fixed + each * rows to what was noted, by least squares; earlier predictions count less."""

    __slots__ = ("_largest", "_rows", "_rows_rows", "_rows_seconds", "_seconds", "_weight")

    def __init__(self) -> None:
        self._weight = self._rows = self._seconds = self._rows_rows = self._rows_seconds = 0.0
        self._largest = 1.0

    def note(self, rows: int, seconds: float) -> None:
        """Take note that a prediction of so many rows took so many seconds."""
        self._weight = _KEPT * self._weight + 1
        self._rows = _KEPT * self._rows + rows
        self._seconds = _KEPT * self._seconds + seconds
        self._rows_rows = _KEPT * self._rows_rows + rows * rows
        self._rows_seconds = _KEPT * self._rows_seconds + rows * seconds
        self._largest = max(_KEPT * self._largest, rows, 1)

    def most_rows(self, longest: float) -> int:
        """Return how many rows are expected to take at most ``longest`` seconds, or twice the time of one row.

        That is at most twice the rows that were seen lately: further than that nothing is known.
        """
        bold = int(2 * self._largest)
        fixed, each = self._line()
        if each <= 0:
            return bold
        allowed = max(longest, 2 * (fixed + each))
        return min(bold, int((allowed - fixed) / each))

    def _line(self) -> tuple[float, float]:
        """Return the fixed seconds, and those for each row; the latter are 0 if they cannot be told yet."""
        if not self._weight:
            return 0.0, 0.0
        rows, seconds = self._rows / self._weight, self._seconds / self._weight
        spread = self._rows_rows / self._weight - rows * rows
        if spread < _LEAST_SPREAD:
            return seconds, 0.0
        each = (self._rows_seconds / self._weight - rows * seconds) / spread
        return max(0.0, seconds - each * rows), each
