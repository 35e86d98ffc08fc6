"""A check is left out only where a later one refuses the same rows."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from model_store.batch import Batch
from model_store.compilers.registry import compile_plan
from model_store.compilers.sparing import spared
from model_store.engines.compiled import CompiledEngine
from model_store.plans.plan import Plan, Step
from tests.model_store.compilers.numbers import NUMBERS, ROWS, schema_of

LAX, STRICT = {"nan": True}, {"nan": False}
CHECKS = (Step("matrix"), Step("finite", (1,), LAX), Step("scale", (2,)), Step("finite", (3,), STRICT))


def test_a_scaler_and_a_model_look_at_the_numbers_once() -> None:
    fitted = make_pipeline(StandardScaler(), LinearRegression()).fit(ROWS, NUMBERS)
    plan = compile_plan(fitted, schema_of(fitted, ROWS, "C"))
    assert [(step.kind, step.inputs) for step in plan.steps] == [
        ("matrix", (0,)),
        ("scale", (1,)),
        ("finite", (2, 1)),
        ("dot", (3,)),
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [(np.nan, "Input X contains NaN."), (-np.inf, "Input X contains infinity or a value too large for dtype"),
     (1e308, "Input X contains infinity or a value too large for dtype")],
)  # fmt: skip
def test_what_both_refuse_is_refused_as_the_estimator_does(value: float, words: str) -> None:
    fitted = make_pipeline(StandardScaler(), LinearRegression()).fit(ROWS / 1e9, NUMBERS)
    schema, rows = schema_of(fitted, ROWS, "C"), ROWS[:3].copy()
    rows[1, 4] = value
    rows[2, 6] = np.nan if value != value else 0.0  # noqa: PLR0124 - NaN alone differs from itself
    with pytest.raises(ValueError, match=words), np.errstate(over="ignore"):
        fitted.predict(rows)
    with pytest.raises(ValueError, match=words), np.errstate(over="ignore"):
        CompiledEngine(compile_plan(fitted, schema), schema).predict(Batch(3, matrix=rows), ["predict"])


def test_infinity_is_refused_before_nan_is() -> None:
    fitted = make_pipeline(StandardScaler(), LinearRegression()).fit(ROWS, NUMBERS)
    schema, rows = schema_of(fitted, ROWS, "C"), ROWS[:3].copy()
    rows[0, 0], rows[1, 1] = np.nan, np.inf
    with pytest.raises(ValueError, match="infinity"):
        fitted.predict(rows)
    with pytest.raises(ValueError, match="infinity"):
        CompiledEngine(compile_plan(fitted, schema), schema).predict(Batch(3, matrix=rows), ["predict"])


@pytest.mark.parametrize(
    "plan",
    [
        Plan(CHECKS, {"predict": 4, "transform": 3}),
        Plan(CHECKS, {"predict": 4, "transform": 2}),
        Plan((*CHECKS[:2], Step("clip", (2,)), CHECKS[3]), {"predict": 4}),
        Plan((*CHECKS[:3], Step("finite", (3,), LAX)), {"predict": 4}),
        Plan((CHECKS[0], Step("finite", (1,), STRICT), *CHECKS[2:]), {"predict": 4}),
        Plan((*CHECKS, Step("other", (2, 4))), {"predict": 5}),
    ],
    ids=[
        "scaled numbers are an answer",
        "numbers are",
        "infinity is cut off",
        "NaN passes",
        "NaN does not",
        "used twice",
    ],
)
def test_a_check_that_something_else_needs_stays(plan: Plan) -> None:
    assert spared(plan) == plan


def test_a_clipping_scaler_still_refuses_infinity() -> None:
    fitted = make_pipeline(MinMaxScaler(clip=True), LinearRegression()).fit(ROWS, NUMBERS)
    schema, rows = schema_of(fitted, ROWS, "C"), ROWS[:3].copy()
    rows[1, 4] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        CompiledEngine(compile_plan(fitted, schema), schema).predict(Batch(3, matrix=rows), ["predict"])
