"""Hard rows come from the estimator: each sampled split is reached, and its feature stands on the threshold."""

import math

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingRegressor,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestRegressor,
)
from sklearn.preprocessing import KBinsDiscretizer, OrdinalEncoder, SplineTransformer
from sklearn.tree import DecisionTreeRegressor
from xgboost import XGBRegressor

from model_store.batch import Batch
from model_store.proof.edges import edges_of
from model_store.proof.grown import trees_of
from model_store.proof.hard import wild
from model_store.proof.settled import settled
from model_store.proof.splits import around, on_splits
from model_store.schema import Column, Output, Schema

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(500, 4))
TARGET = ROWS[:, 0] + np.sin(3 * ROWS[:, 1]) + RNG.normal(scale=0.1, size=500)


def table(dtype="float64", width=4, *, nullable=True):
    columns = tuple(Column(f"c{i}", dtype, nullable=nullable) for i in range(width))
    return Schema("matrix", columns, (Output("predict", "float64"),))


def reached(tree, row):
    """Return the splits that a row comes by, as scikit-learn walks: float32 rows, float64 thresholds."""
    node, seen = 0, []
    while node in tree.splits:
        seen.append(node)
        value = np.float32(row[tree.feature[node]])
        node = int(tree.left[node] if value <= tree.threshold[node] else tree.right[node])
    return seen


@pytest.mark.parametrize(
    "estimator",
    [
        DecisionTreeRegressor(),
        RandomForestRegressor(5),
        ExtraTreesRegressor(5),
        GradientBoostingClassifier(n_estimators=5),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_every_sampled_split_is_reached_and_stood_on(estimator):
    target = np.digitize(TARGET, [0, 1]) if hasattr(estimator, "decision_function") else TARGET
    for tree in trees_of(estimator.fit(ROWS, target)):
        settings = list(on_splits([tree], 50, RNG))
        rows = settled(table(), Batch(len(ROWS), matrix=ROWS), settings).matrix
        stood_on = set()
        for row in rows[~np.isnan(rows).any(axis=1)]:
            stood_on |= {n for n in reached(tree, row) if row[tree.feature[n]] == tree.threshold[n]}
        assert len(stood_on) >= min(50, len(tree.splits))


def test_the_numbers_around_a_threshold_are_its_neighbours_in_both_precisions():
    near = np.float32(0.1)
    expected = {
        0.1,
        np.nextafter(0.1, -1),
        np.nextafter(0.1, 1),
        float(near),
        float(np.nextafter(near, np.float32(-1))),
        float(np.nextafter(near, np.float32(1))),
        1.0,
    }
    assert set(around(0.1)) == expected


@pytest.mark.parametrize(
    ("estimator", "trees"),
    [
        (IsolationForest(n_estimators=7, max_features=2), 7),
        (BaggingRegressor(n_estimators=6, max_features=3), 6),
        (AdaBoostRegressor(n_estimators=5), None),
        (HistGradientBoostingRegressor(max_iter=4), 4),
        (XGBRegressor(n_estimators=3), 3),
        (LGBMRegressor(n_estimators=3, verbose=-1), 3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_trees_of_each_library_are_found(estimator, trees):
    found = list(trees_of(estimator.fit(ROWS, TARGET)))
    assert len(found) == (trees or len(estimator.estimators_))
    assert all(len(tree.splits) and set(tree.feature[tree.splits]) <= set(range(4)) for tree in found)


def test_trees_of_some_features_split_the_columns_of_the_rows():
    forest = IsolationForest(n_estimators=20, max_features=1, random_state=0).fit(ROWS)
    features = [set(tree.feature[tree.splits].tolist()) for tree in trees_of(forest)]
    assert features == [set(used.tolist()) for used in forest.estimators_features_]


def test_the_sides_of_splits_by_category_are_the_columns_own_values():
    kinds = RNG.choice(["ant", "bee", "cat", "dog", "eel"], size=500)
    frame = pd.DataFrame({"n": ROWS[:, 0], "kind": pd.Categorical(kinds)})
    target = np.isin(kinds, ["ant", "dog"]) * 3.0 + ROWS[:, 0] / 9
    estimator = HistGradientBoostingRegressor(max_iter=1, max_depth=1, categorical_features="from_dtype")
    (tree,) = trees_of(estimator.fit(frame, target))
    assert tree.feature[tree.splits].tolist() == [1]
    assert {frozenset(side) for side in tree.sides[0]} == {frozenset({"ant", "dog"}), frozenset({"bee", "cat", "eel"})}


def test_a_split_of_missing_from_present_is_reached_by_missing_values():
    rows = ROWS.copy()
    rows[::3, 0] = np.nan
    tree = DecisionTreeRegressor(max_depth=2).fit(rows, np.isnan(rows[:, 0]) * 10 + rows[:, 1])
    assert math.inf in tree.tree_.threshold
    below = [setting for setting in on_splits(trees_of(tree), 9, RNG) if setting.keys() == {0, 1}]
    assert any(math.isnan(setting[0]) for setting in below)
    assert any(not math.isnan(setting[0]) for setting in below)


def test_the_edges_of_bins_knots_and_categories_are_found():
    bins = KBinsDiscretizer(3, encode="ordinal").fit(ROWS)
    splines = SplineTransformer(n_knots=4).fit(ROWS)
    encoder = OrdinalEncoder().fit(np.array([["a", "x"], ["b", "x"]], dtype=object))
    assert edges_of(bins)[2] == bins.bin_edges_[2].tolist()
    assert edges_of(splines)[3] == splines.bsplines_[3].t.tolist()
    assert edges_of(encoder) == {0: ["a", "b"], 1: ["x"]}


def test_a_column_gets_no_value_that_it_cannot_hold():
    whole = table("int8", 1, nullable=False)
    base = Batch(1, matrix=np.array([[7]], dtype=np.int8))
    settings = [{0: 2.5}, {0: math.nan}, {0: 1e9}, {0: None}, {0: "x"}]
    assert settled(whole, base, settings).matrix.tolist() == [[2], [7], [7], [7], [7]]


def test_missing_values_come_only_where_the_schema_allows_them():
    for nullable in (True, False):
        schema = table(width=2, nullable=nullable)
        rows = settled(schema, Batch(1, matrix=np.ones((1, 2))), wild(schema, 100)).matrix
        assert np.isnan(rows).any() == nullable
        assert np.isinf(rows).any()
