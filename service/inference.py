"""The line that answers a prediction: choose → decode → validate → predict → observe → encode."""

import logging
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, Protocol

from model_store.batch import Array, Batch
from service.errors import LabelNotFound, ModelNotFound, ServiceError, VersionNotFound
from service.runtime.loaded import LoadedModel
from service.runtime.router import Router
from service.validation import check_rows
from service.wire import PredictionResult, Target, Verb, WireRequest, WireResponse

log = logging.getLogger(__name__)


class Observer(Protocol):
    """What wants to know of predictions. It may fail: the prediction is answered all the same."""

    def predicted(  # noqa: PLR0913, PLR0917 - the facts of one prediction, passed without making an object of them
        self, model: str, version: int, dialect: str, rows: int, decode: float, predict: float, encode: float
    ) -> None:
        """Take note of one answered prediction; the last three are seconds."""

    def refused(self, model: str, version: int | None, dialect: str, code: str) -> None:
        """Take note of one that was not answered; ``model`` is empty where none was chosen."""


class Silent:
    """An observer that takes no notes."""

    def predicted(  # noqa: PLR0913, PLR0917 - the facts of one prediction, passed without making an object of them
        self, model: str, version: int, dialect: str, rows: int, decode: float, predict: float, encode: float
    ) -> None:
        """Take no note."""

    def refused(self, model: str, version: int | None, dialect: str, code: str) -> None:
        """Take no note."""


Seen = Callable[[LoadedModel, Batch, Mapping[str, Array]], None]
"""Looks at the rows and the answers of a prediction. It may fail: the prediction is answered all the same."""


class Inference:
    """One prediction at a time, from a request's bytes to the answer's bytes; ``max_rows`` is the most in one."""

    def __init__(
        self,
        router: Router,
        observer: Observer | None = None,
        max_rows: int = 100_000,
        seen: Sequence[Seen] = (),
    ) -> None:
        self._router = router
        self._observer = observer or Silent()
        self.max_rows = max_rows
        self._seen = tuple(seen)

    def run(
        self,
        dialect: Verb,
        target: Target,
        request: WireRequest,
        principal: Any = None,
        charge: Callable[[int], None] | None = None,
    ) -> tuple[WireResponse, LoadedModel]:
        """The answer and the version that gave it.

        ``principal`` is who asks, if known: its ``subject`` keeps one caller's requests together where versions share
        them. ``charge`` is called once with the number of rows before they are predicted, and may raise to refuse.
        Raises the router's, the dialect's, the model's and ``charge``'s errors, and PayloadTooLarge.
        """
        chosen: LoadedModel | None = None
        try:
            chosen = self._choose(dialect, target, request, principal)
            return self._answer(dialect, chosen, request, charge), chosen
        except ServiceError as error:
            self._refused(chosen, dialect, error)
            raise

    def _choose(self, dialect: Verb, target: Target, request: WireRequest, principal: Any) -> LoadedModel:
        try:
            return self._router.choose(target, getattr(principal, "subject", None))
        except (ModelNotFound, VersionNotFound, LabelNotFound):
            dialect.check(request)  # a body that nobody could read is the nearer fault
            raise

    def _answer(
        self, dialect: Verb, model: LoadedModel, request: WireRequest, charge: Callable[[int], None] | None
    ) -> WireResponse:
        started = perf_counter()
        call = dialect.decode(request, model.schema)
        rows = call.batch.rows
        check_rows(rows, self.max_rows)
        if charge is not None:
            charge(rows)
        decoded = perf_counter()
        outputs = model.predict(call.batch, call.outputs)
        predicted = perf_counter()
        answer = dialect.encode(PredictionResult(model.name, model.version, model.schema, outputs), call)
        encoded = perf_counter()
        try:
            self._observer.predicted(
                model.name,
                model.version,
                dialect.name,
                rows,
                decoded - started,
                predicted - decoded,
                encoded - predicted,
            )
            for look in self._seen:
                look(model, call.batch, outputs)
        except Exception:
            log.exception("a prediction could not be observed")
        return answer

    def _refused(self, model: LoadedModel | None, dialect: Verb, error: ServiceError) -> None:
        try:
            self._observer.refused(
                model.name if model else "", model.version if model else None, dialect.name, error.code
            )
        except Exception:
            log.exception("a refusal could not be observed")
