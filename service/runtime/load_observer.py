"""What a load costs, and the port of what takes note of loads."""

from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

from service.metrics.processes import resident_bytes


@dataclass(frozen=True, slots=True)
class LoadCost:
    """What a load took: seconds, and bytes by which the process grew."""

    seconds: float
    memory_bytes: int

    def __add__(self, other: "LoadCost") -> "LoadCost":
        return LoadCost(self.seconds + other.seconds, self.memory_bytes + other.memory_bytes)


class Meter:
    """Measures what is done from its creation on."""

    def __init__(self) -> None:
        self._memory_bytes, self._began = resident_bytes(), perf_counter()

    def cost(self) -> LoadCost:
        """Return what was taken so far."""
        return LoadCost(perf_counter() - self._began, resident_bytes() - self._memory_bytes)


class LoadObserver(Protocol):
    """What takes note of loads. What a master opens and a worker warms is one load, in the worker."""

    def loaded(self, name: str, version: int, cost: LoadCost) -> None:
        """Take note of a version that is ready."""

    def failed(self, name: str, version: int, code: str) -> None:
        """Take note of a version that could not be loaded; ``code`` is the error's."""

    def replayed(self, name: str, version: int, *, matched: bool) -> None:
        """Take note of whether a version answered its stored sample as at publication."""
