"""Publishing from Python."""

import json

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

import model_store
from model_store import channels
from model_store.errors import BadName, BadSample, NoKey, NotServed, StoreError
from model_store.reference import profile
from model_store.replicas.folder import FolderPresence
from model_store.replicas.locations import presence_beside
from model_store.replicas.presence import Record

ROWS = np.arange(40.0).reshape(20, 2)
MODEL = LinearRegression().fit(ROWS, ROWS[:, 0])


def test_the_package_itself_publishes(store, key, open_gate):
    import model_store.gate.gate
    import model_store.publish as still  # noqa: F401 - importing the module must not hide the function

    assert model_store.publish(str(store.disk), "m", MODEL, ROWS, sealing_key=key, gate=open_gate) == 1
    assert store.versions("m") == [1]


def test_publishing_moves_no_pointer_unless_asked(store, key, open_gate):
    model_store.publish(store, "m", MODEL, ROWS, sealing_key=key, gate=open_gate)
    assert channels.read(store, "m").stable is None
    model_store.publish(store, "m", MODEL, ROWS, sealing_key=key, promote=True, by="ann", gate=open_gate)
    assert channels.read(store, "m").stable == 2
    assert channels.read(store, "m").history[0].by == "ann"


def test_publishing_returns_when_every_worker_answers_if_asked_to_wait(store, key, open_gate):
    steps: list[str] = []
    given = {"sealing_key": key, "gate": open_gate, "promote": True, "wait": True}
    model_store.publish(store, "m", MODEL, ROWS, **given, progress=steps.append)
    assert not any("workers" in step for step in steps)
    failed = {"generation": 2, "pointers": {"stable": 1}, "states": {"2": {"state": "FAILED", "reason": "why"}}}
    word = {"format": 1, "replica": "one", "pid": 7, "started": 0.0, "at": 0.0, "memory": 0, "settled": True}
    body = json.dumps({**word, "models": {"m": {**failed, "trouble": ""}}}).encode()
    FolderPresence(presence_beside(store.disk)).announce(Record("one", 7, body))
    with pytest.raises(NotServed, match="one, process 7: why"):
        model_store.publish(store, "m", MODEL, ROWS, **given)
    assert channels.read(store, "m").stable == 2


def test_the_key_is_looked_for_beside_the_root(store, key, tmp_path, open_gate):
    assert model_store.publish(store.disk, "m", MODEL, ROWS, gate=open_gate) == 1
    assert (
        model_store.publish(store.disk, "m", MODEL, ROWS, sealing_key=tmp_path / "keys" / "sealing.pem", gate=open_gate)
        == 2
    )
    with pytest.raises(NoKey):
        model_store.publish(tmp_path / "far" / "models", "m", MODEL, ROWS, gate=open_gate)
    with pytest.raises(NoKey):
        model_store.publish(store, "m", MODEL, ROWS, gate=open_gate)


def test_metrics_are_kept_as_plain_numbers(store, key, open_gate):
    metrics = {"r2": np.float64(0.5), "count": np.int64(3), "note": "x", "folds": [0.1, 0.2]}
    model_store.publish(store, "m", MODEL, ROWS, sealing_key=key, metrics=metrics, gate=open_gate)
    assert store.manifest("m", 1).metrics == {"r2": 0.5, "count": 3, "note": "x", "folds": [0.1, 0.2]}


@pytest.mark.parametrize("metrics", [{"x": float("nan")}, {"x": object()}, {"x": float("inf")}])
def test_metrics_that_no_json_can_hold_are_refused(store, key, metrics):
    with pytest.raises(StoreError, match="metrics"):
        model_store.publish(store, "m", MODEL, ROWS, sealing_key=key, metrics=metrics)


@pytest.mark.parametrize("name", ["", "..", "a/b", ".x", "a b", None])
def test_a_bad_name_writes_nothing(store, key, name):
    with pytest.raises(BadName):
        model_store.publish(store, name, MODEL, ROWS, sealing_key=key)
    assert not store.disk.exists()


def test_what_neither_format_can_hold_is_refused_with_the_reason(store, key):
    model = LinearRegression().fit(ROWS, ROWS[:, 0])
    model.callback = lambda: None
    with pytest.raises(StoreError, match="joblib cannot hold it"):
        model_store.publish(store, "m", model, ROWS, sealing_key=key)


def test_an_estimator_whose_class_cannot_be_imported_elsewhere_is_refused(store, key):
    class Mine(LinearRegression):
        pass

    model = Mine().fit(ROWS, ROWS[:, 0])
    with pytest.raises(StoreError):
        model_store.publish(store, "m", model, ROWS, sealing_key=key)
    assert store.models() == []


def test_a_file_can_be_published_with_rows_in_memory(store, key, tmp_path):
    joblib.dump(MODEL, tmp_path / "m.joblib")
    assert model_store.publish(store, "m", tmp_path / "m.joblib", ROWS, sealing_key=key) == 1
    manifest = store.manifest("m", 1)
    assert manifest.estimator == "sklearn.linear_model._base.LinearRegression"
    assert set(manifest.libraries) >= {"python", "scikit-learn", "numpy"}


def test_a_sample_that_loses_something_on_its_way_is_refused(store, key):
    class Shifty(LinearRegression):
        """Answers by the type of what it is given."""

        def predict(self, X):  # noqa: N803 - scikit-learn's name
            return np.full(len(X), float(isinstance(X, np.ndarray)))

    model = Shifty().fit(ROWS, ROWS[:, 0])
    model.feature_names_in_ = np.array(["a", "b"], dtype=object)
    import pandas as pd

    frame = pd.DataFrame(ROWS, columns=["a", "b"])
    frame["a"] = frame["a"].astype("category")
    with pytest.raises((BadSample, StoreError)):
        model_store.publish(store, "m", model, frame, sealing_key=key)


def test_the_profile_describes_features_and_outputs(store, key, open_gate):
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    mails = [f"anna.berg{i}@example.org" for i in range(100)]
    frame = pd.DataFrame({"age": np.arange(100.0), "city": ["a"] * 75 + ["b"] * 25, "mail": mails})
    steps = make_column_transformer((OneHotEncoder(), ["city"]), ("passthrough", ["age"]))
    model = make_pipeline(steps, LogisticRegression(max_iter=999)).fit(frame, [0, 1] * 50)
    model_store.publish(store, "m", model, frame, sealing_key=key, gate=open_gate)
    found = profile.read(store.version_folder("m", 1))
    age, city, mail = (found["features"][name] for name in ("age", "city", "mail"))
    assert (found["format"], found["rows"], age["mean"], age["missing"]) == (2, 100, 49.5, 0)
    assert len(age["edges"]) == 9
    assert (mail["kind"], mail["shares"]) == ("text", {"marks": [0, 1, 0]})
    assert b"anna" not in (store.version_folder("m", 1) / "profile.json").read_bytes()
    assert age["shares"] == pytest.approx([0.1] * 10)
    assert (city["values"], city["other"]) == ([["a", 0.75], ["b", 0.25]], 0)
    assert found["outputs"]["predict"]["kind"] == "categorical"
    assert len(found["outputs"]["predict_proba"]["components"]) == 2
