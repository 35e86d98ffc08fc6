"""The port: where workers keep the rows that they predicted lately, for ground truth that comes later."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

MOST_WORKERS = 64
"""Workers whose rows are kept at most, those that are gone included."""


class PredictedRow(NamedTuple):
    """One row of a request. ``key`` is 16 bytes that stand for the request; ``value`` is a number, or a class's hash.

    ``place`` is the file and the offset where a row was found that is kept in a file.
    """

    key: bytes
    row: int
    version: int
    value: float
    classified: bool
    judged: bool = False
    place: tuple[Path, int] | None = None


class RecentRows(ABC):
    """The last rows of each worker, as many of one worker as it was made for: older ones are forgotten."""

    @abstractmethod
    def remember(self, rows: Iterable[PredictedRow]) -> None:
        """Keep rows of this worker, without waiting for anything; others find them within seconds."""

    @abstractmethod
    def find(self, keys: Collection[bytes]) -> dict[bytes, dict[int, PredictedRow]]:
        """Return the kept rows of requests, of all workers, by row; of two requests of one key, those of the newer.

        A key without rows is left out. Raises Unavailable.
        """

    @abstractmethod
    def mark(self, rows: Collection[PredictedRow]) -> set[tuple[bytes, int]]:
        """Mark rows that were found as judged; return the keys and rows of those that nobody had marked before.

        Of all who mark a row, in all workers, it is returned to one. A row that was forgotten meanwhile is returned to
        nobody. Raises Unavailable; nothing is marked then.
        """

    @abstractmethod
    def close(self) -> None:
        """Leave to others what this worker remembers, as it ends; wait two seconds at most."""
