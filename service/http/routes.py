"""A predict route, said once: as a Flask rule, as the pattern of the fast path, and with the dialect that it speaks."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from service.errors import ServiceError
from service.wire import Dialect, Target

Values = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class PredictRoute:
    """One POST route that answers predictions.

    ``rule`` is its Flask rule, ``pattern`` matches the same decoded paths in full, with groups ``model`` and, where the
    route has them, ``version`` and ``label``. ``target`` turns the groups into a Target and may raise ServiceError.
    ``phrase`` words an error's ``error`` text in the protocol's own way; None keeps the error's own detail.
    """

    rule: str
    pattern: re.Pattern[str]
    dialect: Dialect
    target: Callable[[Values], Target]
    phrase: Callable[[ServiceError, Values], str | None] = lambda _error, _values: None
