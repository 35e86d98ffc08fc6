"""Ground truth for predictions of the recent past: `POST /admin/models/<model>/feedback`."""

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import flask

from service.codecs import json
from service.errors import Fault, InvalidInput, PayloadTooLarge
from service.http.guards import guarded
from service.metrics import child
from service.recent_predictions import RecentPredictions, Remembered

MOST_REQUESTS = 1000
"""Most predictions that one call may judge."""
MOST_ROWS = 100_000
"""Most rows, of all of them together."""

JOINED, UNKNOWN, REPEATED, INVALID = "joined", "unknown", "repeated", "invalid"


@dataclass(frozen=True, slots=True)
class Truth:
    """What a prediction should have been: one value for each row of the request of that id."""

    request_id: str
    values: tuple[Any, ...]


def blueprint(recent: RecentPredictions) -> flask.Blueprint:
    """The one route. Whoever may predict with a model may say how well it did."""
    room = flask.Blueprint("feedback", __name__)

    @room.post("/admin/models/<model>/feedback")
    @guarded("model:predict")
    def feedback(model: str) -> flask.Response:
        truths = read(json.loads(flask.request.get_data(), max_rows=MOST_REQUESTS))
        return flask.jsonify(judge(recent, model, truths))

    return room


def read(document: Any) -> list[Truth]:
    """The ground truth in a body: `{"feedback": [{"request_id": …, "truth": value or [one a row]}, …]}`."""
    entries = document.get("feedback") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise InvalidInput("feedback: expected a list", [Fault("feedback", "a list of objects", "something else")])
    if len(entries) > MOST_REQUESTS:
        raise PayloadTooLarge(f"feedback has {len(entries)} entries: at most {MOST_REQUESTS} are taken at once")
    truths = (entry.get("truth") for entry in entries if isinstance(entry, dict))
    if sum(len(truth) for truth in truths if isinstance(truth, list)) > MOST_ROWS:
        raise PayloadTooLarge(f"feedback has the truth of more than {MOST_ROWS} rows: send less at once")
    return [_truth(entry, i) for i, entry in enumerate(entries)]


def judge(recent: RecentPredictions, model: str, truths: list[Truth]) -> dict[str, int]:
    """Compare each row with what was predicted, count what came out, and say how many rows were what.

    A row is counted once: `repeated` is one that was judged before. `unknown` is one that is not remembered any more,
    or never was; a row is `invalid` where the truth is not a number and the prediction was.
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
    """Whether the truth is a number whose squared error is finite: infinity would stay in the counters for good."""
    if not isinstance(truth, (int, float)) or isinstance(truth, bool):
        return False
    error = remembered.value - truth
    return math.isfinite(error * error)


def _truth(entry: Any, index: int) -> Truth:
    where = f"feedback[{index}]"
    if not isinstance(entry, dict) or not isinstance(entry.get("request_id"), str):
        raise InvalidInput(f"{where}.request_id: expected a string", [Fault(f"{where}.request_id", "a string", "none")])
    if "truth" not in entry:
        raise InvalidInput(
            f"{where}.truth: expected a value", [Fault(f"{where}.truth", "a value or a list", "nothing")]
        )
    values = entry["truth"] if isinstance(entry["truth"], list) else [entry["truth"]]
    for row, value in enumerate(values):
        if not isinstance(value, (str, int, float, bool)):
            raise InvalidInput(
                f"{where}.truth[{row}]: expected a string, a number, true or false",
                [Fault(f"{where}.truth[{row}]", "a string, a number, true or false", type(value).__name__)],
            )
    return Truth(entry["request_id"], tuple(values))
