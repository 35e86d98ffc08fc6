"""Counts of predictions: how many, of how many rows, how long their stages took."""

from collections.abc import Callable, Mapping

from model_store.batch import Array, Batch
from service.metrics.instruments import bounded, child
from service.observers.observer import Observer, Prediction
from service.runtime.router import Chosen


class Counts(Observer):
    """Counts every prediction of a worker."""

    def __init__(self) -> None:
        self._bound: dict[tuple[str, int, str, str], tuple[Callable[[float], None], ...]] = {}

    def predicted(self, prediction: Prediction, _batch: Batch, _outputs: Mapping[str, Array], /) -> None:
        """See Observer."""
        model, channel, dialect, rows, decode, predict, encode = prediction
        key = (model.name, model.version, channel, dialect)
        count, count_rows, total, first, second, third, in_one = self._bound.get(key) or self._bind(*key)
        count(1)
        count_rows(rows)
        total(decode + predict + encode)
        first(decode)
        second(predict)
        third(encode)
        in_one(rows)

    def refused(self, chosen: Chosen | None, dialect: str, code: str, /) -> None:
        """See Observer."""
        labels = (chosen.model.name, str(chosen.model.version), chosen.channel) if chosen else ("", "", "")
        child("millrace_predictions_total", *labels, dialect, bounded("code", code)).inc()

    def _bind(self, model: str, version: int, channel: str, dialect: str) -> tuple[Callable[[float], None], ...]:
        labels = (model, str(version))
        bound = (
            child("millrace_predictions_total", *labels, channel, dialect, "ok").inc,
            child("millrace_prediction_rows_total", *labels, channel, dialect).inc,
            child("millrace_prediction_seconds", *labels, channel, dialect).observe,
            child("millrace_stage_seconds", *labels, "decode").observe,
            child("millrace_stage_seconds", *labels, "predict").observe,
            child("millrace_stage_seconds", *labels, "encode").observe,
            child("millrace_batch_rows", *labels).observe,
        )
        self._bound[model, version, channel, dialect] = bound
        return bound
