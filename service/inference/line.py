"""The line that answers a prediction: choose → decode → validate → predict → observe → encode.

It stands still between the stages, so that requests that wait at the same time can be predicted together.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import NamedTuple

from model_store.batch import Array, Batch
from model_store.request_errors import RequestError
from model_store.validation.bounds import check_rows
from service.errors import LabelNotFound, ModelNotFound, VersionNotFound
from service.metrics import unwritten
from service.observers.observer import Observer, Prediction
from service.runtime.router import Chosen, Router
from service.wire import Call, PredictionResult, Target, Verb, WireRequest, WireResponse

log = logging.getLogger(__name__)


class Decoded(NamedTuple):
    """A request whose rows are validated and charged, and which waits for its prediction.

    ``seconds`` is what decoding took, ``size`` the bytes of its body.
    """

    verb: Verb
    chosen: Chosen
    call: Call
    seconds: float
    size: int


class Predicted(NamedTuple):
    """What the model answered to a request: one array of its rows' length for each output.

    ``seconds`` is what the prediction took, ``requests`` how many requests it was for.
    """

    outputs: Mapping[str, Array]
    seconds: float
    requests: int = 1


class Inference:
    """Takes a request from its bytes to the answer's bytes; ``max_rows`` is the most in one."""

    def __init__(self, router: Router, observers: Sequence[Observer] = (), max_rows: int = 100_000) -> None:
        self._router = router
        self._observers = tuple(observers)
        self.max_rows = max_rows

    def run(
        self,
        verb: Verb,
        target: Target,
        request: WireRequest,
        key: str = "",
        charge: Callable[[int], None] | None = None,
    ) -> tuple[WireResponse, Prediction]:
        """Return the response, and the record of how it came about, of a request that is predicted alone.

        Takes and raises what ``decode`` and ``encode`` do.
        """
        decoded = self.decode(verb, target, request, key, charge)
        return self.encode(decoded, predict(decoded))

    def decode(
        self,
        verb: Verb,
        target: Target,
        request: WireRequest,
        key: str = "",
        charge: Callable[[int], None] | None = None,
    ) -> Decoded:
        """Choose the version and read the request's rows.

        ``key`` tells callers apart: requests of one key keep to one version where versions share them. ``charge`` is
        called once with the number of rows, and may raise to refuse. Raises the router's, the dialect's and
        ``charge``'s errors, and PayloadTooLarge.
        """
        chosen: Chosen | None = None
        try:
            chosen = self._choose(verb, target, request, key)
            started = perf_counter()
            call = verb.decode(request, chosen.model.schema)
            check_rows(call.batch.rows, self.max_rows)
            if charge is not None:
                charge(call.batch.rows)
            return Decoded(verb, chosen, call, perf_counter() - started, len(request.body))
        except RequestError as error:
            self._refused(chosen, verb, error)
            raise

    def encode(self, decoded: Decoded, predicted: Predicted | Exception) -> tuple[WireResponse, Prediction]:
        """Return the response, and the record of how it came about.

        Raises the error that stands in for a prediction, and what the dialect raises if it cannot write the answer.
        """
        verb, chosen, call, decoding, _size = decoded
        model = chosen.model
        try:
            if isinstance(predicted, Exception):
                raise predicted
            started = perf_counter()
            response = verb.encode(PredictionResult(model.name, model.version, model.schema, predicted.outputs), call)
        except RequestError as error:
            self._refused(chosen, verb, error)
            raise
        encoding, rows = perf_counter() - started, call.batch.rows
        prediction = Prediction(model, chosen.channel, verb.dialect, rows, decoding, predicted.seconds, encoding)
        self._observe(prediction, call.batch, predicted.outputs)
        return response, prediction

    def _choose(self, verb: Verb, target: Target, request: WireRequest, key: str) -> Chosen:
        try:
            return self._router.choose(target, key)
        except (ModelNotFound, VersionNotFound, LabelNotFound):
            verb.check(request)  # a body that nobody could read is the nearer fault
            raise

    def _observe(self, prediction: Prediction, batch: Batch, outputs: Mapping[str, Array]) -> None:
        for observer in self._observers:
            try:
                observer.predicted(prediction, batch, outputs)
            except Exception:
                unwritten.count(unwritten.RECORD)
                log.exception("%s could not observe a prediction", type(observer).__name__)

    def _refused(self, chosen: Chosen | None, verb: Verb, error: RequestError) -> None:
        for observer in self._observers:
            try:
                observer.refused(chosen, verb.dialect, error.code)
            except Exception:
                unwritten.count(unwritten.RECORD)
                log.exception("%s could not observe a refusal", type(observer).__name__)


def predict(decoded: Decoded) -> Predicted | Exception:
    """Return what the model answers to one request alone, or the error that it is answered with."""
    call = decoded.call
    started = perf_counter()
    try:
        outputs = decoded.chosen.model.predict(call.batch, call.outputs)
    except Exception as error:  # noqa: BLE001 - raised where the request is answered
        return error
    return Predicted(outputs, perf_counter() - started)
