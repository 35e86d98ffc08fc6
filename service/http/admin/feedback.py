"""Ground truth for predictions of the recent past: `POST /admin/models/<model>/feedback`."""

from typing import Annotated, Any

import flask
import msgspec
from msgspec import Meta

from model_store.codecs import json
from model_store.request_errors import PayloadTooLarge
from service.http.admin import json_bodies
from service.http.description.route import OPERATION, described
from service.http.guards import guarded
from service.observers.ground_truth import Truth, judge
from service.observers.recent_predictions import RecentPredictions

MOST_REQUESTS = 1000
"""Most predictions that one call may judge."""
MOST_ROWS = 100_000
"""Most rows, of all of them together."""

Value = str | int | float | bool


class Judgement(msgspec.Struct):
    """What a prediction should have been: one value, or one for each row of the request of that id."""

    request_id: str
    truth: Value | list[Value]


class Feedback(msgspec.Struct):
    """Ground truth for predictions of the recent past."""

    feedback: Annotated[list[Judgement], Meta(max_length=MOST_REQUESTS)]


class FeedbackCounts(msgspec.Struct):
    """How many rows were counted now, are not remembered, were counted before, or cannot be compared."""

    joined: int
    unknown: int
    repeated: int
    invalid: int


def blueprint(recent: RecentPredictions) -> flask.Blueprint:
    """Return the one route. Who may predict with a model may say how well it did."""
    routes = flask.Blueprint("feedback", __name__)

    @routes.post("/admin/models/<model>/feedback")
    @guarded("model:predict")
    @described(
        OPERATION,
        "Tell what predictions should have been, so that a model's accuracy can be followed",
        request=Feedback,
        response=FeedbackCounts,
        refusals=(400, 401, 403, 404, 413, 503),
    )
    def feedback(model: str) -> flask.Response:
        truths = read(json.loads(flask.request.get_data(), max_rows=MOST_REQUESTS))
        return json_bodies.response(FeedbackCounts(**judge(recent, model, truths)))

    return routes


def read(document: Any) -> list[Truth]:
    """Return the ground truth in a body. Raises InvalidInput or PayloadTooLarge."""
    _check_size(document)
    given = json_bodies.convert(document, Feedback).feedback
    return [Truth(one.request_id, tuple(one.truth if isinstance(one.truth, list) else [one.truth])) for one in given]


def _check_size(document: Any) -> None:
    entries = document.get("feedback") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        return
    if len(entries) > MOST_REQUESTS:
        raise PayloadTooLarge(f"feedback has {len(entries)} entries: at most {MOST_REQUESTS} are taken at once")
    truths = (entry.get("truth") for entry in entries if isinstance(entry, dict))
    if sum(len(truth) for truth in truths if isinstance(truth, list)) > MOST_ROWS:
        raise PayloadTooLarge(f"feedback has the truth of more than {MOST_ROWS} rows: send less at once")
