"""Linear models answer from a plan as scikit-learn does, to the last bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import (
    ARDRegression,
    BayesianRidge,
    ElasticNet,
    HuberRegressor,
    LarsCV,
    Lasso,
    LassoLarsIC,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    MultiTaskLasso,
    OrthogonalMatchingPursuit,
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    PoissonRegressor,
    QuantileRegressor,
    RANSACRegressor,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
    SGDClassifier,
    SGDOneClassSVM,
    SGDRegressor,
    TheilSenRegressor,
    TweedieRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import LinearSVC, LinearSVR

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
    schema_of,
)

pytestmark = pytest.mark.filterwarnings("ignore")

CASES: tuple[tuple[Any, np.ndarray | None], ...] = (
    (LinearRegression(), NUMBERS),
    (LinearRegression(fit_intercept=False), SEVERAL),
    (Ridge(), NUMBERS),
    (Ridge(), SEVERAL),
    (RidgeCV(), NUMBERS),
    (Lasso(), NUMBERS),
    (ElasticNet(), NUMBERS),
    (MultiTaskLasso(), SEVERAL),
    (LarsCV(), NUMBERS),
    (LassoLarsIC(), NUMBERS),
    (OrthogonalMatchingPursuit(), NUMBERS),
    (BayesianRidge(), NUMBERS),
    (ARDRegression(), NUMBERS),
    (HuberRegressor(max_iter=20), NUMBERS),
    (TheilSenRegressor(max_subpopulation=20, random_state=0), NUMBERS),
    (QuantileRegressor(), NUMBERS),
    (RANSACRegressor(random_state=0), NUMBERS),
    (SGDRegressor(max_iter=5), NUMBERS),
    (PassiveAggressiveRegressor(max_iter=5), NUMBERS),
    (LinearSVR(max_iter=50), NUMBERS),
    (PoissonRegressor(max_iter=5), POSITIVE),
    (TweedieRegressor(power=0, max_iter=5), NUMBERS),
    (LogisticRegression(max_iter=9), BINARY),
    (LogisticRegression(max_iter=9), TEXTS),
    (LogisticRegression(solver="liblinear"), BINARY),
    (LogisticRegressionCV(max_iter=3, cv=2, Cs=2), TEXTS),
    (RidgeClassifier(), BINARY),
    (RidgeClassifier(), TEXTS),
    (RidgeClassifierCV(), BINARY > 0),
    (LinearSVC(max_iter=50), BINARY),
    (LinearSVC(max_iter=50), TEXTS),
    (SGDClassifier(loss="log_loss", max_iter=5), BINARY),
    (SGDClassifier(loss="log_loss", max_iter=5), TEXTS),
    (SGDClassifier(loss="modified_huber", max_iter=5), BINARY),
    (SGDClassifier(loss="modified_huber", max_iter=5), TEXTS),
    (SGDClassifier(max_iter=5), TEXTS),
    (SGDOneClassSVM(max_iter=5), None),
    (Perceptron(max_iter=5), TEXTS),
    (PassiveAggressiveClassifier(max_iter=5), BINARY),
    (make_pipeline(StandardScaler(), LogisticRegression()), BINARY),
    (make_pipeline(MinMaxScaler(clip=True), LogisticRegression()), TEXTS),
)


@pytest.mark.parametrize(("estimator", "target"), CASES, ids=name)
def test_a_linear_model_answers_the_same_bits(estimator: Any, target: np.ndarray | None, tmp_path: Path) -> None:
    check(estimator, target, tmp_path)


def test_several_labels_a_row_are_left_to_the_estimator() -> None:
    fitted = RidgeClassifier().fit(ROWS, np.c_[BINARY, 1 - BINARY])
    schema = schema_of(LinearRegression().fit(ROWS, NUMBERS), ROWS, "C")
    with pytest.raises(NotCompiled, match="several labels a row"):
        compile_plan(fitted, schema)
