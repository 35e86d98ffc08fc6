"""Nearest neighbours answer as scikit-learn does, to the last bit, with the extension and without it."""

import warnings
from itertools import product

import numpy as np
import pytest
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    RadiusNeighborsClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model_store.batch import Batch
from model_store.compilers.compilation import NotCompiled
from tests.model_store.compilers.compared import compared
from tests.model_store.compilers.numbers import BINARY, NUMBERS, SEVERAL, TEXTS, check, name

DRAWN = np.random.default_rng(5)
TREES = ("kd_tree", "ball_tree")
WEIGHTS = ("uniform", "distance")
METRICS = {
    "euclidean": {},
    "manhattan": {"p": 1},
    "chebyshev": {"metric": "chebyshev"},
    "third power": {"p": 3},
    "root": {"p": 1.5},
}
SPREAD = DRAWN.normal(size=(600, 3))
TIED = np.round(SPREAD, 0)
"""Many points on one place, and many places equally far from one."""
SIGNAL = SPREAD[:, 0] + DRAWN.normal(size=600)


def asked(known):
    """Return known rows, the numbers next to them, and rows in the middle between two."""
    rows = known[:312].copy()
    rows[::3] = np.nextafter(rows[::3], 9)
    rows[1::5] = (known[1:312:5] + known[2:313:5]) / 2
    return rows


@pytest.mark.usefixtures("by")
@pytest.mark.parametrize("known", [SPREAD, TIED], ids=["spread", "tied"])
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("algorithm", TREES)
def test_points_are_found_in_the_order_of_scikit_learn(algorithm, metric, known, tmp_path):
    for weights, count in product(WEIGHTS, (1, 7, 40)):
        settings = {"algorithm": algorithm, "weights": weights, "leaf_size": 10, **METRICS[metric]}
        model = KNeighborsRegressor(count, **settings).fit(known, SIGNAL)
        assert compared(model, asked(known), tmp_path).unlike() == []


@pytest.mark.usefixtures("by")
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("known", [SPREAD, TIED], ids=["spread", "tied"])
def test_classifiers_are_equal(known, weights, tmp_path):
    for count, classes in product(
        (1, 6, 40), (np.digitize(SIGNAL, [-1, 0, 1]) * 10, np.array(list("ab"))[BINARY[:300]])
    ):
        model = KNeighborsClassifier(count, weights=weights).fit(known[: len(classes)], classes)
        both = compared(model, asked(known), tmp_path)
        assert both.outputs == ("predict", "predict_proba")
        assert both.unlike() == []


@pytest.mark.parametrize(
    ("estimator", "target"),
    [
        (KNeighborsClassifier(), TEXTS),
        (KNeighborsClassifier(weights="distance", algorithm="ball_tree"), BINARY),
        (KNeighborsRegressor(), NUMBERS),
        (KNeighborsRegressor(weights="distance", p=1), NUMBERS.astype("float32")),
        (KNeighborsRegressor(12), np.rint(NUMBERS).astype(int)),
        (KNeighborsRegressor(9), SEVERAL),
        (KNeighborsRegressor(9, weights="distance"), np.asfortranarray(SEVERAL)),
        (KNeighborsRegressor(9, weights="uniform"), np.asfortranarray(SEVERAL)),
        (make_pipeline(StandardScaler(), KNeighborsClassifier()), TEXTS),
    ],
    ids=name,
)
def test_rows_of_every_type_and_hard_numbers_are_equal(estimator, target, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # distances that are too large for a number
        check(estimator, target, tmp_path)


@pytest.mark.usefixtures("by")
@pytest.mark.parametrize("model", [KNeighborsClassifier, KNeighborsRegressor])
def test_rows_farther_from_all_points_than_numbers_reach_are_answered_or_refused_alike(model, tmp_path):
    far = np.full((2, 3), 1e200)
    for weights, algorithm in product(WEIGHTS, TREES):
        target = np.arange(len(SPREAD)) % 7
        fitted = model(3, weights=weights, algorithm=algorithm).fit(SPREAD, target)
        both = compared(fitted, SPREAD, tmp_path)
        own, compiled = both.refusals(Batch(2, matrix=far))
        assert compiled == own
        if own is None:
            answers = (engine.predict(Batch(2, matrix=far), both.outputs) for engine in (both.own, both.compiled))
            first, second = ({name: answer.tobytes() for name, answer in each.items()} for each in answers)
            assert first == second


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_scikit_learn_refuses_is_refused_with_the_same_words(wrong, tmp_path):
    rows = SPREAD[:2].copy()
    rows[1, 1] = wrong
    own, compiled = compared(KNeighborsRegressor().fit(SPREAD, SIGNAL), SPREAD, tmp_path).refusals(
        Batch(2, matrix=rows)
    )
    assert own is not None
    assert compiled == own


def weights_of_your_own(distances):
    return 1 / (1 + distances)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (KNeighborsRegressor(algorithm="brute"), "brute"),
        (KNeighborsRegressor(weights=weights_of_your_own), "weights of your own"),
        (KNeighborsRegressor(metric="canberra", algorithm="ball_tree"), "canberra"),
        (KNeighborsRegressor(p=3, metric_params={"w": [1, 2, 3]}, algorithm="ball_tree"), "minkowski"),
        (RadiusNeighborsClassifier(9), "is not known"),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)
def test_other_searches_are_not_compiled(model, reason, tmp_path):
    with pytest.raises(NotCompiled, match=reason):
        compared(model.fit(SPREAD, np.arange(600) % 3), SPREAD, tmp_path)
