"""A version in a process answers as it does in the worker, and its trouble stays in that process."""

import json
import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression

from model_store import channels
from model_store.batch import Batch
from model_store.engines.choice import NoEngine
from model_store.errors import ArtifactUnreadable, DiedLoading
from model_store.replicas.presence import Record
from service.errors import (
    ModelBrokeContract,
    ModelCrashed,
    ModelFailed,
    ModelRejectedInput,
    PredictionTimeout,
)
from service.model_process.placement import Placement
from service.model_process.process import Seconds
from service.model_process.processes import Processes
from service.quarantine.first_try import FirstTry
from service.runtime.loader import Loader
from service.runtime.outside import Outside
from tests.model_store.replicas.memory_presence import MemoryPresence
from tests.service.model_process import moody
from tests.service.runtime.conftest import SAMPLE, Workshop

PREDICT = ("predict",)


def rows(mood=moody.SUM, how=1.0, count=3):
    return Batch(count, matrix=np.array([[mood, how], *[[0.0, 2.0 + i] for i in range(count - 1)]], dtype=float))


def load(workshop, name, version, seconds=None):
    """Load a version with all estimators in processes; return it with what polls its process."""
    processes = Processes()
    outside = Outside(workshop.run_dir / "processes", processes, Placement(longest=0.0), seconds)
    loader = Loader(workshop.store, workshop.trusted, outside=outside)
    return loader.warm(loader.open(name, version, lambda _: None), lambda _: None), processes


def until_free(model):
    while not model.process.free:
        model.process.wait(1.0)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    made = Workshop(tmp_path_factory.mktemp("processes"))
    made.add("moody", moody.fitted(), moody.ROWS, artifact_format="joblib")
    return made


@pytest.fixture(scope="module")
def loaded(workshop):
    model, processes = load(workshop, "moody", 1)
    yield model
    processes.close()


@pytest.fixture
def hasty(workshop):
    """The same version, with half a second for each prediction."""
    model, processes = load(workshop, "moody", 1, Seconds(predict=0.5))
    yield model
    processes.close()


def test_a_version_in_a_process_answers_as_in_the_worker(workshop, loaded):
    loader = Loader(workshop.store, workshop.trusted)
    inside = loader.warm(loader.open("moody", 1, lambda _: None), lambda _: None)
    batch = Batch(500, matrix=np.random.default_rng(0).normal(size=(500, 2)) + np.array([10.0, 0.0]))
    assert inside.process is None
    assert loaded.process is not None
    assert loaded.predict(batch, PREDICT)["predict"].tobytes() == inside.predict(batch, PREDICT)["predict"].tobytes()


def test_another_process_predicts(loaded):
    (pid,) = set(loaded.predict(rows(moody.WHO), PREDICT)["predict"])
    assert int(pid) not in {os.getpid(), os.getppid()}


def test_no_rows_are_answered_with_none(loaded):
    assert loaded.predict(Batch(0, matrix=np.empty((0, 2))), PREDICT)["predict"].shape == (0,)


@pytest.mark.parametrize(
    ("mood", "error", "words"),
    [
        (moody.REFUSE, ModelRejectedInput, "not these rows$"),
        (moody.FAIL, ModelFailed, "failed to predict$"),
        (moody.EXIT, ModelFailed, "failed to predict$"),
        (moody.NAN, ModelBrokeContract, "not finite"),
        (moody.LONG, ModelBrokeContract, r"expected \[3\], got \[4\]"),
    ],
    ids=["refuses", "fails", "exits", "not a number", "too many"],
)
def test_what_the_model_does_is_said_and_the_same_process_goes_on(loaded, mood, error, words):
    before = loaded.predict(rows(moody.WHO), PREDICT)["predict"][0]
    with pytest.raises(error, match=words):
        loaded.predict(rows(mood), PREDICT)
    assert loaded.predict(rows(moody.WHO), PREDICT)["predict"][0] == before


def test_a_process_that_crashes_is_replaced(loaded):
    before = loaded.predict(rows(moody.WHO), PREDICT)["predict"][0]
    with pytest.raises(ModelCrashed):
        loaded.predict(rows(moody.CRASH), PREDICT)
    assert loaded.predict(rows(moody.WHO), PREDICT)["predict"][0] != before


def test_a_process_that_takes_too_long_is_replaced(hasty):
    before = hasty.predict(rows(moody.WHO), PREDICT)["predict"][0]
    started = time.monotonic()
    with pytest.raises(PredictionTimeout):
        hasty.predict(rows(moody.SLEEP, 3600), PREDICT)
    assert time.monotonic() - started < 60
    assert hasty.predict(rows(moody.WHO), PREDICT)["predict"][0] != before


def test_nobody_waits_while_a_process_predicts(hasty):
    outcomes = []
    hasty.process.ask(rows(moody.SLEEP, 0.2), PREDICT, lambda outcome, seconds: outcomes.append((outcome, seconds)))
    assert not outcomes
    assert not hasty.process.free
    until_free(hasty)
    ((outcome, seconds),) = outcomes
    assert outcome["predict"].tolist() == [1.2, 2.0, 3.0]
    assert 0.2 <= seconds < 0.5


def test_a_large_batch_goes_both_ways(loaded):
    matrix = np.random.default_rng(0).normal(size=(200_000, 2)) + np.array([10.0, 0.0])
    answer = loaded.predict(Batch(len(matrix), matrix=matrix), PREDICT)["predict"]
    assert answer.tobytes() == matrix.sum(axis=1).tobytes()


def test_the_process_ends_with_its_version(workshop):
    folders = workshop.run_dir / "processes"
    others = set(folders.iterdir())
    model, processes = load(workshop, "moody", 1)
    pid = int(model.predict(rows(moody.WHO), PREDICT)["predict"][0])
    assert len(set(folders.iterdir()) - others) == 1
    del model
    end = time.monotonic() + 20
    while Path("/proc", str(pid)).exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert not Path("/proc", str(pid)).exists()
    assert set(folders.iterdir()) == others
    assert processes.due() == float("inf")


def test_a_version_that_answers_otherwise_than_stored_is_not_served(workshop):
    with pytest.raises(NoEngine, match="not those stored with it"):
        load(workshop, "other", workshop.with_artifact("other", moody.fitted()))


def test_a_version_whose_artifact_cannot_be_loaded_is_not_served(workshop):
    with pytest.raises(ArtifactUnreadable, match="cannot be loaded"):
        load(workshop, "nothing", workshop.with_artifact("nothing", moody.Unloadable()))


@pytest.mark.parametrize(
    ("artifact", "seconds", "how"),
    [(moody.Fatal, Seconds(), "it ended"), (moody.Endless, Seconds(start=0.5), r"it was not ready after 0\.5 s")],
    ids=["ends its process", "never ends"],
)
def test_a_version_that_harms_what_loads_it_is_in_quarantine_after_one_try(workshop, artifact, seconds, how):
    name = artifact.__name__.lower()
    whole = DummyRegressor().fit(SAMPLE, SAMPLE[:, 0])
    for version in (workshop.add(name, whole), workshop.with_artifact(name, artifact())):
        channels.promote(workshop.store, name, version, "tests")
    presence, processes = MemoryPresence(), Processes()
    told = {"format": 1, "replica": "r", "pid": os.getpid(), "started": 0, "at": 0, "memory": 0, "settled": True}
    presence.announce(Record("r", os.getpid(), json.dumps({**told, "models": {}}).encode()))
    outside = Outside(workshop.run_dir / "processes", processes, Placement(longest=0.0), seconds)
    first_try = FirstTry(workshop.store, presence, "r")
    loader = Loader(workshop.store, workshop.trusted, outside=outside, first_try=first_try)
    with pytest.raises(DiedLoading, match=f"its process ended as it loaded: {how}"):
        loader.warm(loader.open(name, version, lambda _: None), lambda _: None)
    kept = channels.read(workshop.store, name).quarantined()
    assert {version: one.instead for version, one in kept.items()} == {2: 1}
    assert processes.due() == float("inf")


def test_a_process_has_no_more_address_space_than_it_is_given(workshop):
    processes = Processes()
    outside = Outside(workshop.run_dir / "processes", processes, Placement(longest=0.0), memory=3 * 2**30)
    loader = Loader(workshop.store, workshop.trusted, outside=outside)
    model = loader.warm(loader.open("moody", 1, lambda _: None), lambda _: None)
    pid = int(model.predict(rows(moody.WHO), PREDICT)["predict"][0])
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert re.search(r"Max address space +(\d+) ", limits)[1] == str(3 * 2**30)
    processes.close()


def test_arrays_and_short_skops_have_a_place_in_the_worker(workshop):
    x = np.arange(20.0).reshape(10, 2)
    version = workshop.add("linear", LinearRegression().fit(x, x.sum(axis=1)), x)
    model, processes = load(workshop, "linear", version)
    assert model.process is None
    processes.close()
