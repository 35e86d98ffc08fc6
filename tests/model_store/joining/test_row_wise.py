"""The reviewed list of what treats each row alone."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler
from sklearn.svm import SVC

from model_store.joining import row_wise
from model_store.plans.plan import CALL, Plan, Step
from model_store.steps.registry import BUILDERS

ROWS = np.random.default_rng(0).normal(size=(60, 4))
FLAGS = ROWS[:, 0] > 0


class OwnScaler(StandardScaler):
    """A class of its own."""


def fitted(*steps):
    return make_pipeline(*steps).fit(ROWS, FLAGS)


def test_every_kind_of_step_on_the_list_is_one():
    assert BUILDERS.keys() >= row_wise.STEPS
    assert BUILDERS.keys() >= row_wise.MULTIPLYING
    assert not row_wise.STEPS & row_wise.MULTIPLYING
    assert "each" not in row_wise.STEPS


@pytest.mark.parametrize(
    ("estimator", "listed"),
    [
        (fitted(StandardScaler(), SVC()), True),
        (fitted(StandardScaler(), RandomForestClassifier(3)), True),
        (fitted(OwnScaler(), SVC()), False),
        (fitted(FunctionTransformer(np.tanh), SVC()), False),
        (fitted(Normalizer(), SVC()), False),
        (fitted(StandardScaler(), LogisticRegression()), False),
        (fitted(StandardScaler(), SVC(kernel=lambda a, b: a @ b.T)), False),
    ],
    ids=["SVC", "forest", "subclass", "function", "Normalizer", "LogisticRegression", "own kernel"],
)
def test_an_estimator_is_listed_if_all_that_is_in_it_is(estimator, listed):
    assert row_wise.is_listed(estimator) is listed


PLAN = Plan(
    (
        Step("matrix"),
        Step("scale", (1,)),
        Step("dot", (2,)),
        Step("each", (2,), {"name": "sqrt"}),
        Step("each", (2,), {"name": "exp"}),
        Step(CALL, (2,), {"path": ["steps", 1, 1], "method": "predict"}),
    ),
    {"scaled": 2, "product": 3, "root": 4, "exp": 5, "called": 6},
)


def test_outputs_of_a_plan_are_listed_one_by_one():
    assert row_wise.in_plan(PLAN, None, PLAN.outputs) == {"scaled", "root"}
    assert row_wise.multiplying(PLAN, PLAN.outputs) == {"product"}


def test_a_part_that_a_plan_calls_has_to_be_listed_too():
    assert "called" in row_wise.in_plan(PLAN, fitted(StandardScaler(), SVC()), PLAN.outputs)
    assert "called" not in row_wise.in_plan(PLAN, fitted(StandardScaler(), LogisticRegression()), PLAN.outputs)
