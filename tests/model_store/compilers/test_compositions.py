"""Estimators made of others answer as scikit-learn's do, to the last bit."""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - so that halving can be imported
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import LinearSVC

from model_store.batch import Batch
from model_store.compilers.compilation import NotCompiled
from tests.model_store.compilers.compared import compared

DRAWN = np.random.default_rng(7)
MATRIX = DRAWN.normal(size=(600, 5)) * [1, 10, 0.1, 3, 100] + [0, 3, 0, -50, 7]
TABLE = pd.DataFrame(MATRIX, columns=list("abcde")).assign(
    e=DRAWN.integers(-5, 9, 600), d=MATRIX[:, 3].astype("float32")
)
SIGNAL = MATRIX[:, 0] + MATRIX[:, 1] / 10 + DRAWN.normal(size=600) * 0.5
AMOUNTS = np.exp(SIGNAL / 2)
TWO = np.where(SIGNAL > 0.3, "yes", "no")
THREE = np.array(["low", "mid", "top"])[np.digitize(SIGNAL, [-0.5, 0.8])]
PARTLY = np.where(DRAWN.random(600) < 0.4, -1, np.digitize(SIGNAL, [-0.5, 0.8]))
MARKS = np.column_stack([SIGNAL > 0, MATRIX[:, 1] > 3, MATRIX[:, 4] > 0]).astype(int)
LABELS = np.column_stack([TWO, THREE])
SEVERAL = np.column_stack([SIGNAL, MATRIX[:, 1], AMOUNTS])


def logistic():
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))


def linear():
    return make_pipeline(StandardScaler(), Ridge())


def voters():
    return [
        ("one", logistic()),
        ("two", make_pipeline(StandardScaler(), LogisticRegression(C=0.01))),
        ("3", logistic()),
    ]


def regressors():
    return [("one", linear()), ("two", LinearRegression()), ("three", make_pipeline(StandardScaler(), Ridge(100)))]


def back(transformer):
    return TransformedTargetRegressor(linear(), transformer=transformer)


CLASSIFIERS = {
    "pipeline": logistic(),
    "pipeline of pipelines": make_pipeline("passthrough", make_pipeline(StandardScaler()), logistic()),
    "grid": GridSearchCV(logistic(), {"logisticregression__C": [0.1, 1]}, cv=2),
    "drawn grid": RandomizedSearchCV(logistic(), {"logisticregression__C": [0.1, 1]}, n_iter=1, cv=2, random_state=0),
    "halved grid": HalvingGridSearchCV(logistic(), {"logisticregression__C": [0.1, 1]}, cv=2, random_state=0),
    "soft vote": VotingClassifier(voters(), voting="soft"),
    "weighted soft vote": VotingClassifier(voters(), voting="soft", weights=[0.3, 2, 1]),
    "soft vote, one dropped": VotingClassifier([*voters(), ("no", "drop")], voting="soft", weights=[1, 2, 3, 4]),
    "hard vote": VotingClassifier(voters()),
    "weighted hard vote": VotingClassifier(voters(), weights=[0.1, 0.3, 0.2]),
    "stack": StackingClassifier(voters(), LogisticRegression(), cv=3),
    "stack with the rows": StackingClassifier(voters(), logistic(), cv=3, passthrough=True),
    "stack of decisions": StackingClassifier(voters(), logistic(), cv=3, stack_method="decision_function"),
    "stack of labels": StackingClassifier(voters(), logistic(), cv=3, stack_method="predict"),
    "sigmoid": CalibratedClassifierCV(logistic(), cv=3),
    "sigmoid of all": CalibratedClassifierCV(logistic(), cv=3, ensemble=False),
    "isotonic": CalibratedClassifierCV(logistic(), method="isotonic", cv=3),
    "temperature": CalibratedClassifierCV(logistic(), method="temperature", cv=3),
    "sigmoid of probabilities": CalibratedClassifierCV(VotingClassifier(voters(), voting="soft"), cv=2),
    "temperature of probabilities": CalibratedClassifierCV(
        VotingClassifier(voters(), voting="soft"), method="temperature", cv=2
    ),
    "one against rest": OneVsRestClassifier(logistic()),
    "one against rest by numbers": OneVsRestClassifier(linear()),
    "one against rest by probabilities": OneVsRestClassifier(VotingClassifier(voters(), voting="soft")),
    "bagging": BaggingClassifier(logistic(), 5, random_state=0),
    "bagging of some columns": BaggingClassifier(logistic(), 5, max_features=0.6, random_state=0),
    "bagging of votes": BaggingClassifier(LinearSVC(), 5, random_state=0),
    "bagging of few rows": BaggingClassifier(GaussianNB(), 5, max_samples=3, random_state=0),
    "one against one": OneVsOneClassifier(logistic()),
    "one against one by probabilities": OneVsOneClassifier(VotingClassifier(voters(), voting="soft")),
}
THRESHOLDS = {
    "fixed": FixedThresholdClassifier(logistic(), threshold=0.3),
    "fixed, by itself": FixedThresholdClassifier(logistic()),
    "fixed for the other": FixedThresholdClassifier(
        logistic(), threshold=0.2, response_method="decision_function", pos_label="no"
    ),
    "tuned": TunedThresholdClassifierCV(logistic(), cv=3, scoring="balanced_accuracy"),
}
REGRESSORS = {
    "vote": VotingRegressor(regressors()),
    "weighted vote": VotingRegressor(regressors(), weights=[1, 0.3, 7]),
    "stack": StackingRegressor(regressors(), Ridge(), cv=3),
    "stack with the rows": StackingRegressor(regressors(), linear(), cv=3, passthrough=True),
    "bagging": BaggingRegressor(linear(), 5, random_state=0),
    "bagging of some columns": BaggingRegressor(linear(), 5, max_features=3, random_state=0),
    "exp": TransformedTargetRegressor(linear(), func=np.log, inverse_func=np.exp),
    "expm1": TransformedTargetRegressor(linear(), func=np.log1p, inverse_func=np.expm1),
    "nothing": TransformedTargetRegressor(linear()),
    "standard": back(StandardScaler()),
    "robust": back(RobustScaler()),
    "range": back(MinMaxScaler()),
    "greatest": back(MaxAbsScaler()),
    "power": back(PowerTransformer()),
    "quantiles": back(QuantileTransformer(n_quantiles=50)),
}
MULTIPLE = {
    "regressors": (MultiOutputRegressor(linear()), SEVERAL),
    "chained regressors": (RegressorChain(linear(), order=[2, 0, 1]), SEVERAL),
    "classifiers": (MultiOutputClassifier(logistic()), LABELS),
    "classifiers of numbers": (MultiOutputClassifier(logistic()), MARKS),
    "chained": (ClassifierChain(logistic(), order=[1, 2, 0]), MARKS),
    "chained by probabilities": (ClassifierChain(logistic(), chain_method="predict_proba", cv=2), MARKS),
    "one against rest": (OneVsRestClassifier(logistic()), MARKS),
    "several targets back": (back(StandardScaler()), SEVERAL),
}


ROWS = pytest.mark.parametrize("rows", [MATRIX, TABLE], ids=["matrix", "table"])


@pytest.mark.parametrize(("rows", "targets"), [(TABLE, TWO), (MATRIX, THREE)], ids=["two classes", "three classes"])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_made_of_others_are_equal(name, rows, targets, tmp_path):
    assert compared(CLASSIFIERS[name].fit(rows, targets), rows, tmp_path).unlike() == []


@pytest.mark.parametrize("name", THRESHOLDS)
def test_classifiers_by_a_threshold_are_equal(name, tmp_path):
    assert compared(THRESHOLDS[name].fit(TABLE, TWO), TABLE, tmp_path).unlike() == []


@ROWS
@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors_made_of_others_are_equal(name, rows, tmp_path):
    assert compared(REGRESSORS[name].fit(rows, AMOUNTS), rows, tmp_path).unlike() == []


@ROWS
@pytest.mark.parametrize("name", MULTIPLE)
def test_estimators_of_several_targets_are_equal(name, rows, tmp_path):
    estimator, targets = MULTIPLE[name]
    assert compared(estimator.fit(rows, targets), rows, tmp_path).unlike() == []


@ROWS
def test_a_classifier_that_trained_itself_is_equal(rows, tmp_path):
    fitted = SelfTrainingClassifier(logistic()).fit(rows, PARTLY)
    assert compared(fitted, rows, tmp_path).unlike() == []


def test_a_frozen_classifier_is_equal_when_calibrated(tmp_path):
    frozen = FrozenEstimator(logistic().fit(MATRIX, THREE))
    fitted = CalibratedClassifierCV(frozen, method="isotonic").fit(MATRIX, THREE)
    assert compared(fitted, MATRIX, tmp_path).unlike() == []


def test_what_several_do_to_the_same_rows_is_done_once(tmp_path):
    fitted = VotingRegressor(regressors()).fit(TABLE, AMOUNTS)
    kinds = compared(fitted, TABLE, tmp_path).kinds
    assert (kinds.count("block"), kinds.count("scale"), kinds.count("dot")) == (1, 1, 3)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["soft vote", "stack with the rows", "sigmoid", "one against one"])
def test_what_scikit_learn_refuses_is_refused_with_the_same_words(name, wrong, tmp_path):
    rows = MATRIX[:3].copy()
    rows[1, 2] = wrong
    own, compiled = compared(CLASSIFIERS[name].fit(MATRIX, THREE), MATRIX, tmp_path).refusals(Batch(3, matrix=rows))
    assert own is not None
    assert compiled == own


def test_a_target_that_comes_out_infinite_is_answered_the_same(tmp_path):
    fitted = REGRESSORS["exp"].fit(MATRIX, AMOUNTS)
    both = compared(fitted, MATRIX, tmp_path)
    far = Batch(2, matrix=np.full((2, 5), 1e5))
    own, compiled = (engine.predict(far, ["predict"])["predict"] for engine in (both.own, both.compiled))
    assert not np.isfinite(own).all() or (own == 0).any()
    assert compiled.tobytes() == own.tobytes()


def own_inverse(values):
    return np.exp(values)


UNKNOWN = {
    "none of NumPy's own": (TransformedTargetRegressor(linear(), func=np.log, inverse_func=own_inverse), AMOUNTS),
    "of a normal distribution": (back(QuantileTransformer(n_quantiles=50, output_distribution="normal")), AMOUNTS),
    "inverse of box-cox": (back(PowerTransformer("box-cox")), AMOUNTS),
    "negative weight": (VotingClassifier(voters(), weights=[1, -1, 2]), THREE),
}


@pytest.mark.parametrize("reason", UNKNOWN)
def test_what_is_not_known_for_certain_is_not_compiled(reason, tmp_path):
    estimator, targets = UNKNOWN[reason]
    with pytest.raises(NotCompiled, match=reason):
        compared(estimator.fit(MATRIX, targets), MATRIX, tmp_path)
