"""A predict route, said once: as a Flask rule, as the pattern of the fast path, and with the verb that it answers."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import flask

from model_store.request_errors import RequestError
from service.dialects.dialect import Dialect
from service.http.description.route import RouteDescription
from service.wire import Phrase, Target, Values, Verb

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "__phrase__"


@dataclass(frozen=True, slots=True)
class PredictRoute:
    """One POST route that answers predictions.

    ``rule`` is its Flask rule, ``pattern`` matches the same decoded paths in full, with groups ``model`` and, if the
    route has them, ``version`` and ``label``. ``target`` turns the groups into a Target and may raise RequestError.
    The ``dialect`` says how errors look.
    """

    rule: str
    pattern: re.Pattern[str]
    dialect: Dialect
    verb: Verb
    target: Callable[[Values], Target]
    description: RouteDescription


@dataclass(frozen=True, slots=True)
class DialectRoutes:
    """A dialect, and all its routes: those that predict, and the others if there are any."""

    dialect: Dialect
    predict_routes: Sequence[PredictRoute]
    blueprint: flask.Blueprint | None = None


def phrased(phrase: Phrase) -> Callable[[View], View]:
    """Mark a view whose errors, and those of its guard, are worded by ``phrase``."""

    def mark(view: View) -> View:
        setattr(view, _MARK, phrase)
        return view

    return mark


def wording(view: Callable[..., Any] | None, error: Exception, values: Values) -> str | None:
    """Return how the view's mark words an error; None if it has none or leaves the error as it is."""
    phrase: Phrase | None = getattr(view, _MARK, None)
    return phrase(error, values) if phrase is not None and isinstance(error, RequestError) else None
