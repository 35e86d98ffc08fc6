"""AdaBoost, bagging and isolation forests answer compiled as they do in scikit-learn, to the last bit."""

import numpy as np
import pytest
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

from tests.model_store.compilers.ensembles.next_to import classes, differences, drawn, hard, thresholds_of

NAMES = [(0, 1), ("a", "b", "c"), tuple(range(9))]
FEW = {"n_estimators": 7, "random_state": 0}
BAGGING = [{}, {"max_features": 0.5}, {"bootstrap_features": True}, {"max_samples": 0.05, "max_features": 2}]


def rows_of(estimator, rows, rng):
    features = getattr(estimator, "estimators_features_", None)
    splits = []
    for number, each in enumerate(estimator.estimators_):
        own = range(rows.shape[1]) if features is None else features[number]
        splits += [(own[feature], threshold) for feature, threshold in thresholds_of([each.tree_])]
    return hard(rows, splits, rng)


@pytest.mark.parametrize("names", NAMES, ids=str)
@pytest.mark.parametrize(
    ("tree", "dtype"),
    [
        (None, "float64"),
        (DecisionTreeClassifier(max_depth=3), "float32"),
        (ExtraTreeClassifier(max_depth=2), "int64"),
    ],
    ids=str,
)
def test_adaboost_classifiers(names, tree, dtype, tmp_path):
    rng, rows, target = drawn()
    rows = (rows * 10).astype(dtype)
    estimator = AdaBoostClassifier(tree, **FEW).fit(rows, classes(target, names))
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


@pytest.mark.parametrize("names", NAMES, ids=str)
@pytest.mark.parametrize(
    "member",
    [LogisticRegression(max_iter=200), GaussianNB(), RandomForestClassifier(3, max_depth=3, random_state=0)],
    ids=lambda member: type(member).__name__,
)
def test_adaboost_of_other_classifiers(names, member, tmp_path):
    rng, rows, target = drawn()
    estimator = AdaBoostClassifier(member, **FEW).fit(rows, classes(target, names))
    assert type(estimator.estimators_[0]) is type(member)
    assert differences(estimator, rows, hard(rows, [], rng), tmp_path) == []


@pytest.mark.parametrize("loss", ["linear", "square", "exponential"])
def test_adaboost_regressors(loss, tmp_path):
    rng, rows, target = drawn()
    estimator = AdaBoostRegressor(DecisionTreeRegressor(max_depth=4), **FEW, loss=loss).fit(rows, np.round(target, 1))
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


@pytest.mark.parametrize(
    "member", [Ridge(), SVR(), KNeighborsRegressor(3, algorithm="kd_tree")], ids=lambda m: type(m).__name__
)
def test_adaboost_of_other_regressors(member, tmp_path):
    rng, rows, target = drawn()
    estimator = AdaBoostRegressor(member, **FEW).fit(rows, np.round(target, 1))
    assert type(estimator.estimators_[0]) is type(member)
    assert differences(estimator, rows, hard(rows, [], rng), tmp_path) == []


@pytest.mark.parametrize("names", NAMES, ids=str)
@pytest.mark.parametrize("options", BAGGING, ids=str)
def test_bagging_classifiers(names, options, tmp_path):
    rng, rows, target = drawn()
    estimator = BaggingClassifier(**FEW, **options).fit(rows, classes(target, names))
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


def test_bagging_takes_anything_in_columns_that_no_tree_has_seen(tmp_path):
    rng, rows, target = drawn()
    estimator = BaggingClassifier(n_estimators=2, max_features=1, random_state=0).fit(rows, classes(target))
    unseen = sorted({0, 1, 2, 3, 4} - set(np.concatenate(estimator.estimators_features_).tolist()))
    assert len(unseen) >= 3
    tested = rows_of(estimator, rows, rng)
    tested[:300, unseen[0]], tested[:300, unseen[1]] = np.nan, np.inf
    assert np.isfinite(estimator.predict_proba(tested[:300])).all()
    assert differences(estimator, rows, tested, tmp_path) == []


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("options", BAGGING, ids=str)
def test_bagging_regressors(options, outputs, tmp_path):
    rng, rows, target = drawn()
    estimator = BaggingRegressor(DecisionTreeRegressor(criterion="absolute_error"), **FEW, **options)
    estimator.fit(rows, target if outputs == 1 else np.stack([target, -target], axis=1))
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


@pytest.mark.parametrize(
    "options",
    [{}, {"max_features": 0.5}, {"contamination": 0.1}, {"max_samples": 2}, {"max_samples": 1}, {"bootstrap": True}],
    ids=str,
)
@pytest.mark.parametrize("gaps", [False, True])
def test_isolation_forests(options, gaps, tmp_path):
    rng, rows, _ = drawn()
    if gaps:
        rows[rng.random(rows.shape) < 0.1] = np.nan
    estimator = IsolationForest(**FEW, **options).fit(rows)
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []
