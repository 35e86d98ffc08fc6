"""What was measured of one server that was asked one thing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians over the rounds: requests per second, milliseconds, and microseconds of the server's CPU per request.

    ``together`` is how many requests a prediction was for, on average, where the server says so; else 0.
    """

    server: str
    words: str
    connections: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    together: float
    failed: int
