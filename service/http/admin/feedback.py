"""Ground truth for predictions of the recent past: `POST /admin/models/<model>/feedback`."""

from typing import Any

import flask

from service.codecs import json
from service.errors import Fault, InvalidInput, PayloadTooLarge
from service.http.guards import guarded
from service.observers.ground_truth import Truth, judge
from service.observers.recent_predictions import RecentPredictions

MOST_REQUESTS = 1000
"""Most predictions that one call may judge."""
MOST_ROWS = 100_000
"""Most rows, of all of them together."""


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
    """Return the ground truth in a body: `{"feedback": [{"request_id": …, "truth": value or [one a row]}, …]}`."""
    entries = document.get("feedback") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise InvalidInput("feedback: expected a list", [Fault("feedback", "a list of objects", "something else")])
    if len(entries) > MOST_REQUESTS:
        raise PayloadTooLarge(f"feedback has {len(entries)} entries: at most {MOST_REQUESTS} are taken at once")
    truths = (entry.get("truth") for entry in entries if isinstance(entry, dict))
    if sum(len(truth) for truth in truths if isinstance(truth, list)) > MOST_ROWS:
        raise PayloadTooLarge(f"feedback has the truth of more than {MOST_ROWS} rows: send less at once")
    return [_truth(entry, i) for i, entry in enumerate(entries)]


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
