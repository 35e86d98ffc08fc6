"""The predict routes: authenticate, authorize, run the line, answer. Used by the fast path and by Flask's own views."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from model_store.request_errors import RequestError
from service.auth.principals import authorize
from service.errors import ModelNotFound
from service.http.access import Authentication, Charging
from service.http.body import EnvironHeaders, encoded, read_body, wire_request
from service.http.caller import answer_headers, has_credentials, request_id, routing_key
from service.http.charging import Charge
from service.http.exchange import Exchange, Record, Response
from service.http.problems import problem, reason_of
from service.http.routes import PredictRoute
from service.inference.line import Inference
from service.wire import Values

PERMISSION = "model:predict"


class Predictions:
    """Answers predict routes; never raises."""

    def __init__(  # noqa: PLR0913 - what a prediction passes through
        self,
        inference: Inference,
        authenticator: Authentication,
        quotas: Charging,
        *,
        replica: str,
        max_body_bytes: int,
        record: Record,
    ) -> None:
        self._inference = inference
        self._authenticator = authenticator
        self._quotas = quotas
        self._replica = replica
        self._most = max_body_bytes
        self._record = record

    def answer(self, environ: Mapping[str, Any], route: PredictRoute, values: Values) -> Response:
        """Return status, headers and body for one request, recorded from its beginning to its end."""
        exchange = Exchange(environ, route.rule, request_id(environ), perf_counter())
        self._record.begin(exchange)
        status, headers, body = self.respond(exchange, route, values)
        headers.update(answer_headers(environ))
        headers["X-Request-ID"] = exchange.request_id
        headers["X-Replica"] = self._replica
        exchange.status, exchange.sent_bytes = status, len(body)
        exchange.seconds = perf_counter() - exchange.started
        self._record.end(exchange)
        return status, headers, body

    def respond(self, exchange: Exchange, route: PredictRoute, values: Values) -> Response:
        """Return status, headers and body for an exchange that somebody else records."""
        exchange.dialect = route.dialect.name
        try:
            return self._predict(exchange, route, values)
        except Exception as error:  # noqa: BLE001 — whatever it is, the caller gets the one shape
            return self._refuse(exchange, route, values, error)

    def _predict(self, exchange: Exchange, route: PredictRoute, values: Values) -> Response:
        environ = exchange.environ
        raw = read_body(environ, self._most)
        principal = self._authenticator.authenticate(EnvironHeaders(environ))
        exchange.principal = principal
        with Charge(self._quotas, principal) as charge:
            request = wire_request(environ, raw, self._most, self._inference.max_rows)
            target = route.target(values)
            try:
                authorize(principal, PERMISSION, target.model)
            except ModelNotFound:
                route.verb.check(request)  # a hidden model answers as one that does not exist does
                raise
            key = routing_key(environ, principal, exchange.request_id)
            response, prediction = self._inference.run(route.verb, target, request, key, charge.rows)
        exchange.prediction = prediction
        body, headers = encoded(response, environ.get("HTTP_ACCEPT_ENCODING"))
        headers["X-Model-Version"] = str(prediction.model.version)
        headers.update(charge.headers)
        return 200, headers, body

    def _refuse(self, exchange: Exchange, route: PredictRoute, values: Values, error: Exception) -> Response:
        exchange.reason = reason_of(error)
        known = isinstance(error, RequestError)
        exchange.code = error.code if isinstance(error, RequestError) else "internal_error"
        wording = route.dialect.phrase(error, values) if known else None  # type: ignore[arg-type]
        return problem(
            error,
            route.dialect.errors,
            exchange.request_id,
            wording=wording,
            credentials=has_credentials(exchange.environ),
        )
