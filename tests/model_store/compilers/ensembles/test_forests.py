"""Trees and forests answer compiled as they do in scikit-learn, to the last bit."""

import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    RandomTreesEmbedding,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from tests.model_store.compilers.ensembles.next_to import classes, differences, drawn, hard, thresholds_of

FOREST = {"n_estimators": 7, "random_state": 3}
CLASSIFIERS = [
    DecisionTreeClassifier(max_depth=6, random_state=3),
    ExtraTreeClassifier(max_depth=6, random_state=3),
    RandomForestClassifier(**FOREST),
    ExtraTreesClassifier(**FOREST, max_depth=5),
    RandomForestClassifier(**FOREST, max_leaf_nodes=9, class_weight="balanced"),
]
REGRESSORS = [
    DecisionTreeRegressor(random_state=3),
    DecisionTreeRegressor(max_depth=4, criterion="absolute_error", random_state=3),
    ExtraTreeRegressor(max_depth=6, random_state=3),
    RandomForestRegressor(**FOREST),
    ExtraTreesRegressor(**FOREST, max_depth=7),
]


def rows_of(estimator, rows, rng):
    trees = [each.tree_ for each in getattr(estimator, "estimators_", [estimator])]
    return hard(rows, thresholds_of(trees), rng)


@pytest.mark.parametrize("names", [(0, 1), ("ja", "nein", "vielleicht"), tuple(range(9))], ids=str)
@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=str)
def test_classifiers(estimator, names, tmp_path):
    rng, rows, target = drawn()
    estimator.fit(rows, classes(target, names))
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("estimator", REGRESSORS, ids=str)
def test_regressors(estimator, outputs, tmp_path):
    rng, rows, target = drawn()
    estimator.fit(rows, target if outputs == 1 else np.stack([target, -target, target**2], axis=1))
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


@pytest.mark.parametrize("estimator", CLASSIFIERS[:4], ids=str)
def test_classifiers_of_several_outputs(estimator, tmp_path):
    rng, rows, target = drawn()
    estimator.fit(rows, np.stack([classes(target), classes(-target, (1, 2)), classes(target**2, (4, 5, 6, 7))], axis=1))
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


@pytest.mark.parametrize(
    "estimator", [CLASSIFIERS[0], CLASSIFIERS[2], CLASSIFIERS[3], REGRESSORS[0], REGRESSORS[3], REGRESSORS[4]], ids=str
)
def test_missing_values(estimator, tmp_path):
    rng, rows, target = drawn()
    gaps = rows.copy()
    gaps[rng.random(rows.shape) < 0.2] = np.nan
    gaps[:, 2] = np.where(target > 0, np.nan, 1.0)  # split by being there alone
    estimator.fit(gaps, classes(target))
    assert differences(estimator, gaps, rows_of(estimator, np.concatenate([gaps, rows]), rng), tmp_path) == []


@pytest.mark.parametrize("dtype", ["float32", "int64", "int8"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("estimator", [CLASSIFIERS[0], CLASSIFIERS[2], REGRESSORS[3]], ids=str)
def test_other_types_of_numbers(estimator, dtype, order, tmp_path):
    rng, rows, target = drawn()
    rows = (rows * (1 if dtype == "float32" else 30)).astype(dtype)
    estimator.fit(rows, classes(target))
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path, order=order) == []


def test_embeddings_have_a_column_for_each_leaf(tmp_path):
    rng, rows, _ = drawn()
    estimator = RandomTreesEmbedding(n_estimators=7, max_depth=3, random_state=0).fit(rows)
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []
