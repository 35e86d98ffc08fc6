"""The payload log: a sample of what a version is asked, if its publisher asked for it, less the redacted columns."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import orjson

from model_store.batch import Array, Batch, take
from service import logs
from service.disk.room import Room
from service.metrics import unwritten
from service.observers.observer import Observer, Prediction
from service.runtime.loaded import LoadedModel
from service.runtime.router import Chosen

MOST_ROWS = 5
"""Rows of one request that are logged at most: its first ones."""
MOST_BYTES = 8192
"""Bytes of JSON that one line says at most."""
LONGEST_VALUE = 256
"""Characters of one text value."""


class Payloads(Observer):
    """Logs the first rows of a share of the requests; ``draw`` tells a random number from 0 to 1.

    While there is a shortage of ``room`` they are dropped and counted.
    """

    def __init__(self, draw: Callable[[], float] = random.random, room: Room | None = None) -> None:
        self._draw = draw
        self._room = room

    def predicted(self, prediction: Prediction, batch: Batch, _outputs: Mapping[str, Array], /) -> None:
        """See Observer."""
        model = prediction.model
        wanted = model.payload_log
        if wanted is None or self._draw() >= wanted.share:
            return
        if self._room is not None and self._room.shortage():
            unwritten.count(unwritten.PAYLOAD)
            return
        shown, whole = _rows(model, batch)
        logs.payload(logs.Payload(model.name, model.version, batch.rows, orjson.dumps(shown).decode(), whole))

    def refused(self, chosen: Chosen | None, dialect: str, code: str, /) -> None:
        """Take no note."""


def _rows(model: LoadedModel, batch: Batch) -> tuple[list[dict[str, Any]], bool]:
    """Return the rows by column as JSON can hold them, as far as there is room, and True if those are all."""
    redacted = model.payload_log.redact if model.payload_log else model.schema.names
    columns = [(place, name) for place, name in enumerate(model.schema.names) if name not in redacted]
    few = take(batch, np.arange(min(batch.rows, MOST_ROWS)))
    rows, whole, room = [], batch.rows <= MOST_ROWS, MOST_BYTES
    for index in range(few.rows):
        row: dict[str, Any] = {}
        rows.append(row)
        for place, name in columns:
            value = _plain(few.column(model.schema, place)[index])
            room -= len(orjson.dumps({name: value}))
            if room < 0:
                return rows, False
            whole = whole and not (isinstance(value, str) and len(value) > LONGEST_VALUE)
            row[name] = value
    return rows, whole


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it: gaps are null, times ISO 8601, and long texts cut, with an ellipsis."""
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        text = value.encode("utf-8", "backslashreplace").decode()
        return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"
    return value
