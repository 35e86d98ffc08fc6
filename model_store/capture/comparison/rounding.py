"""Which golden answers hold up to rounding, and up to how much of it: found out by rounding otherwise.

Sums in another order give other last bits: in a batch of another size, with another layout in memory, on one thread, by
another processor's BLAS. Most models answer the same up to 1e-9 of that. Others do not, such as neighbours that are
weighted by distance, for rows that they were fitted on: a distance is 0 or 1e-8.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from model_store.batch import Array, Batch, take
from model_store.engines.equality import default_tolerance, distances
from model_store.engines.estimator import EstimatorEngine
from model_store.reference.golden import Golden
from model_store.schema import Schema

Distances = npt.NDArray[np.float64]
Answered = Mapping[str, Array]
Predict = Callable[[Batch], Answered]
Way = Callable[[Predict, Batch], list[Answered]]
"""A way to round otherwise: predicts once or more; of several answers that nearest to the stored one counts."""

_JUMP = 1e-4
"""An answer that moves by more, relative to its own and the largest magnitude, has jumped."""
_MARGIN = 10
"""Elsewhere, answers may move so many times as far as they did here."""
_ALONE = 8
"""Rows that are predicted each on its own."""
_SECONDS = 2.5
"""After so long, no other way of rounding is tried."""


def settled(estimator: Any, schema: Schema, kept: Golden) -> Golden:
    """Return the golden answers without the rows whose answers jump, and with the tolerance that each output showed.

    They are returned as they are if all agree within the default tolerances, if no row would remain, or if the
    estimator gives different answers to the same rows: a row's may depend on its place among the others.
    """
    engine = EstimatorEngine(estimator, schema)
    engine.compare_floats(kept.batch, kept.answers)
    predict = partial(engine.predict, outputs=tuple(kept.answers))
    moved = _farthest(predict, kept)
    steady = np.all([rows <= _JUMP for rows in moved.values()], axis=0)
    if not moved or not steady.any():
        return kept
    if not steady.all():
        left = {name: answer[steady] for name, answer in kept.answers.items()}
        fewer = Golden(take(kept.batch, np.flatnonzero(steady)), left)
        return settled(estimator, schema, fewer) if _repeats(predict, fewer) else kept
    tolerances = {name: _MARGIN * float(rows.max()) for name, rows in moved.items()}
    wide = {name: most for name, most in tolerances.items() if most > default_tolerance(kept.answers[name])}
    return replace(kept, tolerances=wide)


def _farthest(predict: Predict, kept: Golden) -> dict[str, Distances]:
    """Return how far each row's answer moves at most, for each output; nothing if it moves without a reason."""
    if not _repeats(predict, kept):
        return {}
    moved = {name: np.zeros(kept.batch.rows) for name in kept.answers}
    end = time.monotonic() + _SECONDS
    for way in (_on_one_thread, _in_halves, _in_columns, _nudged, _some_alone):
        if time.monotonic() < end:
            seen = _tried(way, predict, kept)
            moved = {name: np.maximum(rows, seen.get(name, 0)) for name, rows in moved.items()}
    return moved


def _repeats(predict: Predict, kept: Golden) -> bool:
    seen = _tried(_again, predict, kept)
    return bool(seen) and all(seen[name].max() <= default_tolerance(kept.answers[name]) for name in seen)


def _tried(way: Way, predict: Predict, kept: Golden) -> dict[str, Distances]:
    """Return how far each row's answer moves; nothing if the estimator does not take the rows that way."""
    try:
        given = way(predict, kept.batch)
    except Exception:  # noqa: BLE001 - estimators raise anything
        return {}
    return {
        name: np.min([distances(each[name], answer) for each in given], axis=0)
        for name, answer in kept.answers.items()
        if given
    }


def _again(predict: Predict, batch: Batch) -> list[Answered]:
    return [predict(batch)]


def _on_one_thread(predict: Predict, batch: Batch) -> list[Answered]:
    with threadpool_limits(limits=1):
        return [predict(batch)]


def _in_halves(predict: Predict, batch: Batch) -> list[Answered]:
    return [_in_parts(predict, batch, [batch.rows // 2])]


def _some_alone(predict: Predict, batch: Batch) -> list[Answered]:
    return [_in_parts(predict, batch, range(1, _ALONE + 1))]


def _in_parts(predict: Predict, batch: Batch, ends: Sequence[int]) -> Answered:
    parts = np.array_split(np.arange(batch.rows), ends)
    given = [predict(take(batch, part)) for part in parts if len(part)]
    return {name: np.concatenate([part[name] for part in given]) for name in given[0]}


def _in_columns(predict: Predict, batch: Batch) -> list[Answered]:
    """Predict rows that lie in memory column by column."""
    return [] if batch.matrix is None else [predict(replace(batch, matrix=np.asfortranarray(batch.matrix)))]


def _nudged(predict: Predict, batch: Batch) -> list[Answered]:
    """Predict rows whose measurements differ in the last bit, up and down: a threshold is crossed one way only."""
    return [predict(_towards(limit, batch)) for limit in (np.inf, -np.inf)]


def _towards(limit: float, batch: Batch) -> Batch:
    if batch.matrix is not None:
        moved = batch.matrix.copy()
        for place in range(moved.shape[1]):
            moved[:, place] = _next(moved[:, place], limit)
        return replace(batch, matrix=moved)
    columns = batch.columns or {}
    return replace(batch, columns={name: _next(values, limit) for name, values in columns.items()})


def _next(values: Array, limit: float) -> Array:
    """Return the next numbers towards a limit; codes, which are whole or few, stay what they are."""
    if values.dtype.kind != "f" or len(np.unique(values)) <= len(values) / 2 or np.all(np.trunc(values) == values):
        return values
    moved: Array = np.nextafter(values, values.dtype.type(limit))
    return moved
