"""XGBoost answers compiled as it does itself, to the last bit."""

import json

import numpy as np
import pytest
from xgboost import XGBClassifier, XGBRanker, XGBRegressor, XGBRFClassifier, XGBRFRegressor

from model_store.capture.inference import infer
from model_store.compilers.compilation import NotCompiled
from model_store.compilers.registry import compile_plan
from tests.model_store.compilers.ensembles.next_to import classes, differences, drawn, hard

FEW = {"n_estimators": 9, "max_depth": 4, "n_jobs": 1}
REGRESSION = [
    "reg:squarederror",
    "reg:absoluteerror",
    "reg:pseudohubererror",
    "reg:squaredlogerror",
    "reg:gamma",
    "reg:tweedie",
    "count:poisson",
]


def rows_of(estimator, rows, rng):
    model = json.loads(estimator.get_booster().save_raw("json"))["learner"]["gradient_booster"]["model"]
    splits = [
        (feature, np.float32(condition))
        for tree in model["trees"]
        for feature, condition, child in zip(
            tree["split_indices"], tree["split_conditions"], tree["left_children"], strict=True
        )
        if child >= 0
    ]
    return hard(rows, splits, rng)


def with_gaps(rows, rng):
    return np.where(rng.random(rows.shape) < 0.1, np.nan, rows).astype(rows.dtype)


@pytest.mark.parametrize("objective", REGRESSION)
def test_regressors(objective, tmp_path):
    rng, rows, target = drawn()
    rows = with_gaps(rows, rng)
    estimator = XGBRegressor(**FEW, objective=objective).fit(rows, np.exp(target))
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_other_types_of_numbers(dtype, order, tmp_path):
    rng, rows, target = drawn()
    rows = (np.abs(rows) * 40).astype(dtype)
    estimator = XGBRegressor(**FEW).fit(rows, target)
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path, order=order) == []


@pytest.mark.parametrize("objective", ["binary:logistic", "binary:logitraw", "reg:logistic"])
@pytest.mark.parametrize("more", [{}, {"base_score": 0.2, "gamma": 0.5}, {"learning_rate": 90.0}], ids=str)
def test_classifiers_of_two_classes(objective, more, tmp_path):
    rng, rows, target = drawn()
    estimator = XGBClassifier(**FEW, objective=objective, **more).fit(rows, (target > 0).astype(int))
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


@pytest.mark.parametrize("kind", [XGBClassifier, XGBRFClassifier])
@pytest.mark.parametrize("count", [3, 9])
def test_classifiers_of_several_classes(kind, count, tmp_path):
    rng, rows, target = drawn()
    estimator = kind(**FEW).fit(with_gaps(rows, rng), classes(target, tuple(range(count))))
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


def test_random_forests(tmp_path):
    rng, rows, target = drawn()
    estimator = XGBRFRegressor(**FEW).fit(rows, target)
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


def test_regressors_of_several_targets_and_quantiles(tmp_path):
    rng, rows, target = drawn()
    several = XGBRegressor(**FEW).fit(rows, np.stack([target, -target], axis=1))
    quantiles = XGBRegressor(**FEW, objective="reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9]).fit(rows, target)
    for estimator in (several, quantiles):
        assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


@pytest.mark.parametrize("objective", ["rank:pairwise", "rank:ndcg"])
def test_rankers(objective, tmp_path):
    rng, rows, target = drawn()
    estimator = XGBRanker(**FEW, objective=objective).fit(rows, classes(target), qid=np.repeat(np.arange(30), 10))
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


def test_only_the_best_iterations_answer(tmp_path):
    rng, rows, target = drawn()
    estimator = XGBRegressor(n_estimators=40, early_stopping_rounds=2, n_jobs=1)
    estimator.fit(rows[:200], target[:200], eval_set=[(rows[200:], target[200:])], verbose=False)
    assert estimator.best_iteration + 1 < len(estimator.get_booster().get_dump())
    assert differences(estimator, rows, rows_of(estimator, rows, rng), tmp_path) == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"objective": "binary:hinge"}, "objective"),
        ({"booster": "dart"}, "booster"),
        ({"booster": "gblinear"}, "booster"),
        ({"missing": -1.0}, "missing"),
    ],
    ids=str,
)
def test_what_is_not_known_is_not_compiled(options, reason):
    _, rows, target = drawn()
    estimator = XGBRegressor(**FEW, **options).fit(rows, (target > 0).astype(float))
    with pytest.raises(NotCompiled, match=reason):
        compile_plan(estimator, infer(estimator, rows).schema)
