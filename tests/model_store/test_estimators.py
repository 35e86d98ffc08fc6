"""One walker over an estimator's parts."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    RandomForestClassifier,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from model_store.artifacts.loading import single_threaded
from model_store.estimators import SEQUENCES, objects, parts

X = np.random.default_rng(0).normal(size=(40, 3))
CLASSES = X[:, 0] > 0
AMOUNTS = X[:, 0] * 2


def kinds(estimator, *containers):
    return {type(part).__name__ for part in parts(estimator, *containers)}


COMPOSED = [
    (make_pipeline(StandardScaler(), Ridge()), {"Pipeline", "StandardScaler", "Ridge"}),
    (
        ColumnTransformer([("a", StandardScaler(), [0]), ("b", make_pipeline(SimpleImputer()), [1])]).fit(X),
        {"ColumnTransformer", "StandardScaler", "Pipeline", "SimpleImputer"},
    ),
    (
        FeatureUnion([("a", StandardScaler()), ("b", MinMaxScaler())]),
        {"FeatureUnion", "StandardScaler", "MinMaxScaler"},
    ),
    (
        StackingRegressor([("one", Ridge())], final_estimator=LinearRegression()),
        {"StackingRegressor", "Ridge", "LinearRegression"},
    ),
    (TransformedTargetRegressor(Ridge(), transformer=StandardScaler()).fit(X, AMOUNTS), {"Ridge", "StandardScaler"}),
    (OneVsRestClassifier(LogisticRegression()).fit(X, CLASSES), {"OneVsRestClassifier", "LogisticRegression"}),
    (RandomForestClassifier(3).fit(X, CLASSES), {"RandomForestClassifier", "DecisionTreeClassifier"}),
]


@pytest.mark.parametrize(("estimator", "inside"), COMPOSED, ids=lambda one: type(one).__name__)
def test_composed_estimators_are_walked_to_the_end(estimator, inside):
    assert kinds(estimator) >= inside


def test_each_member_of_a_forest_is_a_part():
    assert len(list(parts(RandomForestClassifier(7).fit(X, CLASSES)))) >= 8


def test_arrays_of_estimators_are_looked_into():
    boosted = GradientBoostingClassifier(n_estimators=3).fit(X, CLASSES)
    assert isinstance(boosted.estimators_, np.ndarray)
    assert "DecisionTreeRegressor" in kinds(boosted)


class Holder(BaseEstimator):
    def __init__(self, held=None):
        self.held = held


@pytest.mark.parametrize(
    "held",
    [
        [Ridge()],
        (Ridge(),),
        {"Ridge": Ridge()},
        [("name", {"deep": [(Ridge(),)]})],
        np.array([[Ridge()], [None]], dtype=object),
    ],
    ids=["list", "tuple", "dictionary", "nested", "array"],
)
def test_estimators_in_containers_are_found(held):
    assert kinds(Holder(held)) == {"Holder", "Ridge"}


def test_each_part_comes_once():
    ridge = Ridge()
    assert list(parts([ridge, (ridge, {"again": ridge})])) == [ridge]


def test_a_circle_ends():
    one, two = Holder(), Holder()
    one.held, two.held = [two], {"back": one}
    assert len(list(parts(one))) == 2


def test_a_list_that_holds_itself_ends():
    endless = [Ridge()]
    endless.append(endless)
    assert kinds(Holder(endless)) == {"Holder", "Ridge"}


class Slotted:
    """An estimator without a dictionary of attributes, as compiled extensions have them."""

    __slots__ = ("inner", "never_set")

    def __init__(self, inner):
        self.inner = inner

    def get_params(self):
        return {}


def test_estimators_with_slots_are_walked():
    assert kinds(make_pipeline(Slotted([Ridge()]))) == {"Pipeline", "Slotted", "Ridge"}


def test_classes_are_no_parts():
    assert kinds(Holder([Ridge, Holder])) == {"Holder"}


def test_an_estimator_that_is_a_list_is_a_part():
    class Steps(list):
        def get_params(self):
            return {}

    assert kinds(Steps()) == {"Steps"}


def test_in_sequences_alone_what_a_search_did_not_take_is_not_found():
    pipeline = make_pipeline(StandardScaler(), Ridge())
    worse = DummyRegressor(strategy="constant", constant=1000.0)
    search = GridSearchCV(pipeline, {"ridge": [worse, Ridge()]}, cv=2).fit(X, AMOUNTS)
    assert "DummyRegressor" in kinds(search)
    assert kinds(search, SEQUENCES) == {"GridSearchCV", "Pipeline", "StandardScaler", "Ridge"}


def test_objects_of_scikit_learn_that_are_no_estimators_are_no_parts():
    calibrated = CalibratedClassifierCV(LogisticRegression(), cv=2).fit(X, CLASSES)
    found = {type(thing).__name__ for thing in objects(calibrated)}
    assert "_CalibratedClassifier" in found
    assert "_CalibratedClassifier" not in kinds(calibrated)


def test_the_fitted_members_that_such_objects_hold_are_parts():
    calibrated = CalibratedClassifierCV(RandomForestClassifier(2, n_jobs=2), cv=2).fit(X, CLASSES)
    fitted = [one.estimator for one in calibrated.calibrated_classifiers_]
    assert [forest for forest in fitted if not any(part is forest for part in parts(calibrated))] == []
    single_threaded(calibrated)
    assert [forest.n_jobs for forest in fitted] == [1, 1]


class Foreign:
    """An object of another library: no estimator."""

    def __init__(self, held):
        self.held = held


def test_objects_of_other_libraries_are_found_and_not_looked_into():
    found = {type(thing).__name__ for thing in objects(Holder(Foreign(Ridge())))}
    assert found == {"Holder", "Foreign"}


def test_containers_and_scalars_are_no_objects():
    voting = VotingRegressor([("one", LinearRegression())]).fit(X, AMOUNTS)
    kinds_found = {type(thing) for thing in objects(voting)}
    assert not kinds_found & {list, tuple, dict, str, int, float, type(None), np.ndarray}
