"""A loaded version: how it answers, and what it makes of its engine's errors."""

import logging

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from model_store.batch import Batch
from model_store.engines.engine import Engine
from model_store.errors import UndeclaredAnswer
from service.errors import ModelBrokeContract, ModelFailed, ModelRejectedInput
from service.runtime.loaded import LoadedModel
from service.runtime.loader import Loader

ROWS = np.random.default_rng(0).normal(size=(60, 3))
AMOUNTS = ROWS[:, 0] * 2 + ROWS[:, 1]


def loaded(workshop):
    version = workshop.add("m", LinearRegression().fit(ROWS, AMOUNTS), ROWS)
    loader = Loader(workshop.store, workshop.trusted)
    return loader.warm(loader.open("m", version, lambda _: None), lambda _: None)


class Broken(Engine):
    """An engine that fails as it is told."""

    name = "broken"

    def __init__(self, error):
        self.error = error

    def predict(self, batch, outputs):
        raise self.error


@pytest.fixture
def model(workshop):
    return loaded(workshop)


@pytest.mark.parametrize("error", [ValueError("bad\nTraceback: secret.py"), TypeError("bad"), KeyError("bad")])
def test_what_the_estimator_says_of_the_input_reaches_the_caller_in_one_line(model, error, caplog):
    caplog.set_level(logging.INFO)
    model.engine = Broken(error)
    with pytest.raises(ModelRejectedInput) as caught:
        model.predict(Batch(1, matrix=np.zeros((1, 3))), ("predict",))
    assert caught.value.detail == "the model refused the input: bad"
    assert caplog.records[-1].exc_info


def test_an_answer_that_the_schema_cannot_hold_is_the_models_failure_and_says_which(model):
    model.engine = Broken(UndeclaredAnswer("the model answered predict with 2.5"))
    with pytest.raises(
        ModelBrokeContract, match=r"version 1 of 'm' failed to predict: the model answered predict with 2\.5"
    ):
        model.predict(Batch(1, matrix=np.zeros((1, 3))), ("predict",))


def test_requests_are_joined_only_where_all_of_their_outputs_may_be(model):
    joined = LoadedModel(model.manifest, model.engine, {"predict": 256, "transform": 64})
    assert joined.may_join(("predict",))
    assert joined.may_join(["transform", "predict"])
    assert not joined.may_join(("predict", "score_samples"))
    assert not joined.may_join(())
    assert joined.most_joined_rows == 64


def test_a_long_message_is_cut(model):
    model.engine = Broken(ValueError("x" * 5000))
    with pytest.raises(ModelRejectedInput) as caught:
        model.predict(Batch(1, matrix=np.zeros((1, 3))), ("predict",))
    assert len(caught.value.detail) < 300


@pytest.mark.parametrize(
    "error", [RuntimeError("secret"), AttributeError("secret"), MemoryError(), ZeroDivisionError()]
)
def test_any_other_error_is_the_model_s_own_and_is_told_to_the_log_only(model, error, caplog):
    model.engine = Broken(error)
    with pytest.raises(ModelFailed) as caught:
        model.predict(Batch(1, matrix=np.zeros((1, 3))), ("predict",))
    assert "secret" not in caught.value.detail
    assert caplog.records[-1].exc_info


def test_no_rows_get_no_answers_and_the_estimator_is_not_asked(model):
    model.engine = Broken(ValueError("Found array with 0 sample(s)"))
    given = model.predict(Batch(0, matrix=np.zeros((0, 3))), ("predict",))
    assert given["predict"].shape == (0,)
    assert given["predict"].dtype == np.float64


def test_numbers_that_are_not_finite_are_passed_on(workshop):
    model = loaded(workshop)
    huge = np.full((1, 3), 1.7e308)
    with np.errstate(over="ignore"):
        given = model.predict(Batch(1, matrix=huge), ("predict",))
    assert not np.isfinite(given["predict"]).all()
