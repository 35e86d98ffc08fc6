"""Requests of one row to models that multiply matrices: joined, with each row's product by itself."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model_store.batch import Batch, take
from model_store.engines.compiled import CompiledEngine
from model_store.joining import record
from model_store.joining.machine import here
from model_store.joining.verdict import joins, joins_one_by_one, judge
from model_store.manifest import BATCHING
from tests.model_store.joining.engines import Answering, less_the_mean
from tests.model_store.joining.test_verdict import FOUR, NUMBERS, never_drawn, subject

SUMS = NUMBERS[:, :2].sum(axis=1)
LOGISTIC = make_pipeline(StandardScaler(), LogisticRegression()).fit(NUMBERS, FOUR)
MULTIPLYING = {
    "logistic": LOGISTIC,
    "linear": LinearRegression().fit(NUMBERS, SUMS),
    "two targets": LinearRegression().fit(NUMBERS, np.column_stack([SUMS, -SUMS])),
    "network": MLPRegressor(hidden_layer_sizes=(8,), tol=10.0, n_iter_no_change=1, random_state=0).fit(NUMBERS, SUMS),
    "components": PCA(2).fit(NUMBERS),
}


class LooksAround(CompiledEngine):
    """Subtracts the mean of the rows that come together where it should answer each as if it came alone."""

    def one_by_one(self):
        return Answering(**{output.name: less_the_mean for output in self._schema.outputs})


def elsewhere(options):
    return {BATCHING: {**options[BATCHING], "machine": {**here(), "kernel": "another"}}}


@pytest.mark.parametrize("estimator", MULTIPLYING.values(), ids=MULTIPLYING)
def test_rows_have_the_same_bits_alone_and_in_company_one_by_one(estimator):
    made, sample = subject(estimator, compiled=True)
    options = judge(made, sample)
    assert joins(options, made, never_drawn) == {}
    engine, outputs = joins_one_by_one(options, made, never_drawn)
    assert set(outputs.values()) == {256}
    rows = np.random.default_rng(1).normal(size=(200, NUMBERS.shape[1]))
    together = engine.predict(Batch(200, matrix=rows), tuple(outputs))
    for place in range(200):
        alone = made.engine.predict(Batch(1, matrix=rows[place : place + 1].copy()), tuple(outputs))
        assert all(together[name][place : place + 1].tobytes() == alone[name].tobytes() for name in outputs)


def test_several_rows_of_one_request_are_multiplied_as_scikit_learn_does():
    made, sample = subject(LOGISTIC, compiled=True)
    engine, _ = joins_one_by_one(judge(made, sample), made, never_drawn)
    rows = take(sample, np.arange(64))
    given = made.engine.predict(rows, ("decision_function",))["decision_function"]
    assert given.tobytes() == LOGISTIC.decision_function(rows.matrix).tobytes()
    assert given.tobytes() != engine.predict(rows, ("decision_function",))["decision_function"].tobytes()


def test_labels_are_joined_where_the_numbers_that_decide_them_are():
    made, sample = subject(LOGISTIC, compiled=True)
    options = judge(made, sample)
    assert record.one_by_one(options) == ["predict", "predict_proba", "decision_function"]
    told = "requests of one row are joined for predict, predict_proba, decision_function, each row computed by itself"
    assert record.one_by_one_lines(options) == [told]


def test_a_model_that_multiplies_nothing_has_no_such_verdict():
    made, sample = subject(RandomForestClassifier(5, random_state=0).fit(NUMBERS, FOUR), compiled=True)
    options = judge(made, sample)
    assert "one_by_one" not in options[BATCHING]
    assert record.one_by_one_lines(options) == []
    claimed = {BATCHING: {**options[BATCHING], "one_by_one": options[BATCHING]["outputs"]}}
    assert joins_one_by_one(claimed, made, never_drawn)[1] == {}


@pytest.mark.parametrize("choice", ["always", "never"])
def test_the_owner_s_choice_goes_before(choice):
    made, sample = subject(LOGISTIC, compiled=True)
    assert joins_one_by_one(judge(made, sample, choice), made, never_drawn)[1] == {}
    facts = judge(made, sample)[BATCHING]
    assert joins_one_by_one({BATCHING: {**facts, "choice": choice}}, made, never_drawn)[1] == {}


def test_a_version_without_such_a_verdict_is_answered_alone():
    made, sample = subject(LOGISTIC, compiled=True)
    facts = {name: fact for name, fact in judge(made, sample)[BATCHING].items() if name != "one_by_one"}
    for options in ({}, {BATCHING: facts}):
        assert joins_one_by_one(options, made, never_drawn)[1] == {}


def test_another_machine_repeats_the_trial():
    made, sample = subject(LOGISTIC, compiled=True)
    options = judge(made, sample)
    drawn = []
    found = joins_one_by_one(elsewhere(options), made, lambda: drawn.append(1) or sample)[1]
    assert found == joins_one_by_one(options, made, never_drawn)[1]
    assert len(drawn) == 1
    assert joins_one_by_one(elsewhere(options), made, lambda: sample, seconds=0.0)[1] == {}


def test_what_differs_in_company_is_not_joined_though_its_products_are_made_one_by_one():
    made, sample = subject(LOGISTIC, compiled=True)
    with_company = made.one_by_one()[0]
    assert with_company.multiplied() == set()
    assert made.multiplied() == set(made.outputs)
    options = judge(made, sample)
    other = replace(made, engine=LooksAround(made.engine.plan, made.schema))
    assert joins_one_by_one(elsewhere(options), other, lambda: sample)[1] == {}
