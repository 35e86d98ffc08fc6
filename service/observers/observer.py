"""The record of one prediction, and the port of what takes note of it."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from model_store.batch import Array, Batch
from service.runtime.loaded import LoadedModel
from service.runtime.router import Chosen


class Prediction(NamedTuple):
    """An answered prediction; ``decode``, ``predict`` and ``encode`` are seconds.

    A named tuple, because one is made for every prediction: it costs a fifth of what a frozen dataclass does.
    """

    model: LoadedModel
    channel: str
    dialect: str
    rows: int
    decode: float
    predict: float
    encode: float


class Observer(Protocol):
    """What takes note of predictions, in the worker that answers them. It may raise: nothing else is affected."""

    def predicted(self, prediction: Prediction, batch: Batch, outputs: Mapping[str, Array], /) -> None:
        """Take note of an answered prediction: its rows, and one array of ``batch.rows`` entries for each output."""

    def refused(self, chosen: Chosen | None, dialect: str, code: str, /) -> None:
        """Take note of a prediction that was not answered; ``chosen`` is None if no version was."""
