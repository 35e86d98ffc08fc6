"""Smaller forms of an estimator are measured on a holdout, and none goes beyond the owner's loss budget."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from model_store import publish
from model_store.capture.goal import Goal
from model_store.capture.inference import infer
from model_store.capture.optimisation.interval import interval
from model_store.capture.optimisation.losses import row_losses
from model_store.capture.optimisation.measuring import cost
from model_store.capture.optimisation.search import smaller
from model_store.capture.optimisation.variants import variants
from model_store.capture.options import silent
from model_store.declaration import smaller_forms
from model_store.errors import BadSample
from model_store.manifest import OPTIMISED

NAMES = [f"x{i}" for i in range(6)]


def classes(rows: int = 600) -> tuple[pd.DataFrame, np.ndarray]:
    numbers, targets = make_classification(rows, 6, n_informative=4, flip_y=0.05, random_state=0)
    return pd.DataFrame(numbers, columns=NAMES), np.array(["no", "yes"])[targets]


def labelled(rows: pd.DataFrame, targets: np.ndarray) -> pd.DataFrame:
    return rows.assign(bought=targets)


@pytest.fixture(scope="module")
def forest() -> RandomForestClassifier:
    rows, targets = classes()
    return RandomForestClassifier(20, random_state=0).fit(rows[:400], targets[:400])


@pytest.fixture(scope="module")
def holdout() -> pd.DataFrame:
    rows, targets = classes()
    return labelled(rows[400:], targets[400:])


def test_the_form_taken_is_smaller_and_keeps_the_budget(forest, holdout) -> None:
    found = smaller(forest, Goal(holdout, "bought", 0.05), silent)
    tried = {tuple(entry["names"]): entry for entry in found.option[OPTIMISED]["tried"]}
    taken = tried[tuple(found.option[OPTIMISED]["chosen"])]
    assert taken["allowed"]
    assert taken["loss"]["high"] <= 0.05
    assert taken["cost"]["bytes"] < tried[()]["cost"]["bytes"]
    rows, targets = holdout[NAMES], holdout["bought"]
    lost = accuracy_score(targets, forest.predict(rows)) - accuracy_score(targets, found.estimator.predict(rows))
    assert lost == pytest.approx(taken["loss"]["mean"])
    assert len(forest.estimators_) == 20


def test_without_a_budget_nothing_that_loses_is_taken(forest, holdout) -> None:
    found = smaller(forest, Goal(holdout, "bought", 0.0, "log_loss"), silent)
    tried = found.option[OPTIMISED]["tried"]
    assert {entry["allowed"] for entry in tried} == {True, False}
    assert all(entry["loss"]["high"] <= 0 for entry in tried if entry["allowed"])
    assert len(tried) >= 10


def test_an_estimator_without_trees_stays_as_it_is(holdout) -> None:
    model = LogisticRegression().fit(holdout[NAMES], holdout["bought"])
    found = smaller(model, Goal(holdout, "bought", 0.5), silent)
    assert found.estimator is model
    assert found.option[OPTIMISED]["chosen"] == []


@pytest.mark.parametrize(
    ("metric", "measured"),
    [
        ("accuracy", lambda model, x, y: 1 - accuracy_score(y, model.predict(x))),
        ("log_loss", lambda model, x, y: log_loss(y, np.maximum(model.predict_proba(x), 1e-15))),
    ],
)
def test_losses_of_rows_average_to_the_metric_of_classifiers(forest, holdout, metric, measured) -> None:
    rows, targets = holdout[NAMES], holdout["bought"].to_numpy()
    assert row_losses(metric, forest, rows, targets).mean() == pytest.approx(measured(forest, rows, targets), rel=1e-9)


@pytest.mark.parametrize(("metric", "measured"), [("r2", r2_score), ("mean_absolute_error", mean_absolute_error)])
def test_losses_of_rows_average_to_the_metric_of_regressors(metric, measured) -> None:
    rows, targets = make_regression(200, 4, noise=5, random_state=0)
    model = DecisionTreeRegressor(max_depth=4).fit(rows[:100], targets[:100])
    expected = measured(targets[100:], model.predict(rows[100:]))
    expected = 1 - expected if metric == "r2" else expected
    assert row_losses(metric, model, rows[100:], targets[100:]).mean() == pytest.approx(expected)


def test_an_interval_holds_the_mean_and_narrows_with_more_rows() -> None:
    values = np.random.default_rng(1).normal(size=5000)
    few, many = interval(values[:50]), interval(values)
    assert few.low < few.mean < few.high
    assert many.high - many.low < (few.high - few.low) / 5
    assert interval(values) == many


def test_each_kind_of_form_changes_trees_inside_pipelines() -> None:
    rows, targets = make_regression(200, 4, random_state=0)
    model = make_pipeline(StandardScaler(), GradientBoostingRegressor(n_estimators=8)).fit(rows, targets)
    made = {variant.name: variant.of(model) for variant in variants()}
    assert len(made["50% of the trees"][-1].estimators_) == 4
    nodes = [tree.tree_.node_count for tree in model[-1].estimators_.ravel()]
    pruned = [tree.tree_.node_count for tree in made["pruned at quantile 0.5"][-1].estimators_.ravel()]
    assert len(pruned) == len(nodes)
    assert sum(pruned) < sum(nodes)
    leaves = made["leaves in float16"][-1].estimators_[0, 0].tree_.value
    assert np.array_equal(leaves, leaves.astype(np.float16))
    assert not np.array_equal(leaves, model[-1].estimators_[0, 0].tree_.value)


def test_leaves_in_float16_are_stored_in_less() -> None:
    rows, targets = make_regression(3000, 4, noise=20, random_state=0)
    forest = RandomForestRegressor(10, random_state=0).fit(rows, targets / np.abs(targets).max())
    made = {variant.name: variant.of(forest) for variant in variants()}
    found = infer(forest, rows)
    whole, short = (cost(one, found.schema, found.batch).bytes for one in (forest, made["leaves in float16"]))
    assert short < 0.85 * whole


def test_histogram_boosting_has_fewer_stages_and_shorter_leaves() -> None:
    rows, targets = classes()
    model = HistGradientBoostingClassifier(max_iter=8).fit(rows, targets)
    made = {variant.name: variant.of(model) for variant in variants()}
    assert made["50% of the trees"].n_iter_ == 4
    assert made["pruned at quantile 0.5"] is None
    values = made["leaves in float16"]._predictors[0][0].nodes["value"]
    assert np.array_equal(values, values.astype(np.float16))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": "sold"}, "no column 'sold'"),
        ({"holdout": classes(20)[0].assign(bought="no")}, "20 rows"),
        ({"holdout": classes(60)[0].assign(bought="perhaps")}, "'perhaps'"),
        ({"budget": -1.0}, "loss budget"),
        ({"budget": float("nan")}, "loss budget"),
        ({"metric": "beauty"}, "beauty"),
        ({"metric": "r2"}, "r2 cannot be measured"),
    ],
)
def test_a_goal_that_measures_nothing_is_refused(forest, holdout, change, words) -> None:
    goal = {"holdout": holdout, "target": "bought", "budget": 0.01, **change}
    with pytest.raises(BadSample, match=words):
        smaller(forest, Goal(**goal), silent)


def test_what_was_tried_is_in_the_manifest_and_in_words(forest, holdout, store, key, open_gate) -> None:
    said: list[str] = []
    goal = Goal(holdout, "bought", 0.05)
    version = publish(
        store, "shop", forest, holdout[NAMES], sealing_key=key, gate=open_gate, optimise=goal, progress=said.append
    )
    manifest = store.manifest("shop", version)
    lines = smaller_forms.lines(manifest)
    assert lines[0] == "smaller forms (accuracy on 200 rows, loss budget 0.05):"
    assert len(lines) == 2 + len(manifest.options[OPTIMISED]["tried"])
    assert set(lines) < set(said)
    json.dumps(manifest.options[OPTIMISED], allow_nan=False)
