"""Errors that are planted in the search for nearest points are seen by the publish check."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model_store.compilers.registry import compile_plan
from model_store.plans.plan import Plan
from model_store.proof.known import known_rows, near
from tests.model_store.proof.cases import case, judged, numbers, spoiled, with_array

ROWS, TWO, FOUR = numbers()
_OF_POINTS = {"nearest": "points", "votes_of_nearest": "labels"}
AMOUNTS = ROWS[:, 0] + np.sin(3 * ROWS[:, 1])


def classifier():
    return KNeighborsClassifier(algorithm="ball_tree").fit(ROWS, FOUR), ROWS[:50]


def regressor():
    return KNeighborsRegressor(7, weights="distance").fit(ROWS, AMOUNTS), ROWS[:50]


def single():
    return KNeighborsClassifier(1).fit(ROWS, FOUR), ROWS[:50]


def behind_a_scaler():
    return make_pipeline(StandardScaler(), KNeighborsRegressor()).fit(ROWS, AMOUNTS), ROWS[:50]


def told(made, compiler):
    facts = judged(case(*made()), compiler)
    assert facts["chosen"] != "compiled"
    return facts["each"]["compiled"]["why_not"]


def moved_by_one_bit(step):
    """Put one point of each leaf onto the next number."""
    points = step.arrays["points"].copy()
    starts = step.arrays["ranges"][:, 0]
    points[starts[starts >= 0], 0] = np.nextafter(points[starts[starts >= 0], 0], np.inf)
    return with_array(step, "points", points)


def leaves_too_small(step):
    """Leave the last point of each leaf out."""
    ranges = step.arrays["ranges"].copy()
    ranges[ranges[:, 0] >= 0, 1] -= 1
    return with_array(step, "ranges", ranges)


def bounds_too_narrow(step):
    """Make boxes and balls too small, so that some are not looked into."""
    corners = step.arrays["bounds"].copy()
    if len(corners) == 1:
        return with_array(step, "radii", step.arrays["radii"] * 0.5)
    corners[1] -= 0.05 * (corners[1] - corners[0])
    return with_array(step, "bounds", corners)


def another_metric(step):
    return replace(step, settings={**step.settings, "metric": "manhattan"})


@pytest.mark.parametrize("made", [classifier, regressor, single, behind_a_scaler])
def test_a_plan_without_a_planted_error_is_used(made):
    facts = judged(case(*made()))
    assert facts["chosen"] == "compiled"
    assert facts["each"]["compiled"]["rows"] > 2000


@pytest.mark.parametrize("spoil", [leaves_too_small, bounds_too_narrow, another_metric])
@pytest.mark.parametrize("made", [classifier, regressor, single, behind_a_scaler])
def test_points_that_are_not_found_or_measured_otherwise_are_seen(made, spoil):
    assert " is " in told(made, spoiled("nearest", spoil))


def test_a_point_that_is_one_bit_off_is_seen_in_weights():
    assert " predict is " in told(regressor, spoiled("nearest", moved_by_one_bit))


def tied():
    rows = np.round(ROWS[:, :2])
    return KNeighborsClassifier(3).fit(rows, FOUR), rows[:50]


def met_backwards(estimator, schema):
    """Have the points of each leaf the other way round, with what they say."""
    plan = compile_plan(estimator, schema)
    search = next(step for step in plan.steps if step.kind == "nearest")
    leaves = [np.arange(start, stop) for start, stop in search.arrays["ranges"] if start >= 0]
    order = np.arange(len(search.arrays["points"]))
    for leaf in leaves:
        order[leaf] = leaf[::-1]
    turned = [
        with_array(step, name, step.arrays[name][order]) if (name := _OF_POINTS.get(step.kind)) else step
        for step in plan.steps
    ]
    return Plan(tuple(turned), plan.outputs)


def test_points_that_are_met_in_another_order_are_seen_where_several_are_equally_far():
    assert judged(case(*tied()))["chosen"] == "compiled"
    assert " predict is " in told(tied, met_backwards)


def last_instead(step):
    return replace(step, settings={**step.settings, "first": len(step.arrays["points"]) - 1})


def test_another_point_for_rows_that_are_infinitely_far_from_all_is_seen():
    assert "hard values: row " in told(single, spoiled("nearest", last_instead))


def test_rows_are_made_on_next_to_and_between_known_ones():
    model, _ = single()
    known = known_rows(model)
    assert known is model._fit_X
    made = np.array([list(setting.values()) for setting in near(known, 300, np.random.default_rng(0))])
    assert made.shape == (300, 6)
    on = (made[:, np.newaxis] == known).all(axis=2).any(axis=1)
    beside = np.isclose(made[:, np.newaxis], known, rtol=1e-12, atol=0).all(axis=2).any(axis=1)
    assert on[:100].all()
    assert beside[100:200].all()
    assert not on[100:200].any()
    assert not on[200:].all()
