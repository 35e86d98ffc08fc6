"""Predict routes answered before Flask's own dispatch, which costs more than a small prediction.

The same routes stand in Flask's URL map with the same function behind them; this only finds them sooner.
"""

from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication

import flask

from service.http.description.route import described_as
from service.http.guards import guarded
from service.http.predictions import PERMISSION, Predictions
from service.http.routes import PredictRoute
from service.wire import Values

_STATUS_LINES = {int(status): f"{int(status)} {status.phrase}" for status in HTTPStatus}


class FastPath:
    """A WSGI application: predict routes itself, all else by the application behind it."""

    def __init__(self, behind: WSGIApplication, predictions: Predictions, routes: Sequence[PredictRoute]) -> None:
        self._behind = behind
        self._predictions = predictions
        self._routes = tuple(routes)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        if environ["REQUEST_METHOD"] == "POST":
            path = decoded_path(environ)
            for route in self._routes:
                match = route.pattern.fullmatch(path)
                if match:
                    return self._answer(environ, start_response, route, match.groupdict())
        return self._behind(environ, start_response)

    def _answer(
        self, environ: dict[str, Any], start_response: StartResponse, route: PredictRoute, values: Values
    ) -> Iterable[bytes]:
        status, headers, body = self._predictions.answer(environ, route, values)
        start_response(_STATUS_LINES[status], [*headers.items(), ("Content-Length", str(len(body)))])
        return (body,)


def decoded_path(environ: dict[str, Any]) -> str:
    """Return the request's path, percent-decoded once by the server; PEP 3333 carries its bytes as Latin-1."""
    path: str = environ["PATH_INFO"]
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")


def add_routes(app: flask.Flask, predictions: Predictions, routes: Iterable[PredictRoute]) -> None:
    """Put the routes into Flask's URL map, guarded and described, with the same answers as the fast path's."""
    for route in routes:
        app.add_url_rule(route.rule, f"predict {route.rule}", _view(predictions, route), methods=["POST"])


def in_front(predictions: Predictions, routes: Sequence[PredictRoute]) -> Callable[[WSGIApplication], FastPath]:
    """Return what puts the fast path in front of an application."""
    return lambda behind: FastPath(behind, predictions, routes)


def _view(predictions: Predictions, route: PredictRoute) -> Callable[..., flask.Response]:
    @guarded(PERMISSION)
    @described_as(route.description)
    def predict(**values: str) -> flask.Response:
        status, headers, body = predictions.respond(flask.g.exchange, route, values)
        return flask.Response(body, status, headers)

    return predict
