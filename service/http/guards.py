"""Who may call a view, said next to the view and enforced in one place. A view without a mark never starts to serve."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import flask

from service.auth.principals import authorize
from service.http.access import Authentication
from service.http.body import EnvironHeaders

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "__guard__"


@dataclass(frozen=True, slots=True)
class Guard:
    """The permission that a view needs (None: open to everyone), and which of its arguments names the model."""

    permission: str | None
    model_arg: str | None = None


def guarded(permission: str, model_arg: str | None = "model") -> Callable[[View], View]:
    """Mark a view as needing ``permission``, on the model that its argument ``model_arg`` names if it has one."""

    def mark(view: View) -> View:
        setattr(view, _MARK, Guard(permission, model_arg))
        return view

    return mark


def public(view: View) -> View:
    """Mark a view as open to everyone."""
    setattr(view, _MARK, Guard(None))
    return view


def guard_of(app: flask.Flask, endpoint: str) -> Guard:
    """Return the guard of an endpoint. Raises LookupError if its view has no mark."""
    guard: Guard | None = getattr(app.view_functions[endpoint], _MARK, None)
    if guard is None:
        raise LookupError(f"the view {endpoint!r} is marked neither guarded nor public")
    return guard


def enforce(app: flask.Flask, authenticator: Authentication) -> None:
    """Check every request against its view's guard before the view runs; refuse to start with an unmarked view."""
    guards = {endpoint: guard_of(app, endpoint) for endpoint in app.view_functions}

    def check() -> None:
        flask.g.principal = None
        if flask.request.endpoint is None:
            return
        guard = guards[flask.request.endpoint]
        if guard.permission is None:
            return
        principal = authenticator.authenticate(EnvironHeaders(flask.request.environ))
        flask.g.principal = principal
        values = flask.request.view_args or {}
        authorize(principal, guard.permission, values.get(guard.model_arg) if guard.model_arg else None)

    app.before_request(check)
