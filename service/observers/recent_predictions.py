"""What was predicted lately, so that ground truth that comes later can be compared with it.

What is kept of a row are hashes of the request's id and of the predicted class, or the predicted number; no features,
no names, no ids. A prediction can be judged for as long as its worker's last ``FEEDBACK_RECORDS`` rows reach back.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from model_store.batch import Array, Batch
from service import logs
from service.observers.drift import with_class
from service.observers.observer import Observer, Prediction
from service.presence.recent_rows import PredictedRow, RecentRows
from service.runtime.router import Chosen

MOST_ROWS = 100
"""Rows of one request that are remembered at most: its first ones."""


class RecentPredictions(Observer):
    """The recent predictions of all workers, kept in ``rows``."""

    def __init__(self, rows: RecentRows) -> None:
        self._rows = rows

    def predicted(self, prediction: Prediction, _batch: Batch, outputs: Mapping[str, Array], /) -> None:
        """See Observer. Remembers rows whose answer is one class or number."""
        request_id = logs.request_id()
        if request_id is None:
            return
        model = prediction.model
        values = with_class(model.schema, outputs).get("predict")
        if values is not None and values.ndim == 1:
            classified = model.schema.task == "classifier"
            kept = _known_class_hash if classified else float
            key = _key(model.name, request_id)
            self._rows.remember(
                PredictedRow(key, row, model.version, kept(value), classified)
                for row, value in enumerate(values[:MOST_ROWS].tolist())
            )

    def refused(self, chosen: Chosen | None, dialect: str, code: str, /) -> None:
        """Take no note."""

    def find(self, model: str, request_ids: Collection[str]) -> dict[str, dict[int, PredictedRow]]:
        """Return the remembered rows of each request, by row; of two requests of one id, those of the newer.

        Raises Unavailable.
        """
        keys = {_key(model, request_id): request_id for request_id in request_ids}
        return {keys[key]: rows for key, rows in self._rows.find(keys).items()}

    def mark(self, rows: Collection[PredictedRow]) -> set[tuple[bytes, int]]:
        """Mark rows, so that ground truth for each counts once; return the keys and rows that nobody had marked.

        Raises Unavailable.
        """
        return self._rows.mark(rows) if rows else set()


def is_right(row: PredictedRow, truth: Any) -> bool:
    """Return whether the predicted class is ``truth``."""
    return row.value == _class_hash(truth)


def _key(model: str, request_id: str) -> bytes:
    return blake2b(f"{model}\0{request_id}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _class_hash(value: Any) -> float:
    """Return a class's hash as a whole number that a float holds exactly; 1, 1.0 and numpy's 1 are one class."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    text = f"n{float(value) + 0.0!r}" if number else f"{type(value).__name__}{value}"  # -0.0 + 0.0 is 0.0
    return float(int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).digest(), "big"))


_known_class_hash = lru_cache(maxsize=4096, typed=True)(_class_hash)
"""A model has few classes; by type, because 1 and True are two."""
