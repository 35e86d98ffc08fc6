"""Predict routes answered before Flask's own dispatch, which costs more than a small prediction.

The same routes stand in Flask's URL map with the same function behind them; this only finds them sooner, and takes all
that have arrived at once.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication

import flask

from service.http.caller import request_id
from service.http.description.route import described_as
from service.http.exchange import Response
from service.http.guards import guarded
from service.http.predictions import PERMISSION, Arrival, Gone, Predictions, Waiting, nobody_left
from service.http.problems import problem
from service.http.routes import PredictRoute
from service.wire import ErrorForm, Values

log = logging.getLogger(__name__)

Answer = tuple[int, list[tuple[str, str]], bytes]
"""Status, header fields and body; the body of an answer to HEAD is empty and its length is said all the same."""

_STATUS_LINES = {int(status): f"{int(status)} {status.phrase}" for status in HTTPStatus}
_PATHS_REMEMBERED = 1024


class FastPath:
    """A WSGI application: predict routes itself, all else by the application behind it."""

    def __init__(self, behind: WSGIApplication, predictions: Predictions, routes: Sequence[PredictRoute]) -> None:
        self._behind = behind
        self._predictions = predictions
        self._find = lru_cache(maxsize=_PATHS_REMEMBERED)(_finder(routes))

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        arrival = self._arrival(environ)
        if arrival is None:
            return self._behind(environ, start_response)
        ((_place, response),) = self._predictions.answer([arrival])
        if isinstance(response, Waiting):
            response = self._predictions.wait(response)
        status, headers, body = _with_length(response)
        start_response(_STATUS_LINES[status], headers)
        return (body,)

    def answer(
        self, environs: Sequence[dict[str, Any]], gone: Gone = nobody_left
    ) -> Iterator[tuple[int, Answer | Waiting]]:
        """Yield the place and the answer of each request (PEP 3333 environments) as soon as it is ready; never raise.

        A request that waits for a model process has none yet, but one that ``finished`` yields. Predictions come first,
        those that may be predicted together at once; then all else, one after the other.
        ``gone`` tells whether the caller at a place has hung up: it is not answered.
        """
        arrivals: list[Arrival] = []
        places: list[int] = []
        others: list[int] = []
        for place, environ in enumerate(environs):
            arrival = self._arrival(environ)
            if arrival is None:
                others.append(place)
            else:
                arrivals.append(arrival)
                places.append(place)
        for index, response in self._predictions.answer(arrivals, lambda index: gone(places[index])):
            yield places[index], response if isinstance(response, Waiting) else _with_length(response)
        for place in others:
            if not gone(place):
                yield place, _answered(self._behind, environs[place])

    def finished(self) -> Iterator[tuple[Waiting, Answer]]:
        """Yield each request that waited for a model process, and its answer; see Predictions."""
        for waiting, response in self._predictions.finished():
            yield waiting, _with_length(response)

    def drop(self, waiting: Waiting) -> None:
        """Forget a request whose caller has hung up."""
        self._predictions.drop(waiting)

    def fileno(self) -> int:
        """Return a descriptor that is readable when ``finished`` may have something."""
        return self._predictions.queues.fileno()

    def due(self) -> float:
        """Return when to look at ``finished`` even if nothing is readable, by the monotonic clock."""
        return self._predictions.queues.due()

    def _arrival(self, environ: Mapping[str, Any]) -> Arrival | None:
        if environ["REQUEST_METHOD"] != "POST":
            return None
        found = self._find(decoded_path(environ))
        return None if found is None else Arrival(environ, *found)


def decoded_path(environ: Mapping[str, Any]) -> str:
    """Return the request's path, percent-decoded once by the server; PEP 3333 carries its bytes as Latin-1."""
    path: str = environ["PATH_INFO"]
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")


def add_routes(app: flask.Flask, predictions: Predictions, routes: Iterable[PredictRoute]) -> None:
    """Put the routes into Flask's URL map, guarded and described, with the same answers as the fast path's."""
    for route in routes:
        app.add_url_rule(route.rule, f"predict {route.rule}", _view(predictions, route), methods=["POST"])


def _finder(routes: Sequence[PredictRoute]) -> Callable[[str], tuple[PredictRoute, Values] | None]:
    def find(path: str) -> tuple[PredictRoute, Values] | None:
        for route in routes:
            match = route.pattern.fullmatch(path)
            if match:
                return route, match.groupdict()
        return None

    return find


def _with_length(response: Response) -> Answer:
    status, headers, body = response
    return status, [*headers.items(), ("Content-Length", str(len(body)))], body


def _answered(application: WSGIApplication, environ: dict[str, Any]) -> Answer:
    """Return the answer of a WSGI application, whole; its failure is answered in the one shape of errors."""
    started: list[Answer] = []
    written: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], _exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        started[:] = [(int(status[:3]), headers, b"")]
        return written.append

    try:
        body = application(environ, start_response)
        try:
            written.extend(body)
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        status, headers, _ = started[0]
    except Exception as error:
        log.exception("a request could not be answered")
        return _with_length(problem(error, ErrorForm(), request_id(environ)))
    return status, headers, b"".join(written)


def _view(predictions: Predictions, route: PredictRoute) -> Callable[..., flask.Response]:
    @guarded(PERMISSION)
    @described_as(route.description)
    def predict(**values: str) -> flask.Response:
        status, headers, body = predictions.respond(flask.g.exchange, route, values)
        return flask.Response(body, status, headers)

    return predict
