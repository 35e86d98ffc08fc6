"""What a publisher chooses, and what ``publish``, ``--dry-run`` and ``show`` say of it."""

import json

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

import model_store
from model_store import seal
from model_store.command_line.main import main
from model_store.errors import StoreError
from model_store.manifest import BATCHING
from model_store.stores.folder import FolderStore
from tests.model_store.gate.fakes import OpenGate

ROWS = np.random.default_rng(0).normal(size=(80, 3))
TREE = DecisionTreeRegressor(max_depth=3).fit(ROWS, ROWS[:, 0])
LINE = LinearRegression().fit(ROWS, ROWS[:, 0] + ROWS[:, 1])


@pytest.fixture
def published(tmp_path):
    """Publishes, and returns what the manifest says of joining."""
    key, store = seal.create_keys(tmp_path / "keys"), FolderStore(tmp_path / "models")

    def make(estimator, **options):
        version = model_store.publish(
            store, "m", estimator, ROWS, sealing_key=key, by="tests", gate=OpenGate(), **options
        )
        return store.manifest("m", version).options[BATCHING]

    make.folder = tmp_path
    return make


def test_by_default_only_what_changes_no_bit_is_joined(published):
    tree, line = published(TREE), published(LINE)
    assert tree["choice"] == line["choice"] == "auto"
    assert tree["outputs"] == {"predict": {"joined": True, "rule": "steps", "rows": 512}}
    assert not line["outputs"]["predict"]["joined"]
    assert line["engine"] == "compiled"
    assert set(line["machine"]) == {"kernel", "processor", "libraries"}


def test_what_the_owner_wants_is_in_the_manifest_with_the_differences_seen(published):
    always, never = published(LINE, batching="always"), published(TREE, batching="never")
    assert always["outputs"]["predict"]["joined"]
    assert 0 < always["outputs"]["predict"]["apart"] < 1e-14
    assert never["outputs"] == {"predict": {"joined": False, "rule": "owner", "why_not": "you asked for it"}}


def test_another_word_is_refused(published):
    told = "batching is 'maybe': expected one of auto, always, never"
    with pytest.raises(StoreError, match=told):
        published(TREE, batching="maybe")
    with pytest.raises(StoreError, match=told):
        model_store.dry_run(TREE, ROWS, batching="maybe", gate=OpenGate())


def test_a_dry_run_shows_it_and_has_it_in_json():
    contract = model_store.dry_run(TREE, ROWS, gate=OpenGate())
    assert "predict  joined: each step treats each row alone" in contract.lines()
    assert contract.to_json()["batching"]["outputs"]["predict"]["rule"] == "steps"


def test_show_tells_it(published, capsys):
    published(LINE, batching="always")
    assert main(["show", "m", "--root", str(published.folder / "models")]) == 0
    told = capsys.readouterr().out
    assert "\nrequests that wait:\npredict  joined: you asked for it; answers differ by " in told
    assert "machine" not in told


def test_a_file_is_published_with_the_choice_too(published, capsys):
    joblib.dump(TREE, published.folder / "tree.joblib")
    np.save(published.folder / "rows.npy", ROWS)
    arguments = ("m", published.folder / "tree.joblib", "--sample", published.folder / "rows.npy")
    status = main(["publish", *map(str, arguments), "--dry-run", "--batching", "never", "--json"])
    assert status == 0
    assert json.loads(capsys.readouterr().out)["batching"]["choice"] == "never"
