"""A store with keys of its own, and a way to put versions into it without a process for each."""

from pathlib import Path

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from model_store import gate, publish, seal
from model_store.seal import SealingKey, TrustedKeys
from model_store.stores.folder import FolderStore


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
def no_trial(monkeypatch) -> None:
    """Take the trial in a process of its own out of publishing, where a test is about something else."""
    report = gate.GateReport(load_seconds=0.1, predict_seconds=0.001, peak_bytes=1, network_cut=True)
    monkeypatch.setattr(gate, "try_candidate", lambda *_, **__: report)


@pytest.fixture(scope="session")
def iris():
    rows, classes = load_iris(return_X_y=True)
    return LogisticRegression(max_iter=500).fit(rows, classes), rows


@pytest.fixture
def published(store, key, iris, no_trial) -> Path:
    """The folder of version 1 of `iris`."""
    version = publish(store, "iris", *iris, sealing_key=key, by="tests")
    return store.version_folder("iris", version)
