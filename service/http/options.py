"""OPTIONS: which methods an address takes, told to everyone. Nginx itself answers the preflights of browsers."""

from typing import Any

import flask

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def install(app: flask.Flask) -> None:
    """Answer OPTIONS with ``Allow`` wherever a route has not said that it does so itself; before the guards."""

    def answer() -> flask.Response | None:
        rule = flask.request.url_rule
        if flask.request.method != "OPTIONS" or rule is None or not _is_answered(rule):
            return None
        return flask.Response(status=204, headers={"Allow": ", ".join(allowed())})

    app.before_request(answer)


def allowed() -> list[str]:
    """Return the methods that the address of the request under way takes; none if no route has it."""
    methods = [*filter(_takes, _METHODS)]
    return [*methods, "OPTIONS"] if methods else []


def _takes(method: str) -> bool:
    """Return whether the request's address has a route for a method; one that refuses all methods is none."""
    adapter = flask.globals.request_ctx.url_adapter
    if adapter is None or not adapter.test(method=method):
        return False
    rule, _ = adapter.match(method=method, return_rule=True)
    return _is_answered(rule)


def _is_answered(rule: Any) -> bool:
    """Return whether Flask would answer OPTIONS for a route; it notes that on the rule."""
    return bool(rule.provide_automatic_options)
