"""Steps that write into their rows change nothing but their own copy."""

import logging
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from model_store.batch import Batch
from model_store.capture.inference import infer
from model_store.capture.sample import samples
from model_store.engines.choice import NoEngine, choose
from model_store.engines.estimator import EstimatorEngine, answers, answers_on_shared_rows
from model_store.errors import UndeclaredAnswer
from model_store.reference.golden import Golden
from model_store.schema import Output

RANDOM = np.random.default_rng(0)
MATRIX = RANDOM.normal(3, 2, size=(60, 3))
FRAME = pd.DataFrame({"income": RANDOM.lognormal(3, 1, 60), "city": RANDOM.choice(["here", "there"], 60)})
CLASSES = (MATRIX[:, 0] > 3).astype(int)


def in_logarithms(frame):
    """Work as users' own first steps do: change the frame that is given, and return it."""
    frame["income"] = np.log1p(frame["income"])
    frame["city"] = (frame["city"] == "here").astype(float)
    return frame


def fractions_above_ten(frame):
    return frame.where(frame > 10, 0)


def on_frames():
    return make_pipeline(FunctionTransformer(in_logarithms), LogisticRegression()).fit(FRAME.copy(), CLASSES)


def scaled_in_place(scaler):
    return make_pipeline(scaler(copy=False), LogisticRegression()).fit(MATRIX.copy(), CLASSES)


def test_each_output_of_one_request_is_computed_from_the_rows_as_they_were_sent():
    estimator = on_frames()
    inferred = infer(estimator, samples.laid_out(FRAME.copy()))
    both = EstimatorEngine(estimator, inferred.schema).predict(inferred.batch, ("predict", "predict_proba"))
    assert np.array_equal(both["predict"], estimator.predict(FRAME.copy()))
    assert np.array_equal(both["predict_proba"], estimator.predict_proba(FRAME.copy()))


@pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler])
def test_a_scaler_that_works_in_place_is_read_and_answers_as_in_python(scaler):
    estimator, sample = scaled_in_place(scaler), MATRIX.copy()
    inferred = infer(estimator, samples.laid_out(sample))
    given = answers(estimator, inferred.schema, inferred.batch, ("predict", "predict_proba"))
    assert np.array_equal(given["predict"], estimator.predict(MATRIX.copy()))
    assert np.array_equal(given["predict_proba"], estimator.predict_proba(MATRIX.copy()))
    assert np.array_equal(sample, MATRIX)


def test_what_was_missing_is_still_missing_after_an_imputer_that_works_in_place():
    gappy = MATRIX.copy()
    gappy[::7, 1] = np.nan
    estimator = make_pipeline(SimpleImputer(copy=False), LogisticRegression()).fit(gappy.copy(), CLASSES)
    inferred = infer(estimator, samples.laid_out(gappy.copy()))
    batch = Batch(len(gappy), matrix=gappy.copy())
    answers(estimator, inferred.schema, batch, ("predict", "predict_proba"))
    assert np.array_equal(batch.matrix, gappy, equal_nan=True)


def recorded(record):
    """A version's schema, rows, and answers, recorded in one way or the other."""
    estimator = on_frames()
    inferred = infer(estimator, samples.laid_out(FRAME.copy()))
    names = ("predict", "predict_proba")
    return estimator, inferred.schema, Golden(inferred.batch, record(estimator, inferred.schema, inferred.batch, names))


def test_a_version_of_0_1_0_that_recorded_answers_to_changed_rows_loads_and_says_so(caplog):
    estimator, schema, golden = recorded(answers_on_shared_rows)
    right = estimator.predict_proba(FRAME.copy())
    assert not np.array_equal(golden.answers["predict_proba"], right)
    with caplog.at_level(logging.WARNING):
        engine = choose(estimator, schema, golden)
    assert np.array_equal(engine.predict(golden.batch, ("predict_proba",))["predict_proba"], right)
    assert "publish it again" in caplog.text


def test_a_version_of_0_1_0_whose_schema_cannot_hold_its_answers_loads_and_says_so(caplog):
    numbers = FRAME[["income"]]
    estimator = FunctionTransformer(fractions_above_ten).fit(numbers)
    schema = replace(infer(estimator, samples.laid_out(numbers)).schema, outputs=(Output("transform", "int64", (1,)),))
    batch = Batch(len(numbers), matrix=numbers.to_numpy())
    golden = Golden(batch, answers_on_shared_rows(estimator, schema, batch, ("transform",)))
    with caplog.at_level(logging.WARNING):
        engine = choose(estimator, schema, golden)
    assert "publish it again" in caplog.text
    low, high = (Batch(1, matrix=np.array([[amount]])) for amount in (1.5, 10.5))
    assert engine.predict(low, ("transform",))["transform"].tolist() == [[0]]
    with pytest.raises(UndeclaredAnswer, match="the declared int64 cannot hold"):
        engine.predict(high, ("transform",))


def test_recorded_answers_that_fit_neither_way_are_refused():
    estimator, schema, golden = recorded(answers)
    golden.answers["predict_proba"][0] += 0.25
    with pytest.raises(NoEngine, match="predict_proba"):
        choose(estimator, schema, golden)
