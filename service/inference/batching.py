"""Requests that wait at the same time for the same outputs of one version are predicted together.

There is no timer: a batch is what has arrived while the last prediction ran. So an idle service adds no delay, and a
busy one becomes more efficient. Only versions whose answers were proven not to depend on the other rows are batched
(`LoadedModel.may_join`).
"""

import logging
from collections.abc import Iterator, Sequence
from functools import cache
from time import perf_counter

from model_store.batch import Batch, split
from service.inference.line import Decoded, Predicted, predict
from service.inference.pace import Pace
from service.metrics.adding import Add, observer
from service.metrics.instruments import child
from service.runtime.loaded import LoadedModel

log = logging.getLogger(__name__)

LONGEST_SECONDS = 0.02
MOST_BYTES = 4 * 1024 * 1024


class Batching:
    """Puts waiting requests together and predicts them.

    A batch holds at most the rows for which the version's answers were proven, ``most_bytes`` of bodies, and what is
    expected to be predicted in ``longest`` seconds, or twice the time of one row; but always one request. With a
    ``longest`` of 0 every request is predicted alone.
    """

    def __init__(self, longest: float = LONGEST_SECONDS, most_bytes: int = MOST_BYTES) -> None:
        self._longest = longest
        self._most_bytes = most_bytes
        self._paces: dict[tuple[str, int], Pace] = {}

    def batches(self, waiting: Sequence[Decoded]) -> list[list[int]]:
        """Return which requests are predicted together, by their places, in the order of each batch's first."""
        batches: list[list[int]] = []
        open_ones: dict[tuple[int, str, tuple[str, ...]], _Open] = {}
        for place, decoded in enumerate(waiting):
            model, channel, _shadows = decoded.chosen
            key = (id(model), channel, decoded.call.outputs)
            found = open_ones.get(key)
            if found is None or not found.takes(decoded):
                batches.append([])
                found = open_ones[key] = self._opened(batches[-1], decoded)
            found.add(place, decoded)
        return batches

    def predict(self, batch: Sequence[Decoded]) -> Iterator[Predicted | Exception]:
        """Yield what the model answers to each request of a batch, or the error that it is answered with.

        If the rows together are refused, each request is predicted alone, so that none suffers for another.
        """
        model = batch[0].chosen.model
        together = self._together(model, batch) if len(batch) > 1 else None
        counted = _counted(model.name, model.version)
        if together is not None:
            counted(len(batch))
            yield from together
            return
        for decoded in batch:
            counted(1)
            predicted = predict(decoded)
            if isinstance(predicted, Predicted):
                self._pace(model).note(decoded.call.batch.rows, predicted.seconds)
            yield predicted

    def note(self, batch: Sequence[Decoded], rows: int, seconds: float) -> None:
        """Take note that a batch was predicted elsewhere: how many requests it had, and how long its rows took."""
        model = batch[0].chosen.model
        _counted(model.name, model.version)(len(batch))
        self._pace(model).note(rows, seconds)

    def _together(self, model: LoadedModel, batch: Sequence[Decoded]) -> list[Predicted] | None:
        rows = [decoded.call.batch.rows for decoded in batch]
        started = perf_counter()
        try:
            joined = Batch.joined([decoded.call.batch for decoded in batch])
            if joined is None:
                return None
            outputs = batch[0].call.outputs
            apart = split(model.joining(outputs).predict(joined, outputs), rows)
        except Exception as error:  # noqa: BLE001 - whose fault it is shows when each is predicted alone
            kind = type(error).__name__  # not its words, which may quote rows
            log.debug("%s version %d refused %d requests together: %s", model.name, model.version, len(batch), kind)
            return None
        seconds = perf_counter() - started
        self._pace(model).note(joined.rows, seconds)
        return [Predicted(outputs, seconds, len(batch)) for outputs in apart]

    def _opened(self, places: list[int], decoded: Decoded) -> "_Open":
        """Return the batch that begins with this request."""
        model, call = decoded.chosen.model, decoded.call
        if model.may_join(call.outputs):
            return _Open(places, self._most_rows(decoded, model.most_joined_rows), self._most_bytes)
        most = model.most_single_rows(call.outputs) if call.batch.rows == 1 else 0
        return _Open(places, self._most_rows(decoded, most), self._most_bytes, longest=1)

    def _most_rows(self, decoded: Decoded, most: int) -> int:
        """Return the most rows in a batch that begins with this request, of ``most`` there may be; 0 for only it."""
        if not most or not decoded.call.batch.rows or not self._longest:
            return 0
        return min(most, self._pace(decoded.chosen.model).most_rows(self._longest))

    def _pace(self, model: LoadedModel) -> Pace:
        key = (model.name, model.version)
        found = self._paces.get(key)
        if found is None:
            found = self._paces[key] = Pace()
        return found


class _Open:
    """A batch that more requests may join, of at most ``longest`` rows each."""

    __slots__ = ("_bytes", "_longest", "_places", "_rows")

    def __init__(self, places: list[int], most_rows: int, most_bytes: int, longest: int | None = None) -> None:
        self._places = places
        self._rows = most_rows
        self._bytes = most_bytes
        self._longest = longest or most_rows

    def takes(self, decoded: Decoded) -> bool:
        rows = decoded.call.batch.rows
        return 0 < rows <= min(self._rows, self._longest) and decoded.size <= self._bytes

    def add(self, place: int, decoded: Decoded) -> None:
        self._places.append(place)
        self._rows -= decoded.call.batch.rows
        self._bytes -= decoded.size


@cache
def _counted(model: str, version: int) -> Add:
    """Return what observes how many requests one prediction of a version was for."""
    return observer(child("millrace_batch_requests", model, str(version)))
