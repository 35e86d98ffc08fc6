"""One request and its response on their way through the service."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from service.observers.observer import Prediction

SUCCESS = "ok"
"""The code of an exchange that did not fail."""

Response = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


@dataclass(slots=True)
class Exchange:
    """One request and what came of it, for metrics and the access line.

    ``seconds`` counts from its arrival here; ``reason`` says why its credentials were refused.
    """

    environ: Mapping[str, Any]
    rule: str
    request_id: str
    started: float
    status: int = 500
    code: str = SUCCESS
    reason: str = ""
    principal: Any = None
    prediction: Prediction | None = None
    dialect: str = ""
    trace_id: str | None = None
    sent_bytes: int = 0
    seconds: float = 0.0


class Record(Protocol):
    """The receiver of each exchange; ``service.http.record.Recorder`` is the real one."""

    def begin(self, exchange: Exchange) -> None:
        """Take note that it has come in."""

    def end(self, *exchanges: Exchange, counted: bool = False) -> None:
        """Take note of what came of them; ``counted`` if the requests of their routes are counted elsewhere."""
