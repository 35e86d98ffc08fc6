"""Gradient boosting and histogram gradient boosting answer compiled as they do in scikit-learn, to the last bit."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LogisticRegression

from model_store.capture.inference import infer
from model_store.compilers.compilation import NotCompiled
from model_store.compilers.registry import compile_plan
from tests.model_store.compilers.ensembles.next_to import classes, differences, drawn, hard, thresholds_of

NAMES = [(0, 1), ("a", "b", "c"), tuple(range(11))]
FEW = {"n_estimators": 9, "random_state": 0}
HIST = {"max_iter": 9, "min_samples_leaf": 5, "random_state": 0}


def staged(estimator, rows, rng):
    return hard(rows, thresholds_of([each.tree_ for each in estimator.estimators_.ravel()]), rng)


def binned(estimator, rows, rng):
    nodes = [predictor.nodes for each in estimator._predictors for predictor in each]
    splits = [(n["feature_idx"], n["num_threshold"]) for each in nodes for n in each if not n["is_leaf"]]
    return hard(rows, splits, rng)


@pytest.mark.parametrize("names", NAMES, ids=str)
@pytest.mark.parametrize("init", [None, "zero", DummyClassifier(strategy="prior")], ids=str)
def test_boosted_classifiers(names, init, tmp_path):
    rng, rows, target = drawn()
    estimator = GradientBoostingClassifier(**FEW, init=init, learning_rate=0.3).fit(rows, classes(target, names))
    assert differences(estimator, rows, staged(estimator, rows, rng), tmp_path) == []


def test_a_boosted_classifier_of_exponential_loss(tmp_path):
    rng, rows, target = drawn()
    estimator = GradientBoostingClassifier(**FEW, loss="exponential", subsample=0.7).fit(rows, target > 0)
    assert differences(estimator, rows, staged(estimator, rows, rng), tmp_path) == []


def test_a_decision_of_zero_is_the_second_class(tmp_path):
    rows = np.zeros((10, 2))
    estimator = GradientBoostingClassifier(**FEW, init="zero").fit(rows, ["a", "b"] * 5)
    assert estimator.decision_function(rows[:1]).tolist() == [0.0]
    assert estimator.predict(rows[:1]).tolist() == ["b"]
    assert differences(estimator, rows, rows, tmp_path) == []


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
@pytest.mark.parametrize("init", [None, "zero", DummyRegressor(strategy="constant", constant=-3.5)], ids=str)
def test_boosted_regressors(loss, init, tmp_path):
    rng, rows, target = drawn()
    estimator = GradientBoostingRegressor(**FEW, loss=loss, init=init).fit(rows.astype(np.float32), target)
    assert (
        differences(estimator, rows.astype(np.float32), staged(estimator, rows.astype(np.float32), rng), tmp_path) == []
    )


@pytest.mark.parametrize("init", [LogisticRegression(), DummyClassifier(strategy="stratified")], ids=str)
def test_an_initial_estimator_that_says_no_constant_is_not_compiled(init):
    _, rows, target = drawn()
    estimator = GradientBoostingClassifier(**FEW, init=init).fit(rows, target > 0)
    with pytest.raises(NotCompiled, match="initial"):
        compile_plan(estimator, infer(estimator, rows).schema)


@pytest.mark.parametrize("names", NAMES, ids=str)
def test_histogram_classifiers(names, tmp_path):
    rng, rows, target = drawn()
    estimator = HistGradientBoostingClassifier(**HIST).fit(rows, classes(target, names))
    assert differences(estimator, rows, binned(estimator, rows, rng), tmp_path) == []


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "poisson", "gamma", "quantile"])
def test_histogram_regressors(loss, tmp_path):
    rng, rows, target = drawn()
    estimator = HistGradientBoostingRegressor(**HIST, loss=loss, quantile=0.7).fit(rows, np.exp(target))
    assert differences(estimator, rows, binned(estimator, rows, rng), tmp_path) == []


@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", "int64"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_histograms_of_gaps_and_other_numbers_that_stop_early(dtype, order, tmp_path):
    rng, rows, target = drawn()
    rows = (rows * 30).astype(dtype)
    if dtype.startswith("float"):
        rows[rng.random(rows.shape) < 0.2] = np.nan
        rows[:, 2] = np.where(target > 0, np.nan, 1.0)
    estimator = HistGradientBoostingClassifier(**{**HIST, "max_iter": 30}, early_stopping=True, n_iter_no_change=1)
    estimator.fit(rows, classes(target))
    assert estimator.n_iter_ < 30
    assert differences(estimator, rows, binned(estimator, rows, rng), tmp_path, order=order) == []


@pytest.mark.parametrize("names", [(0, 1), tuple(range(5))], ids=str)
@pytest.mark.parametrize("gaps", [False, True])
def test_histograms_of_categories_in_arrays(names, gaps, tmp_path):
    rng, rows, target = drawn()
    rows[:, 1], rows[:, 3] = rng.integers(0, 9, len(rows)), 7 * rng.integers(0, 40, len(rows))
    target = target + rows[:, 1] % 3 + np.sin(rows[:, 3])
    if gaps:
        rows[rng.random(rows.shape) < 0.1] = np.nan
    estimator = HistGradientBoostingClassifier(**HIST, categorical_features=[1, 3]).fit(rows, classes(target, names))
    assert any(predictor.nodes["is_categorical"].any() for each in estimator._predictors for predictor in each)
    unseen = rows[:100].copy()
    unseen[:, 1] = rng.choice([-2, 1.5, 9, 254, 255, 256, 1e9, np.nan, np.inf], 100)
    unseen[:, 3] = rng.choice([1, 7.5, 14, -7, 300, np.nan, -np.inf], 100)
    assert differences(estimator, rows, np.concatenate([binned(estimator, rows, rng), unseen]), tmp_path) == []


@pytest.mark.parametrize("gaps", [False, True])
def test_histograms_of_categories_in_tables(gaps, tmp_path):
    rng, rows, target = drawn()
    frame = pd.DataFrame({"a": rows[:, 0], "n": rng.integers(0, 5, 300), "b": rows[:, 1]})
    frame["text"] = pd.Categorical(rng.choice(["x", "y", "z"], 300), categories=["z", "never", "x", "y"])
    frame["number"] = pd.Categorical(rng.integers(0, 6, 300))
    target = target + (frame["text"] == "x") - 2 * (frame["number"] == 3)
    if gaps:
        frame.loc[rng.random(300) < 0.2, ["a", "text"]] = None
    estimator = HistGradientBoostingRegressor(**HIST, categorical_features="from_dtype").fit(frame, target)
    assert any(predictor.nodes["is_categorical"].any() for each in estimator._predictors for predictor in each)
    assert differences(estimator, frame, infer(estimator, frame).batch, tmp_path) == []
