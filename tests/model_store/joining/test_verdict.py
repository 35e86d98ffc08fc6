"""Which requests are joined: what publishing finds, and what a worker makes of it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from model_store.compilers.registry import compile_plan
from model_store.engines.compiled import CompiledEngine
from model_store.engines.estimator import EstimatorEngine
from model_store.joining import record
from model_store.joining.machine import here
from model_store.joining.verdict import Subject, joins, judge
from model_store.manifest import BATCHING
from model_store.schema import Output
from tests.model_store.joining.engines import SAMPLE, Answering, doubled, less_the_mean, schema
from tests.model_store.proof.cases import case, numbers

NUMBERS, TWO, FOUR = numbers()


class Centred(TransformerMixin, BaseEstimator):
    """Subtracts the mean of the rows that come together."""

    def fit(self, rows, _target=None):
        self.n_features_in_ = rows.shape[1]
        return self

    def transform(self, rows):
        return rows - rows.mean(axis=0)


class Noisy(Centred):
    """Adds what nobody can foretell, far below what publishing takes for rounding."""

    def transform(self, rows):
        return rows + np.random.default_rng().normal(scale=1e-13, size=rows.shape)


class Doubling(Centred):
    """Treats each row alone, in code that nobody has reviewed."""

    def transform(self, rows):
        return np.asarray(rows) * 2


def subject(estimator, sample=NUMBERS, *, compiled=False):
    given = case(estimator, sample)
    engine = EstimatorEngine(estimator, given.schema)
    if compiled:
        engine = CompiledEngine(compile_plan(estimator, given.schema), given.schema, estimator)
    return Subject(engine, given.schema, estimator), given.sample


def rules(options):
    return {name: entry["rule"] if entry["joined"] else "alone" for name, entry in record.outputs(options).items()}


def test_a_forest_is_joined_by_the_list_compiled_or_not():
    forest = RandomForestClassifier(5, random_state=0).fit(NUMBERS, FOUR)
    for compiled in (False, True):
        made, sample = subject(forest, compiled=compiled)
        options = judge(made, sample)
        assert rules(options) == {"predict": "steps", "predict_proba": "steps"}
        assert joins(options, made, never_drawn) == {"predict": 1024, "predict_proba": 1024}


def test_a_model_that_multiplies_matrices_is_answered_alone_and_so_are_its_labels():
    made, sample = subject(make_pipeline(StandardScaler(), LogisticRegression()).fit(NUMBERS, FOUR), compiled=True)
    options = judge(made, sample)
    assert set(rules(options).values()) == {"alone"}
    assert joins(options, made, lambda: sample) == {}
    assert all("differ" in line for line in record.lines(options))
    assert "it is decided by numbers that differ, as decision_function does" in record.lines(options)[0]


def test_tables_of_categories_are_joined_by_the_list():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=200), "c": rng.choice(list("abc"), 200)})
    columns = make_column_transformer((StandardScaler(), ["x"]), (OneHotEncoder(handle_unknown="ignore"), ["c"]))
    estimator = make_pipeline(columns, RandomForestClassifier(5, random_state=0)).fit(table, table.x > 0)
    made, sample = subject(estimator, table, compiled=True)
    assert set(rules(judge(made, sample)).values()) == {"steps"}


@pytest.mark.parametrize("estimator", [KNeighborsClassifier(), make_pipeline(Doubling(), SVC())], ids=["kNN", "own"])
def test_code_that_nobody_reviewed_is_joined_by_what_rows_show(estimator):
    made, sample = subject(estimator.fit(NUMBERS, TWO))
    options = judge(made, sample)
    assert set(rules(options).values()) == {"rows"}
    assert {entry["rows"] for entry in record.outputs(options).values()} == {512}
    assert options[BATCHING]["machine"] == dict(here())
    assert joins(options, made, never_drawn) == dict.fromkeys(made.outputs, 256)


def never_drawn():
    raise AssertionError("nothing is to be tried")


@pytest.mark.parametrize("step", [Centred(), Noisy()])
def test_code_that_looks_at_its_company_or_is_random_is_answered_alone(step):
    made, sample = subject(make_pipeline(step, SVC()).fit(NUMBERS, TWO))
    assert set(rules(judge(made, sample)).values()) == {"alone"}


def judged(batching="auto", **functions):
    outputs = [Output(name, "int64" if name == "predict" else "float64") for name in functions]
    made = Subject(Answering(**functions), schema(*outputs))
    return made, judge(made, SAMPLE, batching)


def test_the_owner_may_join_what_differs_and_the_manifest_says_by_how_much():
    made, options = judged("always", transform=lambda rows: rows[:, 0] * (1 + 1e-12 * len(rows)))
    entry = record.outputs(options)["transform"]
    assert (entry["joined"], entry["rule"], entry["rows"]) == (True, "owner", 512)
    assert 1e-10 < entry["apart"] < 3e-10
    assert joins(options, made, never_drawn) == {"transform": 1024}
    assert "you asked for it; answers differ by 1e-10 of their magnitude at most (at 2, 3," in record.lines(options)[0]


def test_more_than_rounding_has_no_number():
    _, options = judged("always", predict=lambda rows: np.full(len(rows), len(rows)))
    assert record.outputs(options)["predict"]["apart"] is None
    assert "differ by more than rounding" in record.lines(options)[0]


def test_the_owner_may_have_each_request_answered_alone():
    made, options = judged("never", transform=doubled)
    assert made.engine.calls == 0
    assert record.lines(options) == ["transform  alone: you asked for it"]
    assert joins(options, made, never_drawn) == {}


def elsewhere(options):
    facts = options[BATCHING]
    return {BATCHING: {**facts, "machine": {**facts["machine"], "processor": "another"}}}


def test_another_machine_repeats_the_trial_before_it_joins():
    made, options = judged(transform=doubled)
    calls = made.engine.calls
    assert joins(elsewhere(options), made, lambda: SAMPLE) == {"transform": 256}
    assert made.engine.calls > calls + 512


@pytest.mark.parametrize("name", ["kernel", "processor", "libraries"])
def test_each_fact_of_the_machine_counts(name):
    _, options = judged(transform=doubled)
    facts = options[BATCHING]
    moved = {BATCHING: {**facts, "machine": {**facts["machine"], name: "another"}}}
    worse = Subject(Answering(transform=less_the_mean), schema(Output("transform", "float64")))
    assert joins(options, worse, never_drawn) == {"transform": 256}
    assert joins(moved, worse, lambda: SAMPLE) == {}


def test_another_engine_repeats_the_trial_too():
    made, options = judged(transform=doubled)
    made.engine.name = "another"
    assert joins(options, made, lambda: SAMPLE) == {"transform": 256}
    made.engine.functions["transform"] = less_the_mean
    assert joins(options, made, lambda: SAMPLE) == {}


def test_a_repeated_trial_that_takes_too_long_joins_nothing():
    made, options = judged(transform=doubled)
    assert joins(elsewhere(options), made, lambda: SAMPLE, seconds=0.0) == {}


def test_what_differed_once_is_never_joined_on_a_machine_where_it_does_not():
    made, options = judged(transform=less_the_mean)
    made.engine.functions["transform"] = doubled
    assert joins(elsewhere(options), made, never_drawn) == {}


def test_labels_are_answered_alone_where_numbers_differ_on_another_machine_only():
    made, options = judged(predict=lambda rows: (rows[:, 0] > 0).astype(int), decision_function=doubled)
    assert set(joins(options, made, never_drawn)) == {"predict", "decision_function"}
    made.engine.functions["decision_function"] = less_the_mean
    assert joins(elsewhere(options), made, lambda: SAMPLE) == {}


def test_a_version_without_a_verdict_is_joined_by_the_list_alone():
    forest, _ = subject(RandomForestClassifier(5, random_state=0).fit(NUMBERS, FOUR), compiled=True)
    assert joins({}, forest, never_drawn) == {"predict": 1024, "predict_proba": 1024}
    neighbours, _ = subject(KNeighborsClassifier().fit(NUMBERS, TWO))
    assert joins({}, neighbours, never_drawn) == {}


def test_a_difference_that_rows_have_shown_beats_the_list():
    forest, sample = subject(RandomForestClassifier(5, random_state=0).fit(NUMBERS, FOUR), compiled=True)
    options = judge(forest, sample)
    options[BATCHING]["outputs"]["predict_proba"] |= {"joined": False, "rule": "rows", "differs_at": [2]}
    assert joins(options, forest, never_drawn) == {"predict": 1024}


def test_labels_of_products_are_answered_alone_even_if_no_numbers_are_declared():
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(NUMBERS, FOUR)
    made, sample = subject(estimator, compiled=True)
    plan = replace(made.engine.plan, outputs={"predict": made.engine.plan.outputs["predict"]})
    outputs = tuple(output for output in made.schema.outputs if output.name == "predict")
    only = replace(made.schema, outputs=outputs)
    lines = record.lines(judge(Subject(CompiledEngine(plan, only), only), sample))
    assert lines == ["predict  alone: it is decided by numbers that differ in the last bits"]


def test_wide_answers_bound_the_rows_that_are_joined():
    wide = Subject(Answering(transform=None), schema(Output("transform", "float64", (40_000,))))
    assert wide.most_rows("transform", 1024) == 100
    wider = Subject(Answering(transform=None), schema(Output("transform", "float64", (4_000_000,))))
    assert record.lines(judge(wider, SAMPLE)) == ["transform  alone: only 0 of 512 rows could be tried"]
    assert joins({BATCHING: {"choice": "always"}}, wider, never_drawn) == {}
