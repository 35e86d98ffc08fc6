"""Errors that are planted in plans of trees, each of which a kernel might have, are seen by the publish check."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model_store.compilers.registry import compile_plan
from model_store.plans.plan import Plan, Step
from model_store.proof.grown import trees_of
from model_store.trees import nodes
from model_store.trees.packing import rounded_down
from tests.model_store.proof.cases import case, judged, numbers, spoiled, with_array

ROWS, *_ = numbers()
TARGET = ROWS[:, 0] + np.sin(3 * ROWS[:, 1])


def forest():
    rows = ROWS.copy()
    rows[::5, 1] = np.nan
    return RandomForestRegressor(20, random_state=0).fit(rows, TARGET), rows


def plain_forest():
    return RandomForestRegressor(20, random_state=0).fit(ROWS, TARGET), ROWS


def histogram():
    rows = ROWS.copy()
    rows[::5, 1] = np.nan
    return HistGradientBoostingRegressor(max_iter=20).fit(rows, TARGET), rows


def boosting():
    return GradientBoostingRegressor(n_estimators=20).fit(ROWS, TARGET), ROWS


def parsed(step):
    words = step.arrays["nodes"].copy()
    return words, words.view(nodes.WIDE if words.shape[1] > 1 else nodes.NARROW)


def to_the_nearest(estimator, schema):
    """Round thresholds to the nearest float32, where the plan rounds them down, or not at all."""
    exact = np.concatenate([tree.threshold[tree.splits] for tree in trees_of(last(estimator))])
    nearest = dict(zip(rounded_down(exact).tolist(), exact.astype(np.float32).tolist(), strict=True))

    def spoil(step):
        words, made = parsed(step)
        thresholds = made["threshold"]
        if words.shape[1] > 1:
            thresholds[~np.isnan(thresholds)] = thresholds[~np.isnan(thresholds)].astype(np.float32)
        else:
            flat = thresholds.reshape(-1)
            for place in np.flatnonzero(~np.isnan(flat)):
                flat[place] = nearest.get(float(flat[place]), flat[place])
        return with_array(step, "nodes", words)

    return spoiled("trees", spoil)(estimator, schema)


def last(estimator):
    return estimator[-1] if hasattr(estimator, "steps") else estimator


def reversed_trees(step):
    starts = step.arrays["starts"]
    parts = [step.arrays["nodes"][a:b] for a, b in pairwise(starts)][::-1]
    arrays = {
        "nodes": np.concatenate(parts),
        "starts": np.cumsum([0, *map(len, parts)]),
        "firsts": step.arrays["firsts"][::-1].copy(),
    }
    return replace(step, arrays={**step.arrays, **arrays})


def missing_to_the_left(step):
    words, made = parsed(step)
    made["link"] |= nodes.WIDE_MISSING_LEFT if words.shape[1] > 1 else nodes.NARROW_MISSING_LEFT
    return with_array(step, "nodes", words)


def base_last(estimator, schema):
    plan = compile_plan(estimator, schema)
    place = next(i for i, step in enumerate(plan.steps, start=1) if step.kind == "trees")
    trees = plan.steps[place - 1]
    spoilt = list(plan.steps)
    spoilt[place - 1] = with_array(trees, "base", np.zeros_like(trees.arrays["base"]))
    assert place == len(plan.steps)
    spoilt.append(Step("scale", (place,), arrays={"minus": -trees.arrays["base"]}))
    return Plan(tuple(spoilt), {"predict": place + 1})


def told(made, compiler):
    facts = judged(case(*made()), compiler)
    assert facts["chosen"] != "compiled"
    return facts["each"]["compiled"]["why_not"]


@pytest.mark.parametrize("made", [forest, plain_forest, histogram, boosting])
def test_a_plan_without_a_planted_error_is_used(made):
    facts = judged(case(*made()))
    assert facts["chosen"] == "compiled"
    assert facts["each"]["compiled"]["rows"] > 3000


@pytest.mark.parametrize("made", [forest, plain_forest, boosting])
def test_thresholds_rounded_to_the_nearest_float32_are_seen_on_splits_alone(made):
    assert told(made, to_the_nearest).startswith("rows on splits: row ")


def test_thresholds_of_histograms_rounded_to_float32_are_seen():
    assert " predict is " in told(histogram, to_the_nearest)


@pytest.mark.parametrize("made", [forest, plain_forest, histogram, boosting])
def test_trees_that_are_added_in_another_order_are_seen(made):
    assert " predict is " in told(made, spoiled("trees", reversed_trees))


@pytest.mark.parametrize("made", [forest, histogram])
def test_missing_values_that_always_go_left_are_seen(made):
    assert " predict is " in told(made, spoiled("trees", missing_to_the_left))


@pytest.mark.parametrize("made", [histogram, boosting])
def test_a_base_that_is_added_last_is_seen(made):
    assert " predict is " in told(made, base_last)


def test_an_error_in_trees_behind_a_scaler_is_seen_in_the_space_of_the_trees():
    def behind_a_scaler():
        return make_pipeline(StandardScaler(), RandomForestRegressor(20, random_state=0)).fit(ROWS, TARGET), ROWS

    assert told(behind_a_scaler, to_the_nearest).startswith("RandomForestRegressor alone: rows on splits: row ")
