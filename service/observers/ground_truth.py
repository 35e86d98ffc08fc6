"""Ground truth that comes later, compared with what was predicted."""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.metrics.instruments import child
from service.observers.recent_predictions import RecentPredictions, is_right
from service.presence.recent_rows import PredictedRow

JOINED, UNKNOWN, REPEATED, INVALID = "joined", "unknown", "repeated", "invalid"


@dataclass(frozen=True, slots=True)
class Truth:
    """What a prediction should have been: one value for each row of the request of that id."""

    request_id: str
    values: tuple[Any, ...]


def judge(recent: RecentPredictions, model: str, truths: Collection[Truth]) -> dict[str, int]:
    """Compare each row with what was predicted, count what came out, and return how many rows were what.

    A row is counted once: `repeated` is one that was judged before. `unknown` is one that is not remembered any more,
    or never was; a row is `invalid` if the truth is not a number and the prediction was. Raises Unavailable, and
    nothing is counted then.
    """
    results: Counter[str] = Counter({JOINED: 0, UNKNOWN: 0, REPEATED: 0, INVALID: 0})
    comparable: dict[tuple[bytes, int], tuple[PredictedRow, Any]] = {}
    for row, truth in _pairs(recent.find(model, {truth.request_id for truth in truths}), truths):
        obstacle = UNKNOWN if row is None else _obstacle(row, truth)
        if row is None or obstacle:
            results[obstacle] += 1
        elif (row.key, row.row) in comparable:
            results[REPEATED] += 1
        else:
            comparable[row.key, row.row] = row, truth
    marked = recent.mark([row for row, _ in comparable.values()])
    for key in marked:
        _count(model, *comparable[key])
    results.update({JOINED: len(marked), REPEATED: len(comparable) - len(marked)})
    _count_results(model, results)
    return dict(results)


def _pairs(
    found: Mapping[str, Mapping[int, PredictedRow]], truths: Collection[Truth]
) -> Iterator[tuple[PredictedRow | None, Any]]:
    """Yield each truth with the row that it is of, if that is remembered."""
    for truth in truths:
        rows = found.get(truth.request_id, {})
        for index, value in enumerate(truth.values):
            yield rows.get(index), value


def _obstacle(row: PredictedRow, truth: Any) -> str:
    """Return why a row is not counted, or an empty string."""
    if row.judged:
        return REPEATED
    return "" if row.classified or _measurable(row, truth) else INVALID


def _count_results(model: str, results: Mapping[str, int]) -> None:
    # a name without any joined row may be the caller's invention: it must not become a label
    label = model if results[JOINED] or results[REPEATED] or results[INVALID] else ""
    for result, count in results.items():
        if count:
            child("millrace_feedback_total", label, result).inc(count)


def _count(model: str, row: PredictedRow, truth: Any) -> None:
    labels = (model, str(row.version))
    child("millrace_feedback_labelled_total", *labels).inc()
    if row.classified:
        child("millrace_feedback_correct_total", *labels).inc(1 if is_right(row, truth) else 0)
    else:
        error = abs(row.value - truth)
        child("millrace_feedback_absolute_error_total", *labels).inc(error)
        child("millrace_feedback_squared_error_total", *labels).inc(error * error)


def _measurable(row: PredictedRow, truth: Any) -> bool:
    """Return whether the truth is a number whose squared error is finite: infinity would stay in the counters."""
    if not isinstance(truth, (int, float)) or isinstance(truth, bool):
        return False
    error = row.value - truth
    return math.isfinite(error * error)
