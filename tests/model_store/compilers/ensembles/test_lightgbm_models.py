"""LightGBM answers compiled as it does itself, to the last bit."""

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor

from model_store.capture.inference import infer
from model_store.compilers.compilation import NotCompiled
from model_store.compilers.registry import compile_plan
from tests.model_store.compilers.ensembles.next_to import classes, differences, drawn, hard

FEW = {"n_estimators": 9, "num_leaves": 12, "min_child_samples": 5, "n_jobs": 1, "verbose": -1, "seed": 0}
REGRESSION = [
    "regression",
    "regression_l1",
    "huber",
    "fair",
    "quantile",
    "mape",
    "poisson",
    "gamma",
    "tweedie",
]
BAGGED = {"bagging_freq": 1, "bagging_fraction": 0.6}


def rows_of(estimator, rows, rng):
    frame = estimator.booster_.trees_to_dataframe()
    frame = frame[(frame["decision_type"] == "<=")]
    features = [int(name.removeprefix("Column_")) for name in frame["split_feature"]]
    return hard(rows, list(zip(features, frame["threshold"].astype(float), strict=True)), rng)


def with_gaps(rows, rng):
    return np.where(rng.random(rows.shape) < 0.1, np.nan, rows).astype(rows.dtype)


@pytest.mark.parametrize("objective", REGRESSION)
def test_regressors(objective, tmp_path):
    rng, rows, target = drawn()
    estimator = LGBMRegressor(**FEW, objective=objective).fit(rows, np.exp(target))
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


@pytest.mark.parametrize(
    "options",
    [
        {"boosting_type": "rf", **BAGGED},
        {"boosting_type": "dart"},
        {"boosting_type": "goss"},
        {"reg_sqrt": True},
        {"objective": "cross_entropy"},
        {"zero_as_missing": True},
        {"use_missing": False},
        {"n_estimators": 1},
    ],
    ids=str,
)
def test_options_and_gaps(options, tmp_path):
    rng, rows, target = drawn()
    rows = with_gaps(rows, rng)
    rows[rng.random(rows.shape) < 0.1] = 0
    estimator = LGBMRegressor(**{**FEW, **options}).fit(rows, 1 / (1 + np.exp(-target)))
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_other_types_of_numbers(dtype, order, tmp_path):
    rng, rows, target = drawn()
    rows = (np.abs(rows) * 40).astype(dtype)
    estimator = LGBMRegressor(**FEW).fit(rows, target)
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path, order=order) == []


def test_whole_numbers_of_arrays_are_rounded_to_float32(tmp_path):
    rng, rows, _ = drawn()
    rows = 2**24 + rng.integers(0, 40, rows.shape)
    estimator = LGBMRegressor(**FEW).fit(rows.astype(np.float64), rows[:, 0] % 7)
    assert (estimator.predict(rows) != estimator.predict(rows.astype(np.float64))).any()
    assert differences(estimator, rows, rows, tmp_path) == []


@pytest.mark.parametrize("names", [(0, 1), ("a", "b", "c"), tuple(range(9))], ids=str)
@pytest.mark.parametrize("gaps", [False, True])
def test_classifiers(names, gaps, tmp_path):
    rng, rows, target = drawn()
    rows = with_gaps(rows, rng) if gaps else rows
    estimator = LGBMClassifier(**FEW, is_unbalance=True).fit(rows, classes(target, names))
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


def test_one_class_against_the_others(tmp_path):
    rng, rows, target = drawn()
    estimator = LGBMClassifier(**FEW, objective="multiclassova").fit(rows, classes(target))
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


@pytest.mark.parametrize("gaps", [False, True])
def test_categories(gaps, tmp_path):
    rng, rows, target = drawn()
    rows[:, 0] = rng.integers(0, 9, len(rows))
    rows[:, 1] = 3 * rng.integers(0, 80, len(rows))
    target = target + (rows[:, 0] % 3) + np.sin(rows[:, 1])
    rows = with_gaps(rows, rng) if gaps else rows
    estimator = LGBMRegressor(**FEW, cat_smooth=1, min_data_per_group=5)
    estimator.fit(rows, target, categorical_feature=[0, 1])
    assert "num_cat=0" not in estimator.booster_.model_to_string().split("Tree=1")[0]
    unseen = rows[:100].copy()
    unseen[:, 0] = rng.choice([-1, -0.5, 0.5, 2.7, 12, 254, 255, 256, 300, 1e6, np.nan, np.inf, -np.inf], 100)
    unseen[:, 1] = rng.choice([1, 2, 33.3, 250, 1e9, -7, np.nan], 100)
    tested = np.concatenate([rows_of(estimator, rows, rng), unseen])
    assert differences(estimator, rows, tested, tmp_path) == []


def test_rankers(tmp_path):
    rng, rows, target = drawn()
    estimator = LGBMRanker(**FEW).fit(rows, classes(target), group=[10] * 30)
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


def test_only_the_iterations_up_to_the_best_answer(tmp_path):
    rng, rows, target = drawn()
    estimator = LGBMRegressor(**FEW).fit(rows, target)
    estimator.booster_.best_iteration = 3
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"objective": "cross_entropy_lambda"}, "objective"),
        ({"linear_tree": True}, "linear"),
        ({"objective": "binary", "sigmoid": 2.0}, "objective"),
        ({"pred_early_stop": True}, "early"),
        ({"objective": lambda y, p: (p - y, np.ones_like(y))}, "function"),
    ],
    ids=lambda case: case if isinstance(case, str) else " ".join(case),
)
def test_what_is_not_known_is_not_compiled(options, reason):
    _, rows, target = drawn()
    estimator = LGBMRegressor(**FEW, **options).fit(rows, (target > 0).astype(float))
    with pytest.raises(NotCompiled, match=reason):
        compile_plan(estimator, infer(estimator, rows).schema)


def test_categories_beyond_a_set_are_not_compiled():
    rng, rows, target = drawn()
    rows[:, 0] = 250 + rng.integers(0, 20, len(rows))
    estimator = LGBMRegressor(**FEW, cat_smooth=1, min_data_per_group=5)
    estimator.fit(rows, target + rows[:, 0] % 3, categorical_feature=[0])
    with pytest.raises(NotCompiled, match="categories"):
        compile_plan(estimator, infer(estimator, rows).schema)
