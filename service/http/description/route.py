"""What a route says of itself, next to its view. A view that says nothing never starts to serve."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ParamSpec, Protocol, TypeVar

import flask

from service.dialects.dialect import Dialect
from service.dialects.json_schema import Json
from service.http.guards import Guard, guard_of
from service.wire import JSON, ErrorForm

View = TypeVar("View", bound=Callable[..., Any])
Facts = ParamSpec("Facts")
_MARK = "__description__"
_VARIABLE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")

PREDICTION_REFUSALS = (400, 401, 403, 404, 413, 415, 429, 500, 503)
READ_REFUSALS = (400, 401, 403, 404)
LIST_REFUSALS = (401, 403)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the API description, with a sentence about it."""

    name: str
    summary: str


OPERATION = Section("Operation", "What describes the service itself")
ACCESS = Section("Access", "`/oauth`: tokens for clients, and what describes them")
ADMINISTRATION = Section("Administration", "`/admin`: who may do what, the record of it, and the models' versions")


@dataclass(frozen=True, slots=True)
class RouteDescription:
    """What a view does, takes and answers.

    ``{which}`` in the ``summary`` stands for the version that an address names. ``request`` and ``response`` are the
    types of the bodies, as msgspec reads and writes them; None is no body. ``refusals`` are the statuses that it may
    answer besides ``success``. Its errors may have their own form, ``errors``, instead of that of their address.
    ``query`` has the schemas of its parameters in the query, each with a description. A route with a ``verb`` predicts:
    the model's dialect describes its bodies and its query; ``model`` names the model if the address does not.
    """

    section: Section
    summary: str
    request: Any = None
    response: Any = None
    refusals: tuple[int, ...] = ()
    success: int = 200
    request_media_type: str = JSON
    request_required: bool = True
    media_type: str = JSON
    errors: ErrorForm | None = None
    verb: str = ""
    model: Callable[[], str | None] | None = None
    query: Mapping[str, Json] = field(default_factory=dict)


class Mark(Protocol):
    """Marks a view, and returns it."""

    def __call__(self, view: View, /) -> View:
        """Return the view, marked."""


def described_as(description: RouteDescription) -> Mark:
    """Mark a view with its description."""

    def mark(view: View) -> View:
        setattr(view, _MARK, description)
        return view

    return mark


def _taking(make: Callable[Facts, RouteDescription]) -> Callable[Facts, Mark]:
    def decorator(*facts: Facts.args, **more: Facts.kwargs) -> Mark:
        return described_as(make(*facts, **more))

    return decorator


described = _taking(RouteDescription)
"""Mark a view with a RouteDescription of these facts."""


def undescribed(view: View) -> View:
    """Mark a view that refuses every request: the API description leaves it out."""
    setattr(view, _MARK, None)
    return view


def section_of(dialect: Dialect) -> Section:
    """Return a dialect's section."""
    return Section(dialect.title, dialect.summary)


def prediction(
    dialect: Dialect, verb: str, summary: str, *refusals: int, model: Callable[[], str | None] | None = None
) -> RouteDescription:
    """Return the description of a predict route, which may answer ``refusals`` and those of all predict routes."""
    return RouteDescription(
        section_of(dialect), summary, refusals=(*PREDICTION_REFUSALS, *refusals), verb=verb, model=model
    )


@dataclass(frozen=True, slots=True)
class DescribedRoute:
    """A method and a path, with its variables in braces, and what its view says."""

    method: str
    path: str
    guard: Guard
    description: RouteDescription

    @property
    def variables(self) -> list[str]:
        """Return the names of the path's variables."""
        return re.findall(r"{([^}]+)}", self.path)


def described_routes(app: flask.Flask) -> list[DescribedRoute]:
    """Return every route but those that are left out. Raises LookupError if a view has no mark."""
    return [
        DescribedRoute(method, _VARIABLE.sub(r"{\1}", rule.rule), guard_of(app, rule.endpoint), description)
        for rule in app.url_map.iter_rules()
        if (description := _description_of(app.view_functions, rule.endpoint)) is not None
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def _description_of(views: Mapping[str, Callable[..., Any]], endpoint: str) -> RouteDescription | None:
    try:
        description: RouteDescription | None = getattr(views[endpoint], _MARK)
    except AttributeError:
        raise LookupError(f"the view {endpoint!r} is marked neither described nor undescribed") from None
    return description
