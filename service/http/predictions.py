"""The predict routes: authenticate, authorize, run the line, answer. Requests that wait together are taken together.

Used by the worker's loop for all that has arrived, and by Flask's own views for one request.
"""

import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from time import monotonic, perf_counter
from typing import Any, NamedTuple

from model_store.request_errors import RequestError
from service import logs
from service.auth.principals import authorize
from service.errors import ModelNotFound
from service.http.access import Authentication, Charging
from service.http.body import EnvironHeaders, encoded, read_body, wire_request
from service.http.caller import answer_headers, has_credentials, request_id, routing_key
from service.http.charging import Charge
from service.http.exchange import FACTS, Exchange, Record, Response, facts
from service.http.problems import CALLER_GONE, problem, reason_of
from service.http.routes import PredictRoute
from service.inference.batching import Batching
from service.inference.line import Decoded, Inference, Predicted, predict
from service.inference.queues import Queues
from service.model_process.process import ModelProcess
from service.model_process.processes import Processes
from service.wire import Values

PERMISSION = "model:predict"

RECORDED_TOGETHER = 5
"""Answers that wait for each other until all are recorded: the access lines of so many fit into one write to a pipe.

So a worker that is killed leaves no answer behind that its log does not know of.
"""

Gone = Callable[[int], bool]
"""Tells whether the caller of the request at a place has hung up."""


class Arrival(NamedTuple):
    """A request for a predict route, as it came in."""

    environ: Mapping[str, Any]
    route: PredictRoute
    values: Values


@dataclass(slots=True, eq=False)
class Waiting:
    """A request that waits for its prediction, and what its answer needs; see ``queues.Waiter``."""

    place: int
    exchange: Exchange
    arrival: Arrival
    decoded: Decoded
    headers: Mapping[str, str]
    since: float = 0.0
    alone: bool = False
    crashed: bool = False


def caller_of(one: Waiting) -> str:
    """Return who sent a request, as the access log calls it; empty if nobody in particular."""
    return str(getattr(one.exchange.principal, "subject", None) or "")


def nobody_left(_place: int) -> bool:
    """Say that every caller still waits for the answer."""
    return False


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
        batching: Batching | None = None,
        queues: Queues[Waiting] | None = None,
    ) -> None:
        self._inference = inference
        self._authenticator = authenticator
        self._quotas = quotas
        self._replica = replica
        self._most = max_body_bytes
        self._record = record
        self._batching = batching or Batching()
        self.queues = queues or Queues[Waiting](Processes(), self._batching)
        """The requests that wait for model processes."""
        self._early: dict[Waiting, Response] = {}

    def answer(self, arrivals: Sequence[Arrival], gone: Gone = nobody_left) -> Iterator[tuple[int, Response | Waiting]]:
        """Yield the place, and status, headers and body, of each request, as soon as it is answered.

        A request for a model in a process has no answer yet, but one that ``finished`` yields later. Those for the same
        outputs of one version are predicted together if the version allows it. ``gone`` is asked right before a
        prediction: a caller that has hung up is not answered.
        """
        waiting: list[Waiting] = []
        outside: list[Waiting] = []
        for place, arrival in enumerate(arrivals):
            exchange = self._begun(arrival)
            try:
                decoded, headers = self._decode(exchange, arrival.route, arrival.values)
            except Exception as error:  # noqa: BLE001 - every error is answered in the one shape
                response = self._finished(exchange, self._refuse(exchange, arrival, error))
                self._record.end(exchange)
                yield place, response
            else:
                one = Waiting(place, exchange, arrival, decoded, headers)
                goes_out = decoded.chosen.model.process is not None and decoded.call.batch.rows
                (outside if goes_out else waiting).append(one)
        if outside:
            yield from self._sent_out(outside)
        for places in self._batching.batches([one.decoded for one in waiting]):
            yield from self._answer([waiting[place] for place in places], gone)

    def respond(self, exchange: Exchange, route: PredictRoute, values: Values) -> Response:
        """Return status, headers and body for one exchange that somebody else records."""
        exchange.dialect = route.dialect.name
        try:
            decoded, headers = self._decode(exchange, route, values)
            return self._respond(exchange, decoded, predict(decoded), headers)
        except Exception as error:  # noqa: BLE001 - every error is answered in the one shape
            return self._refuse(exchange, Arrival(exchange.environ, route, values), error)

    def finished(self) -> Iterator[tuple[Waiting, Response]]:
        """Yield each request that waited for a process and is answered now, with status, headers and body."""
        while self._early:
            yield self._early.popitem()
        for one, result in self.queues.take():
            response = self._answered(one, result)
            self._record.end(one.exchange)
            yield one, response

    def wait(self, one: Waiting) -> Response:
        """Wait until a request is answered that waits for a process; for a server that has nothing else to do."""
        while one not in self._early:
            select.select([self.queues], [], [], max(0.0, self.queues.due() - monotonic()))
            self._early |= dict(self.finished())
        return self._early.pop(one)

    def drop(self, one: Waiting) -> None:
        """Forget a request whose caller has hung up."""
        if self.queues.drop(one):
            self._note_gone(one.exchange)

    def _sent_out(self, outside: Sequence[Waiting]) -> Iterator[tuple[int, Waiting]]:
        now = monotonic()
        by_process: dict[ModelProcess, list[Waiting]] = {}
        for one in outside:
            one.since = now
            if (process := one.decoded.chosen.model.process) is not None:
                by_process.setdefault(process, []).append(one)
            yield one.place, one
        for process, some in by_process.items():
            self.queues.add(process, some)

    def _answer(self, batch: Sequence[Waiting], gone: Gone) -> Iterator[tuple[int, Response]]:
        present = [one for one in batch if not self._left(one, gone)]
        predicted = self._batching.predict([one.decoded for one in present]) if present else iter(())
        pairs = zip(present, predicted, strict=True)
        while some := list(islice(pairs, RECORDED_TOGETHER)):
            answers = [(one.place, self._answered(one, result)) for one, result in some]
            self._record.end(*(one.exchange for one, _result in some))
            yield from answers

    def _answered(self, one: Waiting, predicted: Predicted | Exception) -> Response:
        exchange = one.exchange
        logs.bind(exchange.request_id, exchange.trace_id)
        try:
            response = self._respond(exchange, one.decoded, predicted, one.headers)
        except Exception as error:  # noqa: BLE001 - every error is answered in the one shape
            response = self._refuse(exchange, one.arrival, error)
        return self._finished(exchange, response)

    def _left(self, one: Waiting, gone: Gone) -> bool:
        if not gone(one.place):
            return False
        self._note_gone(one.exchange)
        return True

    def _note_gone(self, exchange: Exchange) -> None:
        exchange.status, exchange.code = CALLER_GONE
        exchange.seconds = perf_counter() - exchange.started
        self._record.end(exchange)

    def _begun(self, arrival: Arrival) -> Exchange:
        environ, route = arrival.environ, arrival.route
        exchange = Exchange(environ, route.rule, request_id(environ), perf_counter(), dialect=route.dialect.name)
        self._record.begin(exchange)
        return exchange

    def _finished(self, exchange: Exchange, response: Response) -> Response:
        status, headers, body = response
        headers.update(answer_headers(exchange.environ))
        headers["X-Request-ID"] = exchange.request_id
        headers["X-Replica"] = self._replica
        headers[FACTS] = facts(exchange)
        exchange.status, exchange.sent_bytes = status, len(body)
        exchange.seconds = perf_counter() - exchange.started
        return response

    def _decode(self, exchange: Exchange, route: PredictRoute, values: Values) -> tuple[Decoded, Mapping[str, str]]:
        """Return the request, decoded and charged, and the headers that say what is left of its caller's quota."""
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
            return self._inference.decode(route.verb, target, request, key, charge.rows), charge.headers

    def _respond(
        self, exchange: Exchange, decoded: Decoded, predicted: Predicted | Exception, more: Mapping[str, str]
    ) -> Response:
        response, exchange.prediction = self._inference.encode(decoded, predicted)
        body, headers = encoded(response, exchange.environ.get("HTTP_ACCEPT_ENCODING"))
        headers["X-Model-Version"] = str(decoded.chosen.model.version)
        headers["X-Batch-Requests"] = str(predicted.requests if isinstance(predicted, Predicted) else 1)
        headers.update(more)
        return 200, headers, body

    def _refuse(self, exchange: Exchange, arrival: Arrival, error: Exception) -> Response:
        exchange.reason = reason_of(error)
        known = isinstance(error, RequestError)
        exchange.code = error.code if isinstance(error, RequestError) else "internal_error"
        dialect = arrival.route.dialect
        wording = dialect.phrase(error, arrival.values) if known else None  # type: ignore[arg-type]
        return problem(
            error,
            dialect.errors,
            exchange.request_id,
            wording=wording,
            credentials=has_credentials(exchange.environ),
        )
