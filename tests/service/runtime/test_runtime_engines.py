import logging
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, VotingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from model_store.batch import Batch
from service.errors import ModelFailed, ModelRejectedInput
from service.runtime.engines import ArrayEngine, NoEngine, choose, identical
from service.runtime.loader import Loader

FRAME = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=["a", "b", "c"])
CLASSES = (FRAME["a"] > 0).map({True: "yes", False: "no"})
AMOUNTS = FRAME["a"] * 2 + FRAME["b"]


def opened(workshop, estimator, sample=FRAME):
    version = workshop.add("m", estimator, sample)
    return Loader(workshop.store, workshop.trusted).open("m", version, lambda _: None)


def warmed(workshop, estimator, sample=FRAME):
    return Loader(workshop.store, workshop.trusted).warm(opened(workshop, estimator, sample), lambda _: None)


BLIND = [
    make_pipeline(StandardScaler(), LogisticRegression()).fit(FRAME, CLASSES),
    RandomForestClassifier(10, random_state=0).fit(FRAME, CLASSES),
    VotingRegressor([("one", LinearRegression()), ("two", LinearRegression())]).fit(FRAME, AMOUNTS),
]


@pytest.mark.parametrize("estimator", BLIND, ids=lambda estimator: type(estimator).__name__)
def test_a_table_of_one_number_type_is_fed_as_arrays_without_a_warning(workshop, estimator):
    expected = estimator.predict(FRAME)
    model = warmed(workshop, estimator)
    assert isinstance(model.engine, ArrayEngine)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        given = model.predict(Batch(len(FRAME), matrix=FRAME.to_numpy()), ("predict",))["predict"]
    assert list(given) == list(expected)


def by_name():
    chosen = ColumnTransformer([("scale", StandardScaler(), ["c", "a"])])
    return make_pipeline(chosen, LinearRegression()).fit(FRAME, AMOUNTS)


def by_frame():
    return make_pipeline(StandardScaler().set_output(transform="pandas"), LinearRegression()).fit(FRAME, AMOUNTS)


def by_function():
    return make_pipeline(FunctionTransformer(np.abs), LinearRegression()).fit(FRAME, AMOUNTS)


@pytest.mark.parametrize("made", [by_name, by_frame, by_function])
def test_what_may_look_at_column_names_is_fed_as_a_frame(workshop, made):
    estimator = made()
    model = warmed(workshop, estimator)
    assert not isinstance(model.engine, ArrayEngine)
    given = model.predict(Batch(len(FRAME), matrix=FRAME.to_numpy()), ("predict",))["predict"]
    np.testing.assert_allclose(given, estimator.predict(FRAME))


def test_an_engine_that_is_not_kept_leaves_the_estimator_as_it_was(workshop, monkeypatch):
    one = opened(workshop, BLIND[0])
    monkeypatch.setattr("service.runtime.engines._reproduces", lambda *_: False)
    engine = choose(one.estimator, one.manifest.schema, one.golden)
    assert not isinstance(engine, ArrayEngine)
    assert list(one.estimator.feature_names_in_) == ["a", "b", "c"]


def test_a_matrix_is_fed_as_it_is(workshop):
    model = warmed(workshop, LinearRegression().fit(FRAME.to_numpy(), AMOUNTS), FRAME.to_numpy())
    assert not isinstance(model.engine, ArrayEngine)
    given = model.predict(Batch(2, matrix=FRAME.to_numpy()[:2]), ("predict",))["predict"]
    np.testing.assert_allclose(given, AMOUNTS[:2])


def test_an_estimator_that_does_not_give_the_stored_answers_gets_no_engine(workshop):
    one = opened(workshop, LinearRegression().fit(FRAME, AMOUNTS))
    one.estimator.coef_ = one.estimator.coef_ + 1
    with pytest.raises(NoEngine, match="not those stored"):
        choose(one.estimator, one.manifest.schema, one.golden)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), True),
        (np.array([1.0]), np.array([1.0 + 1e-15]), False),
        (np.array([1.0]), np.array([1.0], dtype=np.float32), False),
        (np.array([1.0]), np.array([[1.0]]), False),
        (np.array(["a", None], dtype=object), np.array(["a", None], dtype=object), True),
        (np.array(["a", None], dtype=object), np.array(["a", "b"], dtype=object), False),
    ],
)
def test_identical_means_to_the_last_bit(one, other, equal):
    assert identical(one, other) is equal


class Broken:
    """An engine that fails as it is told."""

    name = "broken"

    def __init__(self, error):
        self.error = error

    def predict(self, batch, outputs):
        raise self.error


@pytest.fixture
def model(workshop):
    return warmed(workshop, LinearRegression().fit(FRAME.to_numpy(), AMOUNTS), FRAME.to_numpy())


@pytest.mark.parametrize("error", [ValueError("bad\nTraceback: secret.py"), TypeError("bad"), KeyError("bad")])
def test_what_the_estimator_says_of_the_input_reaches_the_caller_in_one_line(model, error, caplog):
    caplog.set_level(logging.INFO)
    model.engine = Broken(error)
    with pytest.raises(ModelRejectedInput) as caught:
        model.predict(Batch(1, matrix=np.zeros((1, 3))), ("predict",))
    assert caught.value.detail == "the model refused the input: bad"
    assert caplog.records[-1].exc_info


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
    estimator = LinearRegression().fit(FRAME.to_numpy(), AMOUNTS)
    model = warmed(workshop, estimator, FRAME.to_numpy())
    huge = np.full((1, 3), 1.7e308)
    with np.errstate(over="ignore"):
        given = model.predict(Batch(1, matrix=huge), ("predict",))
    assert not np.isfinite(given["predict"]).all()
