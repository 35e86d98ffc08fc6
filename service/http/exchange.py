"""One request and its response on their way through the service."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import quote

from service.observers.observer import Prediction

SUCCESS = "ok"
"""The code of an exchange that did not fail."""

FACTS = "X-Log"
"""The header in which a replica hands Nginx what only it knows of a request. Nginx logs it and passes it to nobody."""

_LONGEST_CALLER = 200

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


def facts(exchange: Exchange) -> str:
    """Write model, version, channel, code, rows and caller, between spaces; ``-`` where there is none."""
    prediction = exchange.prediction
    caller = _printable(getattr(exchange.principal, "subject", None) or "-")
    if prediction is None:
        return f"- - - {exchange.code} - {caller}"
    model = prediction.model
    return f"{model.name} {model.version} {prediction.channel} {exchange.code} {prediction.rows} {caller}"


@lru_cache(maxsize=1024)
def _printable(caller: str) -> str:
    """Return a caller's name as a header can hold it: with percent signs if it is not plain ASCII."""
    plain = caller.isascii() and caller.isprintable()
    return (caller if plain else quote(caller.encode("utf-8", "backslashreplace")))[:_LONGEST_CALLER]


class Record(Protocol):
    """The receiver of each exchange; ``service.http.record.Recorder`` is the real one."""

    def begin(self, exchange: Exchange) -> None:
        """Take note that it has come in."""

    def end(self, *exchanges: Exchange, counted: bool = False) -> None:
        """Take note of what came of them; ``counted`` if the requests of their routes are counted elsewhere."""
