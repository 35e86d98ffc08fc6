"""Estimators made of trees and linear models, on tables of mixed columns, answer as scikit-learn's do."""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from model_store.batch import Batch
from tests.model_store.compilers.compared import compared

DRAWN = np.random.default_rng(2)
TABLE = pd.DataFrame(DRAWN.normal(size=(300, 2)), columns=["a", "b"]).assign(
    count=DRAWN.integers(0, 9, 300), kind=DRAWN.choice(["x", "y", "z"], 300)
)
TABLE.loc[::9, "a"] = np.nan
TWO = (TABLE["b"] + TABLE["count"] / 9 > 0.5).to_numpy().astype(int)
THREE = np.digitize(TABLE["b"], [-0.5, 0.5])
AMOUNTS = np.exp(TABLE["b"]).to_numpy()


def prepared(model, *, sparse=True):
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    kinds = OneHotEncoder(handle_unknown="ignore", sparse_output=sparse)
    return make_pipeline(ColumnTransformer([("n", numbers, ["a", "b", "count"]), ("k", kinds, ["kind"])]), model)


def logistic():
    return prepared(LogisticRegression())


def forest():
    return prepared(RandomForestClassifier(10, random_state=0), sparse=False)


BOTH = [("one", logistic()), ("two", forest())]
CASES = {
    "vote": (VotingClassifier(BOTH, voting="soft"), THREE),
    "stack": (StackingClassifier(BOTH, LogisticRegression(), cv=2), TWO),
    "calibrated": (CalibratedClassifierCV(forest(), cv=2), THREE),
    "calibrated by steps": (CalibratedClassifierCV(forest(), cv=2, method="isotonic"), TWO),
    "tuned": (TunedThresholdClassifierCV(logistic(), cv=2), TWO),
    "several targets": (MultiOutputClassifier(forest()), np.column_stack([TWO, THREE])),
    "transformed": (
        TransformedTargetRegressor(
            prepared(HistGradientBoostingRegressor(max_iter=10), sparse=False), func=np.log1p, inverse_func=np.expm1
        ),
        AMOUNTS,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_answers_are_equal(name, tmp_path):
    estimator, targets = CASES[name]
    both = compared(estimator.fit(TABLE, targets), TABLE, tmp_path)
    assert both.unlike({1: 12, 7: 3, 32: 2, 300: 1}) == []


@pytest.mark.parametrize("name", ["vote", "stack", "calibrated"])
def test_infinite_numbers_are_refused_by_both(name, tmp_path):
    estimator, targets = CASES[name]
    columns = {"a": np.array([0.0, np.inf]), "b": np.zeros(2), "count": np.ones(2, dtype=np.int64)}
    rows = Batch(2, columns={**columns, "kind": np.array(["x", "never seen"], dtype=object)})
    own, compiled = compared(estimator.fit(TABLE, targets), TABLE, tmp_path).refusals(rows)
    assert own is not None
    assert compiled == own
