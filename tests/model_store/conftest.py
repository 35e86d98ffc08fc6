"""A store with keys of its own, and a way to put versions into it without a process for each."""

from pathlib import Path

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from model_store import publish, seal
from model_store.extension import loader
from model_store.gate.gate import Gate
from model_store.seal import SealingKey, TrustedKeys
from model_store.stores.folder import FolderStore
from tests.model_store.gate.fakes import OpenGate


@pytest.fixture
def key(tmp_path) -> SealingKey:
    return seal.create_keys(tmp_path / "keys")


@pytest.fixture
def trusted(key, tmp_path) -> TrustedKeys:
    return TrustedKeys.load(tmp_path / "keys" / "trusted")


@pytest.fixture
def store(tmp_path) -> FolderStore:
    return FolderStore(tmp_path / "models")


@pytest.fixture
def open_gate() -> Gate:
    """A gate without a process for each version, where a test is about something else."""
    return OpenGate()


@pytest.fixture(scope="session")
def iris():
    rows, classes = load_iris(return_X_y=True)
    return LogisticRegression(max_iter=500).fit(rows, classes), rows


@pytest.fixture
def published(store, key, iris, open_gate) -> Path:
    """The folder of version 1 of `iris`."""
    version = publish(store, "iris", *iris, sealing_key=key, by="tests", gate=open_gate)
    return store.version_folder("iris", version)


@pytest.fixture(params=["ON", "OFF"])
def by(request, monkeypatch):
    """The extension on, then off: what uses this fixture runs with both."""
    monkeypatch.setenv(loader.VARIABLE, request.param)
    loader.kernels.cache_clear()
    if request.param == "ON" and loader.kernels() is None:
        pytest.skip("the extension is not built here: deploy/local/build-extension")
    yield
    loader.kernels.cache_clear()
