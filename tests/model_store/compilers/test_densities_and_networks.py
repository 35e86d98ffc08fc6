"""Classifiers of densities, networks and constant answers: the same bits from a plan."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier, MLPRegressor

from model_store.compilers.compilation import NotCompiled
from model_store.compilers.registry import compile_plan
from tests.model_store.compilers.numbers import (
    BINARY,
    NUMBERS,
    POSITIVE,
    ROWS,
    SEVERAL,
    TEXTS,
    check,
    name,
    outcomes,
    schema_of,
)

pytestmark = pytest.mark.filterwarnings("ignore")

CASES: tuple[tuple[Any, np.ndarray | None], ...] = (
    (GaussianNB(), BINARY),
    (GaussianNB(), TEXTS),
    (GaussianNB(), np.arange(400) % 11),
    (BernoulliNB(), TEXTS),
    (BernoulliNB(binarize=None), BINARY),
    (LinearDiscriminantAnalysis(), BINARY),
    (LinearDiscriminantAnalysis(), TEXTS),
    (LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1), TEXTS),
    (LinearDiscriminantAnalysis(solver="lsqr"), TEXTS),
    (QuadraticDiscriminantAnalysis(reg_param=0.1), BINARY),
    (QuadraticDiscriminantAnalysis(reg_param=0.1), TEXTS),
    (MLPClassifier((9,), max_iter=3, random_state=0), BINARY),
    (MLPClassifier((9, 7), "tanh", max_iter=3, random_state=0), TEXTS),
    (MLPClassifier((9,), "logistic", max_iter=3, random_state=0), TEXTS),
    (MLPRegressor(hidden_layer_sizes=(9,), max_iter=3, random_state=0), NUMBERS),
    (MLPRegressor(hidden_layer_sizes=(9,), activation="identity", max_iter=3, random_state=0), SEVERAL),
    (MLPRegressor(loss="poisson", hidden_layer_sizes=(9,), max_iter=1, random_state=0), POSITIVE / 99),
    (DummyClassifier(), TEXTS),
    (DummyClassifier(strategy="most_frequent"), TEXTS),
    (DummyClassifier(strategy="constant", constant="b"), TEXTS),
    (DummyRegressor(), NUMBERS),
    (DummyRegressor(strategy="median"), SEVERAL),
)


@pytest.mark.parametrize(("estimator", "target"), CASES, ids=name)
def test_a_model_answers_the_same_bits(estimator: Any, target: np.ndarray | None, tmp_path: Path) -> None:
    check(estimator, target, tmp_path)


@pytest.mark.parametrize("estimator", [MultinomialNB(), ComplementNB()], ids=name)
def test_counts_are_classified_with_the_same_bits(estimator: Any, tmp_path: Path) -> None:
    check(estimator, TEXTS, tmp_path, np.abs(np.rint(ROWS)))


@pytest.mark.parametrize("outside", ["clip", "nan", "raise"])
def test_an_isotonic_line_answers_the_same_bits_outside_too(outside: str, tmp_path: Path) -> None:
    fitted = IsotonicRegression(out_of_bounds=outside).fit(ROWS[:300, 0], NUMBERS[:300])
    known = fitted.X_thresholds_
    hard = np.r_[known, np.nextafter(known, np.inf), np.nextafter(known, -np.inf), ROWS[:, 0]][:, None]
    seen = outcomes(fitted, np.random.default_rng(6).permutation(hard), "C", tmp_path)
    assert set(seen) == ({"equal", "refused"} if outside == "raise" else {"equal"}), seen


@pytest.mark.parametrize(
    ("estimator", "target", "reason"),
    [
        (DummyClassifier(strategy="uniform"), BINARY, "the strategy uniform"),
        (MLPClassifier((3,), max_iter=1), np.c_[BINARY, 1 - BINARY], "several labels a row"),
        (BernoulliNB(binarize=np.float32(1)), BINARY, "a threshold of type float32"),
    ],
    ids=name,
)
def test_what_is_not_certain_is_left_to_the_estimator(estimator: Any, target: np.ndarray, reason: str) -> None:
    fitted = estimator.fit(ROWS, target)
    with pytest.raises(NotCompiled, match=reason):
        compile_plan(fitted, schema_of(fitted, ROWS, "C"))
