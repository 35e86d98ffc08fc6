"""Around every request that Flask dispatches itself: its id, its error in the one shape, its log line."""

from collections.abc import Sequence
from time import perf_counter

import flask

from service.dialects.dialect import Dialect, errors_at
from service.http.caller import answer_headers, has_credentials, request_id
from service.http.exchange import FACTS, Exchange, Record, facts
from service.http.problems import code_of, problem, reason_of
from service.http.routes import wording

_NONE_MATCHED = "unmatched"


def install(app: flask.Flask, *, replica: str, record: Record, dialects: Sequence[Dialect]) -> None:
    """Install the hooks on ``app``; before the guards, so that refusals are seen too.

    Errors look as in the dialect of their address, also if there is no route.
    """

    def begin() -> None:
        rule = flask.request.url_rule.rule if flask.request.url_rule else _NONE_MATCHED
        environ = flask.request.environ
        flask.g.exchange = Exchange(environ, rule, request_id(environ), perf_counter())
        record.begin(flask.g.exchange)

    def refuse(error: Exception) -> flask.Response:
        exchange: Exchange = flask.g.exchange
        exchange.code, exchange.reason = code_of(error), reason_of(error)
        view = app.view_functions.get(flask.request.endpoint or "")
        status, headers, body = problem(
            error,
            errors_at(flask.request.path, dialects),
            exchange.request_id,
            wording=wording(view, error, flask.request.view_args or {}),
            credentials=has_credentials(flask.request.environ),
        )
        return flask.Response(body, status, headers)

    def finish(response: flask.Response) -> flask.Response:
        exchange: Exchange = flask.g.exchange
        response.headers.update(answer_headers(exchange.environ))
        response.headers["X-Request-ID"] = exchange.request_id
        response.headers["X-Replica"] = replica
        exchange.status = response.status_code
        exchange.principal = flask.g.get("principal")
        response.headers[FACTS] = facts(exchange)
        exchange.sent_bytes = response.content_length or 0
        exchange.seconds = perf_counter() - exchange.started
        record.end(exchange, counted=True)
        return response

    app.before_request(begin)
    app.register_error_handler(Exception, refuse)
    app.after_request(finish)
