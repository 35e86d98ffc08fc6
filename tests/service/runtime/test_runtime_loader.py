import os
import threading

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from threadpoolctl import threadpool_info, threadpool_limits

from model_store.batch import Batch
from model_store.errors import LibraryMismatch, SealBroken
from model_store.seal import SealingKey
from service.runtime.loader import Loader, cap_threads
from service.runtime.states import State

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


def test_a_version_made_with_another_scikit_learn_is_refused(workshop, loader, monkeypatch):
    workshop.constant("m")
    monkeypatch.setattr("importlib.metadata.version", lambda _: "0.1.0")
    with pytest.raises(LibraryMismatch):
        loader.open("m", 1, lambda _: None)


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
