"""The port: where workers leave word of themselves, and find that of others."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

HEARTBEAT = 4.0
"""Seconds after which a worker repeats a record that has not changed."""
STALE = 15.0
"""Seconds after which a worker that has not repeated its record counts as gone."""


class Unreachable(Exception):
    """Records can be neither left nor found there now."""


@dataclass(frozen=True, slots=True)
class Record:
    """What one worker, which is the process ``pid`` of a replica, says of itself: bytes whose meaning is its own."""

    replica: str
    pid: int
    body: bytes


class Presence(ABC):
    """The records of workers. Those that were not left again within ``STALE`` seconds are of workers that are gone."""

    @abstractmethod
    def announce(self, record: Record) -> None:
        """Leave a record in the place of the one before. Raises Unreachable."""

    @abstractmethod
    def withdraw(self, replica: str, pid: int) -> None:
        """Take a worker's record back, if there is one. Raises Unreachable."""

    @abstractmethod
    def records(self) -> list[Record]:
        """Return the records of all workers that are there, by replica and process id. Raises Unreachable."""
