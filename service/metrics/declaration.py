"""The declaration of a metric."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
Mode = Literal["", "livesum", "livemax", "mostrecent"]
Origin = Literal["worker", "replica", "flask", "nginx"]


@dataclass(frozen=True, slots=True)
class Declaration:
    """One metric.

    ``mode`` says how a gauge's values of several workers become one; ``origin`` says who records it. ``from_zero`` are
    values of its one label that are shown from the start, where alerts watch the counter: a rate does not see the event
    with which a series appears.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    mode: Mode = ""
    origin: Origin = "worker"
    from_zero: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """Return the names under which samples are stored in Prometheus."""
        if self.kind == "histogram":
            return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))
        return (self.name,)
