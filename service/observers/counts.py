"""Counts of predictions: how many, of how many rows, how long their stages took."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from model_store.batch import Array, Batch
from service.metrics.adding import Add, adder, observer, setter
from service.metrics.instruments import bounded, child
from service.observers.observer import Observer, Prediction
from service.runtime.router import Chosen


class _Bound(NamedTuple):
    """The instruments of one version, channel and dialect, ready to be called."""

    predictions: Add
    rows: Add
    seconds: Add
    decode: Add
    predict: Add
    encode: Add
    batch_rows: Add
    last: Add


class Counts(Observer):
    """Counts every prediction of a worker."""

    def __init__(self) -> None:
        self._bound: dict[tuple[str, int, str, str], _Bound] = {}

    def predicted(self, prediction: Prediction, _batch: Batch, _outputs: Mapping[str, Array], /) -> None:
        """See Observer."""
        model, channel, dialect, rows, decode, predict, encode = prediction
        key = (model.name, model.version, channel, dialect)
        bound = self._bound.get(key) or self._bind(*key)
        bound.predictions(1)
        bound.rows(rows)
        bound.seconds(decode + predict + encode)
        bound.decode(decode)
        bound.predict(predict)
        bound.encode(encode)
        bound.batch_rows(rows)
        bound.last(time.time())

    def refused(self, chosen: Chosen | None, dialect: str, code: str, /) -> None:
        """See Observer."""
        labels = (chosen.model.name, str(chosen.model.version), chosen.channel) if chosen else ("", "", "")
        child("millrace_predictions_total", *labels, dialect, bounded("code", code)).inc()

    def _bind(self, model: str, version: int, channel: str, dialect: str) -> _Bound:
        labels = (model, str(version))
        bound = _Bound(
            predictions=adder(child("millrace_predictions_total", *labels, channel, dialect, "ok")),
            rows=adder(child("millrace_prediction_rows_total", *labels, channel, dialect)),
            seconds=observer(child("millrace_prediction_seconds", *labels, channel, dialect)),
            decode=observer(child("millrace_stage_seconds", *labels, "decode")),
            predict=observer(child("millrace_stage_seconds", *labels, "predict")),
            encode=observer(child("millrace_stage_seconds", *labels, "encode")),
            batch_rows=observer(child("millrace_batch_rows", *labels)),
            last=setter(child("millrace_last_prediction_timestamp_seconds", *labels)),
        )
        self._bound[model, version, channel, dialect] = bound
        return bound
