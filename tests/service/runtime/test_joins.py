"""For which outputs a loaded version lets requests be joined."""

import logging

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeRegressor

from model_store.joining.machine import here
from model_store.manifest import BATCHING
from service.runtime.loader import Loader
from service.runtime.wanted import WantedEngine

ROWS = np.random.default_rng(0).normal(size=(80, 3))
AMOUNTS = ROWS[:, 0] + ROWS[:, 1]
PREDICT, SHARES = ("predict",), ("predict_proba",)


def loaded(workshop, name, wanted=None):
    loader = Loader(workshop.store, workshop.trusted, engine=wanted)
    return loader.warm(loader.open(name, 1, lambda _: None), lambda _: None)


def options(workshop, name):
    return dict(workshop.store.manifest(name, 1).options)


@pytest.fixture
def tree(workshop):
    workshop.add("tree", DecisionTreeRegressor(max_depth=3).fit(ROWS, AMOUNTS), ROWS)
    return workshop


@pytest.fixture
def bayes(workshop):
    """A compiled version that is joined because of what rows have shown."""
    workshop.add("bayes", GaussianNB().fit(ROWS, AMOUNTS > 0), ROWS)
    outputs = options(workshop, "bayes")[BATCHING]["outputs"]
    assert {entry["rule"] for entry in outputs.values()} == {"rows"}
    return workshop


def test_a_tree_is_joined_by_the_list(tree):
    model = loaded(tree, "tree")
    assert model.may_join(PREDICT)
    assert model.most_joined_rows == 1024


def test_a_tree_that_was_published_before_there_was_a_verdict_is_joined_too(tree):
    kept = {name: value for name, value in options(tree, "tree").items() if name != BATCHING}
    tree.seal_again("tree", 1, options=kept)
    assert loaded(tree, "tree").may_join(PREDICT)


def test_nothing_is_joined_where_a_setting_says_so(tree):
    model = loaded(tree, "tree", WantedEngine(joins=False))
    assert not model.may_join(PREDICT)
    assert model.most_joined_rows == 0


def test_sums_over_columns_in_other_orders_are_not_joined(workshop):
    workshop.add("line", LinearRegression().fit(ROWS, AMOUNTS), ROWS)
    assert not loaded(workshop, "line").may_join(PREDICT)


def test_what_rows_have_shown_counts_on_the_same_machine(bayes, caplog):
    caplog.set_level(logging.INFO)
    model = loaded(bayes, "bayes")
    assert model.may_join((*PREDICT, *SHARES))
    assert model.most_joined_rows == 256
    assert not [record for record in caplog.records if "joined here" in record.message]


def moved(workshop, name):
    facts = options(workshop, name)
    elsewhere = {**facts[BATCHING], "machine": {**here(), "kernel": "another"}}
    workshop.seal_again(name, 1, options={**facts, BATCHING: elsewhere})


def test_another_machine_tries_rows_of_the_profile_again(bayes, caplog):
    caplog.set_level(logging.INFO)
    moved(bayes, "bayes")
    opened = Loader(bayes.store, bayes.trusted).open("bayes", 1, lambda _: None)
    assert set(opened.profile["features"]) == {"x0", "x1", "x2"}
    assert loaded(bayes, "bayes").may_join((*PREDICT, *SHARES))
    assert "requests for predict, predict_proba are joined here: predict, predict_proba" in caplog.text


def test_the_profile_is_not_read_where_the_list_says_it(tree):
    moved(tree, "tree")
    assert not Loader(tree.store, tree.trusted).open("tree", 1, lambda _: None).profile


class Centred(BaseEstimator):
    """Answers by how far a row is from the mean of those that come together."""

    def fit(self, rows, _target=None):
        self.n_features_in_ = rows.shape[1]
        return self

    def predict(self, rows):
        return rows[:, 0] - np.mean(rows[:, 0])


def test_a_machine_that_claims_more_than_the_trial_shows_there_is_not_believed(workshop):
    workshop.add("centred", Centred().fit(ROWS), ROWS, artifact_format="joblib")
    assert not loaded(workshop, "centred").may_join(PREDICT)
    facts = options(workshop, "centred")
    claimed = {"joined": True, "rule": "rows", "rows": 512}
    workshop.seal_again(
        "centred",
        1,
        options={**facts, BATCHING: {**facts[BATCHING], "outputs": {"predict": claimed}, "engine": "another"}},
    )
    assert not loaded(workshop, "centred").may_join(PREDICT)
