"""The line that answers a prediction: choose → decode → validate → predict → observe → encode."""

import logging
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

from model_store.batch import Array, Batch
from model_store.request_errors import RequestError
from model_store.validation.bounds import check_rows
from service.errors import LabelNotFound, ModelNotFound, VersionNotFound
from service.observers.observer import Observer, Prediction
from service.runtime.router import Chosen, Router
from service.wire import PredictionResult, Target, Verb, WireRequest, WireResponse

log = logging.getLogger(__name__)


class Inference:
    """One prediction at a time, from a request's bytes to the answer's bytes; ``max_rows`` is the most in one."""

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
        """Return the response, and the record of how it came about.

        ``key`` tells callers apart: requests of one key keep to one version where versions share them. ``charge`` is
        called once with the number of rows before they are predicted, and may raise to refuse. Raises the router's, the
        dialect's, the model's and ``charge``'s errors, and PayloadTooLarge.
        """
        chosen: Chosen | None = None
        try:
            chosen = self._choose(verb, target, request, key)
            return self._answer(verb, chosen, request, charge)
        except RequestError as error:
            self._refused(chosen, verb, error)
            raise

    def _choose(self, verb: Verb, target: Target, request: WireRequest, key: str) -> Chosen:
        try:
            return self._router.choose(target, key)
        except (ModelNotFound, VersionNotFound, LabelNotFound):
            verb.check(request)  # a body that nobody could read is the nearer fault
            raise

    def _answer(
        self, verb: Verb, chosen: Chosen, request: WireRequest, charge: Callable[[int], None] | None
    ) -> tuple[WireResponse, Prediction]:
        model = chosen.model
        started = perf_counter()
        call = verb.decode(request, model.schema)
        rows = call.batch.rows
        check_rows(rows, self.max_rows)
        if charge is not None:
            charge(rows)
        decoded = perf_counter()
        outputs = model.predict(call.batch, call.outputs)
        predicted = perf_counter()
        response = verb.encode(PredictionResult(model.name, model.version, model.schema, outputs), call)
        encoded = perf_counter()
        prediction = Prediction(
            model, chosen.channel, verb.dialect, rows, decoded - started, predicted - decoded, encoded - predicted
        )
        self._observe(prediction, call.batch, outputs)
        return response, prediction

    def _observe(self, prediction: Prediction, batch: Batch, outputs: Mapping[str, Array]) -> None:
        for observer in self._observers:
            try:
                observer.predicted(prediction, batch, outputs)
            except Exception:
                log.exception("%s could not observe a prediction", type(observer).__name__)

    def _refused(self, chosen: Chosen | None, verb: Verb, error: RequestError) -> None:
        for observer in self._observers:
            try:
                observer.refused(chosen, verb.dialect, error.code)
            except Exception:
                log.exception("%s could not observe a refusal", type(observer).__name__)
