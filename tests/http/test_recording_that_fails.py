"""Nothing that happens after an answer is ready turns it into an error: it is sent, and what failed is counted."""

import pytest
from sklearn.tree import DecisionTreeClassifier
from werkzeug.test import create_environ

from model_store import publish
from service.http.exchange import Exchange
from service.http.record import Recorder
from service.metrics.instruments import child
from service.metrics.requests import RequestMetrics

PREDICT = "/v1/models/steps:predict"


class Raising:
    """Takes note of nothing, and says so with an error."""

    def __getattr__(self, name):
        def note(*_):
            raise RuntimeError(f"{name} failed")

        return note

    def __call__(self, *_):
        raise RuntimeError("it could not be counted")


@pytest.fixture
def application(make_application, tmp_path, sealing_key):
    model = DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1])
    publish(tmp_path / "models", "steps", model, [[0.0], [1.0]], sealing_key=sealing_key, promote=True)
    return make_application()


@pytest.fixture
def uncounted():
    """What was not recorded since the test began."""
    counter = child("millrace_unwritten_total", "record")._value
    before = counter.get()
    return lambda: counter.get() - before


@pytest.mark.parametrize("part", ["_metrics", "_observed", "_spans"])
def test_answers_are_sent_whichever_part_of_recording_fails(application, uncounted, part):
    record = application.requests._predictions._record
    setattr(record, part, Raising())
    environs = [create_environ(PREDICT, method="POST", json={"instances": [[row]]}) for row in (0.0, 1.0, 0.0)]
    answers = dict(application.answer(environs, lambda _: False))
    assert {place: (status, body) for place, (status, _, body) in answers.items()} == {
        0: (200, b'{"predictions":[0]}'),
        1: (200, b'{"predictions":[1]}'),
        2: (200, b'{"predictions":[0]}'),
    }
    assert uncounted() >= 3


@pytest.mark.parametrize("part", ["_metrics", "_spans"])
def test_routes_of_flask_answer_too(application, uncounted, part):
    setattr(application.requests._predictions._record, part, Raising())
    assert application.flask.test_client().get("/v1/models/steps").status_code == 200
    assert uncounted() >= 1


def test_an_observer_that_raises_is_counted_and_the_answer_is_sent(application, uncounted):
    inference = application.requests._predictions._inference
    inference._observers = (Raising(), *inference._observers)
    answer = application.flask.test_client().post(PREDICT, json={"instances": [[1.0]]})
    assert (answer.status_code, answer.json) == (200, {"predictions": [1]})
    assert uncounted() == 1


def test_a_line_that_cannot_be_written_fails_nothing(uncounted):
    exchange = Exchange({"REQUEST_METHOD": "POST"}, "/rule", "id", 0.0, status=200)  # without a path: no line
    Recorder(RequestMetrics(), lambda *_: None).end(exchange)
    assert uncounted() == 1
