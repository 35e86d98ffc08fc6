"""Counts of predictions: how many, of how many rows, how long their stages took."""

import time
from collections.abc import Callable, Mapping

from model_store.batch import Array, Batch
from service.metrics.adding import adder, observer, setter, together
from service.metrics.instruments import bounded, child
from service.observers.observer import Observer, Prediction
from service.runtime.router import Chosen


class Counts(Observer):
    """Counts every prediction of a worker."""

    def __init__(self) -> None:
        self._bound: dict[tuple[str, int, str, str], Callable[..., None]] = {}

    def predicted(self, prediction: Prediction, _batch: Batch, _outputs: Mapping[str, Array], /) -> None:
        """See Observer."""
        model, channel, dialect, rows, decode, predict, encode = prediction
        key = (model.name, model.version, channel, dialect)
        record = self._bound.get(key) or self._bind(*key)
        record(1, rows, decode + predict + encode, decode, predict, encode, rows, time.time())

    def refused(self, chosen: Chosen | None, dialect: str, code: str, /) -> None:
        """See Observer."""
        labels = (chosen.model.name, str(chosen.model.version), chosen.channel) if chosen else ("", "", "")
        child("millrace_predictions_total", *labels, dialect, bounded("code", code)).inc()

    def _bind(self, model: str, version: int, channel: str, dialect: str) -> Callable[..., None]:
        labels = (model, str(version))
        bound = self._bound[model, version, channel, dialect] = together(
            adder(child("millrace_predictions_total", *labels, channel, dialect, "ok")),
            adder(child("millrace_prediction_rows_total", *labels, channel, dialect)),
            observer(child("millrace_prediction_seconds", *labels, channel, dialect)),
            *(observer(child("millrace_stage_seconds", *labels, stage)) for stage in ("decode", "predict", "encode")),
            observer(child("millrace_batch_rows", *labels)),
            setter(child("millrace_last_prediction_timestamp_seconds", *labels)),
        )
        return bound
