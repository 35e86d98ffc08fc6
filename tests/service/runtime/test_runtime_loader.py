import os
import threading
import time

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from threadpoolctl import threadpool_info, threadpool_limits

from model_store.batch import Batch
from model_store.engines.choice import NoEngine
from model_store.errors import LibraryMismatch, SealBroken
from model_store.replicas.states import State
from model_store.seal import SealingKey
from service.runtime.load_observer import LoadObserver
from service.runtime.loader import Loader, cap_threads

SAMPLE = np.arange(30.0).reshape(10, 3)


class Flag:
    """Unpickling it leaves a mark."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.fixture
def loader(workshop):
    return Loader(workshop.store, workshop.trusted)


def test_a_version_is_verified_then_loaded_then_warmed(workshop, loader):
    workshop.constant("m")
    states = []
    opened = loader.open("m", 1, states.append)
    assert states == [State.VERIFYING, State.LOADING]
    model = loader.warm(opened, states.append)
    assert states == [State.VERIFYING, State.LOADING, State.WARMING]
    assert (model.name, model.version, model.schema) == ("m", 1, model.manifest.schema)


@pytest.mark.parametrize("sealed_by", ["nobody", "a stranger", "a trusted key for other bytes"])
def test_nothing_is_unpickled_that_is_not_sealed_by_a_trusted_key(workshop, loader, tmp_path, sealed_by):
    mark = tmp_path / "unpickled"
    version = workshop.with_artifact("m", Flag(str(mark)))
    folder = workshop.store.version_folder("m", version)
    if sealed_by == "nobody":
        (folder / "manifest.sig").unlink()
    elif sealed_by == "a stranger":
        workshop.seal_again("m", version, SealingKey.create(tmp_path / "stranger.pem"))
    else:
        content = (folder / "artifact.joblib").read_bytes()
        (folder / "artifact.joblib").unlink()
        (folder / "artifact.joblib").write_bytes(content + b" ")
    states = []
    with pytest.raises(SealBroken):
        loader.open("m", version, states.append)
    assert states == [State.VERIFYING]
    assert not mark.exists()


def test_a_version_made_with_another_scikit_learn_is_refused(workshop, loader):
    workshop.with_artifact("m", DummyRegressor())
    workshop.seal_again("m", 1, libraries={"scikit-learn": "0.1.0"})
    with pytest.raises(LibraryMismatch):
        loader.open("m", 1, lambda _: None)


def test_a_compiled_version_is_served_whatever_scikit_learn_it_was_made_with(workshop, loader):
    workshop.constant("m", 7.0)
    workshop.seal_again("m", 1, libraries={"scikit-learn": "0.1.0"})
    model = loader.warm(loader.open("m", 1, lambda _: None), lambda _: None)
    assert model.predict(Batch(1, matrix=SAMPLE[:1]), ("predict",))["predict"].tolist() == [7.0]


def test_native_threads_are_capped(workshop, loader):
    workshop.constant("m")
    with threadpool_limits(limits=None):
        cap_threads()
        assert {pool["num_threads"] for pool in threadpool_info()} <= {1}


def test_a_model_trained_on_all_cores_starts_no_threads_to_predict(workshop, loader):
    forest = RandomForestClassifier(20, n_jobs=-1, random_state=0).fit(SAMPLE, [0, 1] * 5)
    workshop.add("forest", forest)
    model = loader.warm(loader.open("forest", 1, lambda _: None), lambda _: None)
    before = threading.active_count()
    model.predict(Batch(10, matrix=SAMPLE), ("predict", "predict_proba"))
    assert threading.active_count() == before


class Notes(LoadObserver):
    def __init__(self):
        self.taken = []

    def loaded(self, name, version, cost):
        self.taken.append(("loaded", name, version, cost.seconds))

    def failed(self, name, version, code):
        self.taken.append(("failed", name, version, code))

    def replayed(self, name, version, *, matched):
        self.taken.append(("replayed", name, version, matched))


def test_a_load_is_observed_once_with_what_both_of_its_steps_took(workshop):
    workshop.constant("m")
    notes = Notes()
    loader = Loader(workshop.store, workshop.trusted, [notes])
    opened = loader.open("m", 1, lambda _: None)
    assert notes.taken == []
    loader.warm(opened, lambda _: None)
    replayed, (*loaded, seconds) = notes.taken
    assert (replayed, loaded) == (("replayed", "m", 1, True), ["loaded", "m", 1])
    assert seconds > opened.cost.seconds > 0


class Slow:
    """Unpickling it takes a fifth of a second."""

    def __reduce__(self):
        return time.sleep, (0.2,)


def test_what_loading_took_is_in_the_cost_of_opening(workshop, loader):
    version = workshop.with_artifact("m", Slow())
    assert loader.open("m", version, lambda _: None).cost.seconds >= 0.2


def test_a_version_that_cannot_be_opened_is_observed_with_its_error_s_code(workshop):
    workshop.constant("m")
    (workshop.store.version_folder("m", 1) / "manifest.sig").unlink()
    notes = Notes()
    with pytest.raises(SealBroken):
        Loader(workshop.store, workshop.trusted, [notes]).open("m", 1, lambda _: None)
    assert notes.taken == [("failed", "m", 1, SealBroken.code)]


def test_a_version_that_answers_otherwise_than_at_publication_is_observed(workshop):
    other = DummyRegressor(strategy="constant", constant=7.0).fit(SAMPLE, SAMPLE[:, 0])
    workshop.with_artifact("m", other)
    notes = Notes()
    loader = Loader(workshop.store, workshop.trusted, [notes])
    opened = loader.open("m", 1, lambda _: None)
    with pytest.raises(NoEngine):
        loader.warm(opened, lambda _: None)
    assert notes.taken == [("replayed", "m", 1, False), ("failed", "m", 1, "load_failed")]
