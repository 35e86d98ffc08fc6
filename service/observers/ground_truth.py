"""Ground truth that comes later, compared with what was predicted."""

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from service.metrics.instruments import child
from service.observers.recent_predictions import RecentPredictions, Remembered

JOINED, UNKNOWN, REPEATED, INVALID = "joined", "unknown", "repeated", "invalid"


@dataclass(frozen=True, slots=True)
class Truth:
    """What a prediction should have been: one value for each row of the request of that id."""

    request_id: str
    values: tuple[Any, ...]


def judge(recent: RecentPredictions, model: str, truths: list[Truth]) -> dict[str, int]:
    """Compare each row with what was predicted, count what came out, and return how many rows were what.

    A row is counted once: `repeated` is one that was judged before. `unknown` is one that is not remembered any more,
    or never was; a row is `invalid` if the truth is not a number and the prediction was.
    """
    results: Counter[str] = Counter({JOINED: 0, UNKNOWN: 0, REPEATED: 0, INVALID: 0})
    with recent.judging():
        found = recent.find(model, [truth.request_id for truth in truths])
        for truth in truths:
            rows = found.get(truth.request_id, {})
            results.update(_judge_row(recent, model, rows, row, value) for row, value in enumerate(truth.values))
    # a name without any joined row may be the caller's invention: it must not become a label
    label = model if results[JOINED] or results[REPEATED] or results[INVALID] else ""
    for result, count in results.items():
        if count:
            child("millrace_feedback_total", label, result).inc(count)
    return dict(results)


def _judge_row(recent: RecentPredictions, model: str, rows: dict[int, Remembered], row: int, truth: Any) -> str:
    remembered = rows.get(row)
    if remembered is None:
        return UNKNOWN
    if remembered.judged:
        return REPEATED
    if not remembered.classified and not _measurable(remembered, truth):
        return INVALID
    recent.judged(remembered)
    rows[row] = replace(remembered, judged=True)
    _count(model, remembered, truth)
    return JOINED


def _count(model: str, remembered: Remembered, truth: Any) -> None:
    labels = (model, str(remembered.version))
    child("millrace_feedback_labelled_total", *labels).inc()
    if remembered.classified:
        child("millrace_feedback_correct_total", *labels).inc(1 if remembered.right(truth) else 0)
    else:
        error = abs(remembered.value - truth)
        child("millrace_feedback_absolute_error_total", *labels).inc(error)
        child("millrace_feedback_squared_error_total", *labels).inc(error * error)


def _measurable(remembered: Remembered, truth: Any) -> bool:
    """Return whether the truth is a number whose squared error is finite: infinity would stay in the counters."""
    if not isinstance(truth, (int, float)) or isinstance(truth, bool):
        return False
    error = remembered.value - truth
    return math.isfinite(error * error)
