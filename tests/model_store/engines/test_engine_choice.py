"""Which engine executes a version, and that it answers as scikit-learn does."""

import dataclasses
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
from model_store.capture.inference import infer
from model_store.capture.sample import samples
from model_store.engines.arrays import ArrayEngine
from model_store.engines.choice import NoEngine, choose
from model_store.engines.equality import identical
from model_store.engines.estimator import EstimatorEngine, answers
from model_store.reference.golden import Golden

FRAME = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=["a", "b", "c"])
ROWS = Batch(len(FRAME), matrix=FRAME.to_numpy())
CLASSES = (FRAME["a"] > 0).map({True: "yes", False: "no"})
AMOUNTS = FRAME["a"] * 2 + FRAME["b"]


def recorded(estimator, sample=FRAME):
    """The schema of an estimator, and its answers to the sample."""
    inferred = infer(estimator, samples.laid_out(sample))
    names = [output.name for output in inferred.schema.outputs]
    return inferred.schema, Golden(inferred.batch, answers(estimator, inferred.schema, inferred.batch, names))


def chosen(estimator, sample=FRAME):
    return choose(estimator, *recorded(estimator, sample))


def pipeline():
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(FRAME, CLASSES)


def forest():
    return RandomForestClassifier(10, random_state=0).fit(FRAME, CLASSES)


def vote():
    return VotingRegressor([("one", LinearRegression()), ("two", LinearRegression())]).fit(FRAME, AMOUNTS)


@pytest.mark.parametrize("made", [pipeline, forest, vote])
def test_a_table_of_one_number_type_is_fed_as_arrays_without_a_warning(made):
    estimator = made()
    expected = estimator.predict(FRAME)
    engine = chosen(estimator)
    assert isinstance(engine, ArrayEngine)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        given = engine.predict(ROWS, ("predict",))["predict"]
    assert list(given) == list(expected)


def by_name():
    scaled = ColumnTransformer([("scale", StandardScaler(), ["c", "a"])])
    return make_pipeline(scaled, LinearRegression()).fit(FRAME, AMOUNTS)


def by_frame():
    return make_pipeline(StandardScaler().set_output(transform="pandas"), LinearRegression()).fit(FRAME, AMOUNTS)


def by_function():
    return make_pipeline(FunctionTransformer(np.abs), LinearRegression()).fit(FRAME, AMOUNTS)


@pytest.mark.parametrize("made", [by_name, by_frame, by_function])
def test_what_may_look_at_column_names_is_fed_as_a_frame(made):
    estimator = made()
    engine = chosen(estimator)
    assert not isinstance(engine, ArrayEngine)
    np.testing.assert_allclose(engine.predict(ROWS, ("predict",))["predict"], estimator.predict(FRAME))


class Rounding(ArrayEngine):
    """Answers wrongly in the last bit."""

    def predict(self, batch, outputs):
        return {name: np.nextafter(answer, np.inf) for name, answer in super().predict(batch, outputs).items()}


class Failing(ArrayEngine):
    """Does not take the rows."""

    def predict(self, batch, outputs):
        raise ValueError("no")


@pytest.mark.parametrize("candidate", [Rounding, Failing])
def test_an_engine_that_is_not_kept_leaves_the_estimator_as_it_was(candidate):
    estimator = LinearRegression().fit(FRAME, AMOUNTS)
    engine = choose(estimator, *recorded(estimator), candidates=[candidate])
    assert not isinstance(engine, ArrayEngine)
    assert list(estimator.feature_names_in_) == ["a", "b", "c"]


def test_the_first_candidate_that_answers_the_same_is_chosen():
    class Second(ArrayEngine):
        pass

    estimator = LinearRegression().fit(FRAME, AMOUNTS)
    assert isinstance(choose(estimator, *recorded(estimator), candidates=[Rounding, Second, ArrayEngine]), Second)


def test_a_matrix_is_fed_as_it_is():
    engine = chosen(LinearRegression().fit(FRAME.to_numpy(), AMOUNTS), FRAME.to_numpy())
    assert not isinstance(engine, ArrayEngine)
    given = engine.predict(Batch(2, matrix=FRAME.to_numpy()[:2]), ("predict",))["predict"]
    np.testing.assert_allclose(given, AMOUNTS[:2])


def test_an_estimator_that_does_not_give_the_stored_answers_gets_no_engine():
    estimator = LinearRegression().fit(FRAME, AMOUNTS)
    schema, golden = recorded(estimator)
    estimator.coef_ = estimator.coef_ + 1
    with pytest.raises(NoEngine, match="not those stored"):
        choose(estimator, schema, golden)


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


class TestEveryEngine:
    """What holds for every engine."""

    @pytest.fixture(params=[EstimatorEngine, ArrayEngine])
    def engine(self, request):
        estimator = pipeline()
        schema = recorded(estimator)[0]
        return request.param(estimator, schema)

    def test_it_has_a_name(self, engine):
        assert engine.name

    def test_each_wanted_output_is_answered_with_one_entry_a_row(self, engine):
        given = engine.predict(ROWS, ("predict_proba", "predict"))
        assert given["predict"].shape == (60,)
        assert given["predict_proba"].shape == (60, 2)
        assert set(given) == {"predict", "predict_proba"}

    def test_an_unknown_output_is_a_key_error(self, engine):
        with pytest.raises(KeyError):
            engine.predict(ROWS, ("fly",))

    def test_what_the_estimator_raises_comes_through(self, engine):
        with pytest.raises(ValueError, match="NaN"):
            engine.predict(Batch(1, matrix=np.full((1, 3), np.nan)), ("predict",))


def test_arrays_are_admitted_for_tables_alone():
    estimator = LinearRegression().fit(FRAME, AMOUNTS)
    schema = recorded(estimator)[0]
    assert ArrayEngine.admits(estimator, schema)
    assert not ArrayEngine.admits(estimator, dataclasses.replace(schema, layout="matrix"))
