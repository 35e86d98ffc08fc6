"""A worker executes what publishing chose, or what the setting ENGINE forces, wherever a version has it."""

import logging

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from service.runtime.loader import Loader
from service.runtime.wanted import WantedEngine
from tests.service.runtime.conftest import Workshop

ROWS = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=["a", "b", "c"])
CLASSES = np.digitize(ROWS["a"], [-0.5, 0.5])


class OwnScaler(StandardScaler):
    """What nobody compiles."""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    workshop = Workshop(tmp_path_factory.mktemp("workshop"))
    workshop.add("fast", make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, CLASSES), ROWS)
    slow = make_pipeline(OwnScaler(), KNeighborsClassifier()).fit(ROWS, CLASSES)
    workshop.add("slow", slow, ROWS, artifact_format="joblib")
    return workshop


def executed(workshop, name, kind):
    loader = Loader(workshop.store, workshop.trusted, engine=WantedEngine(kind))
    return loader.warm(loader.open(name, 1, lambda _: None), lambda _: None).engine.name


@pytest.mark.parametrize(
    ("kind", "fast", "slow"),
    [
        ("auto", "compiled", "scikit-learn"),
        ("compiled", "compiled", "scikit-learn"),
        ("arrays", "scikit-learn on arrays", "scikit-learn"),
        ("estimator", "scikit-learn", "scikit-learn"),
    ],
)
def test_the_forced_engine_is_used_where_there_is_one_and_the_log_says_where_not(store, caplog, kind, fast, slow):
    with caplog.at_level(logging.WARNING):
        assert executed(store, "fast", kind) == fast
    assert not caplog.messages
    with caplog.at_level(logging.WARNING):
        assert executed(store, "slow", kind) == slow
    instead = f"version 1 of slow cannot be executed as ENGINE says ({kind}): it is executed by scikit-learn"
    assert caplog.messages == ([instead] if kind in {"compiled", "arrays"} else [])


def test_scikit_learn_is_used_on_arrays_only_if_that_was_found_to_be_faster(store):
    manifest = store.store.manifest("fast", 1)
    assert WantedEngine().candidates(manifest)
    manifest.options["engines"]["chosen"] = "estimator"
    assert WantedEngine().candidates(manifest) == ()
