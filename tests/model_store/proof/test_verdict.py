"""Publishing compares what it compiled with the estimator, and takes the fastest engine that is equal."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model_store.compilers.compilation import NotCompiled
from model_store.compilers.registry import compile_plan
from model_store.plans.plan import Plan, Step
from tests.model_store.proof.cases import case, judged, numbers, spoiled, with_array


class OwnScaler(StandardScaler):
    """What nobody compiles."""


@pytest.fixture(scope="module")
def scaled():
    rows, _, target = numbers()
    return case(make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, target), rows)


def test_a_plan_that_is_equal_and_faster_is_used(scaled):
    verdict = judged(scaled)
    compiled, estimator = (verdict["each"][kind] for kind in ("compiled", "estimator"))
    assert verdict["chosen"] == "compiled"
    assert compiled["rows"] > 2000
    assert compiled["seconds"]["1"] * 3 < estimator["seconds"]["1"]
    assert list(compiled["seconds"]) == ["1", "10", "100", "1000"]


def test_weights_that_differ_in_the_last_bit_are_seen(scaled):
    def moved(step):
        weights = step.arrays["weights"].copy()
        weights[0, 0] = np.nextafter(weights[0, 0], np.inf)
        return with_array(step, "weights", weights)

    verdict = judged(scaled, spoiled("dot", moved))
    assert verdict["chosen"] == "estimator"
    assert " is " in verdict["each"]["compiled"]["why_not"]


def test_labels_that_are_off_by_one_are_seen_with_output_row_and_both_values(scaled):
    verdict = judged(
        scaled, spoiled("most", lambda step: with_array(step, "labels", np.roll(step.arrays["labels"], 1)))
    )
    expected = scaled.kept.answers["predict"][0]
    told = verdict["each"]["compiled"]["why_not"]
    assert told == f"golden rows: row 0: predict is {(expected - 1) % 4} instead of {expected}"


def _unchecked(step):
    return Step("scale", step.inputs[:1], arrays={"by": np.ones(1)})


def test_rows_that_only_the_plan_answers_are_seen(scaled):
    verdict = judged(scaled, spoiled("finite", _unchecked))
    assert "instead of ValueError: Input X contains infinity" in verdict["each"]["compiled"]["why_not"]


def test_rows_that_only_the_estimator_answers_are_seen():
    rows, _, target = numbers()
    rows[::9, 2] = np.nan
    estimator = make_pipeline(StandardScaler(), SimpleImputer(), LogisticRegression()).fit(rows, target)
    assert judged(case(estimator[:1], rows))["each"]["compiled"]["equal"]
    strict = spoiled("finite", lambda step: replace(step, settings={**step.settings, "nan": False}))
    told = judged(case(estimator[:1], rows), strict)["each"]["compiled"]["why_not"]
    assert told.endswith("ValueError: Input X contains NaN. instead of an answer")


def test_what_is_not_compiled_says_why_and_keeps_the_estimator():
    rows, target, _ = numbers()
    verdict = judged(case(make_pipeline(OwnScaler(), LogisticRegression()).fit(rows, target), rows))
    assert verdict["chosen"] == "estimator"
    assert "OwnScaler is not known" in verdict["each"]["compiled"]["why_not"]


def test_a_plan_that_is_slower_for_one_row_is_not_used(scaled):
    def slow(estimator, schema):
        plan = compile_plan(estimator, schema)
        steps, last = list(plan.steps), plan.outputs["decision_function"]
        for _ in range(1000):
            steps.append(Step("scale", (last,), arrays={"minus": np.zeros(1)}))
            last = len(steps)
        steps.append(Step("most", (last,), arrays={"labels": estimator.classes_}))
        return Plan(tuple(steps), {**plan.outputs, "predict": len(steps)})

    verdict = judged(scaled, slow)
    assert verdict["each"]["compiled"]["equal"]
    assert verdict["each"]["compiled"]["why_not"] == "slower than estimator for one row"


def test_arrays_stand_for_a_table_where_nothing_is_compiled_and_the_estimator_stays_as_it_was():
    rows, target, _ = numbers()
    table = pd.DataFrame(rows, columns=list("abcdef"))
    estimator = make_pipeline(StandardScaler(), RandomForestClassifier(2, n_jobs=2, random_state=0)).fit(table, target)

    def never(_estimator, _schema):
        raise NotCompiled("not today")

    verdict = judged(case(estimator, table), never)
    assert verdict["chosen"] == "arrays"
    assert list(estimator.feature_names_in_) == list("abcdef")
    assert estimator[-1].n_jobs == 2


def test_what_is_proven_is_what_is_read_from_the_files(scaled):
    def by_column(step):
        """Lay out weights as files do not: products of them have other last bits."""
        return replace(step, arrays={**step.arrays, "weights": np.asfortranarray(step.arrays["weights"])})

    assert judged(scaled, spoiled("dot", by_column))["chosen"] == "compiled"
