"""The line: choose → decode → validate → predict → observe → encode."""

import numpy as np
import pytest

from model_store.batch import Batch
from model_store.request_errors import InvalidInput, MalformedRequest, PayloadTooLarge
from service.errors import LabelNotFound, ModelFailed, ModelNotFound, ModelNotReady, QuotaExceeded, VersionNotFound
from service.inference.line import Inference
from service.observers.observer import Observer
from service.runtime.router import Chosen
from service.wire import Call, Target, WireRequest, WireResponse

REQUEST = WireRequest(b"body")
TARGET = Target("m")


class Model:
    name, version, schema = "m", 7, "the schema"

    def __init__(self, steps):
        self.steps = steps
        self.error = None

    def predict(self, batch, outputs):
        self.steps.append("predict")
        if self.error:
            raise self.error
        return {name: np.zeros(batch.rows) for name in outputs}


class Routes:
    def __init__(self, steps, model):
        self.steps, self.model = steps, model
        self.error = None

    def choose(self, target, key=""):
        self.steps.append(f"choose {target.model} for {key}")
        if self.error:
            raise self.error
        return Chosen(self.model, "stable")


class Speech:
    dialect = "speech"

    def __init__(self, steps):
        self.steps = steps
        self.unreadable = self.invalid = False

    def check(self, request):
        self.steps.append("check")
        if self.unreadable:
            raise MalformedRequest("not JSON")

    def decode(self, request, schema):
        assert schema == "the schema"
        self.steps.append("decode")
        if self.invalid:
            raise InvalidInput("row 0")
        return Call(Batch(3, matrix=np.zeros((3, 1))), ("predict",), "context")

    def encode(self, answered, call):
        assert (answered.model, answered.version, call.context) == ("m", 7, "context")
        self.steps.append("encode")
        return WireResponse(b"answer")


class Notes(Observer):
    def __init__(self):
        self.predictions, self.refusals, self.looked = [], [], []
        self.broken = False

    def predicted(self, prediction, batch, outputs):
        self.predictions.append(prediction)
        self.looked.append((batch.rows, set(outputs)))
        if self.broken:
            raise RuntimeError("no ink")

    def refused(self, *facts):
        self.refusals.append(facts)
        if self.broken:
            raise RuntimeError("no ink")


class Line:
    def __init__(self):
        self.steps = []
        self.model = Model(self.steps)
        self.routes = Routes(self.steps, self.model)
        self.speech = Speech(self.steps)
        self.notes = Notes()
        self.inference = Inference(self.routes, [self.notes], max_rows=3)

    def run(self, **more):
        return self.inference.run(self.speech, TARGET, REQUEST, **more)


@pytest.fixture
def line():
    return Line()


def test_the_steps_come_in_order_and_the_answer_names_its_version(line):
    answer, prediction = line.run()
    assert line.steps == ["choose m for ", "decode", "predict", "encode"]
    assert answer.body == b"answer"
    assert prediction.model is line.model


def test_the_routing_key_goes_to_the_choice(line):
    line.run(key="someone")
    assert line.steps[0] == "choose m for someone"


def test_a_prediction_is_observed_with_its_rows_and_the_seconds_of_its_stages(line):
    line.run()
    (facts,) = line.notes.predictions
    assert (facts.model, facts.channel, facts.dialect, facts.rows) == (line.model, "stable", "speech", 3)
    assert all(seconds >= 0 for seconds in (facts.decode, facts.predict, facts.encode))
    assert not line.notes.refusals


@pytest.mark.parametrize("error", [ModelNotFound("?"), VersionNotFound("?"), LabelNotFound("?")])
def test_a_body_that_nobody_could_read_is_told_before_a_model_that_is_not_there(line, error):
    line.routes.error, line.speech.unreadable = error, True
    with pytest.raises(MalformedRequest):
        line.run()
    assert line.notes.refusals == [(None, "speech", "malformed_request")]


@pytest.mark.parametrize("error", [ModelNotFound("?"), VersionNotFound("?"), LabelNotFound("?")])
def test_a_model_that_is_not_there_is_told_of_a_body_that_can_be_read(line, error):
    line.routes.error = error
    with pytest.raises(type(error)):
        line.run()
    assert line.steps == ["choose m for ", "check"]
    assert line.notes.refusals == [(None, "speech", error.code)]


def test_a_model_that_is_not_ready_is_told_without_a_look_at_the_body(line):
    line.routes.error = ModelNotReady("loading", retry_after=1)
    with pytest.raises(ModelNotReady):
        line.run()
    assert line.steps == ["choose m for "]


def test_input_that_does_not_fit_never_reaches_the_model(line):
    line.speech.invalid = True
    with pytest.raises(InvalidInput):
        line.run()
    assert "predict" not in line.steps
    assert line.notes.refusals == [(Chosen(line.model, "stable"), "speech", "invalid_input")]


def test_more_rows_than_allowed_never_reach_the_model(line):
    line.inference = Inference(line.routes, [line.notes], max_rows=2)
    with pytest.raises(PayloadTooLarge, match="3 rows"):
        line.run()
    assert "predict" not in line.steps


def test_rows_are_charged_before_they_are_predicted(line):
    line.run(charge=lambda rows: line.steps.append(f"charge {rows}"))
    assert line.steps == ["choose m for ", "decode", "charge 3", "predict", "encode"]


def test_a_refused_charge_never_reaches_the_model(line):
    def charge(rows):
        raise QuotaExceeded("used up", retry_after=5)

    with pytest.raises(QuotaExceeded):
        line.run(charge=charge)
    assert "predict" not in line.steps
    assert line.notes.refusals == [(Chosen(line.model, "stable"), "speech", "quota_exceeded")]


def test_a_model_s_failure_is_observed_under_its_version(line):
    line.model.error = ModelFailed("broken")
    with pytest.raises(ModelFailed):
        line.run()
    assert line.notes.refusals == [(Chosen(line.model, "stable"), "speech", "model_failed")]


def test_an_observer_that_fails_fails_no_prediction(line):
    line.notes.broken = True
    answer, _ = line.run()
    assert answer.body == b"answer"


def test_an_observer_that_fails_hides_no_refusal(line):
    line.notes.broken = True
    line.speech.invalid = True
    with pytest.raises(InvalidInput):
        line.run()


def test_an_observer_that_fails_keeps_nothing_from_the_others(line):
    blind = Notes()
    blind.broken = True
    line.inference = Inference(line.routes, [blind, line.notes], 3)
    assert line.run()[0].body == b"answer"
    assert blind.looked == line.notes.looked == [(3, {"predict"})]
    line.speech.invalid = True
    with pytest.raises(InvalidInput):
        line.run()
    assert blind.refusals == line.notes.refusals == [(Chosen(line.model, "stable"), "speech", "invalid_input")]


def test_without_an_observer_predictions_are_answered_in_silence(line):
    line.inference = Inference(line.routes)
    assert line.run()[0].body == b"answer"
    line.speech.invalid = True
    with pytest.raises(InvalidInput):
        line.run()
