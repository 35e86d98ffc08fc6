"""A publisher's file is loaded once, and what will be served is tried once, until something changes."""

import sys
from dataclasses import replace

import joblib
import numpy as np
import pytest

from model_store import publish
from model_store.channels import read
from model_store.errors import GateRefused
from model_store.gate.gate import TRIED, Limits
from model_store.gate.process_gate import ProcessGate
from model_store.lifecycle import promotion
from tests.model_store.gate.fakes import ClosedGate
from tests.model_store.lifecycle.loaded_once import LoadedOnce

ROWS = np.arange(20.0).reshape(10, 2)
LIMITS = Limits(seconds=30, memory=4 * 2**30)
TRIAL = "model_store.gate.trial"
_STARTED: list[str] = []


def _note_trials(event, arguments):
    if event == "subprocess.Popen" and TRIAL in arguments[1]:
        _STARTED.append(arguments[1][arguments[1].index(TRIAL) + 1])


sys.addaudithook(_note_trials)


@pytest.fixture
def trials():
    """What the confined processes that were started are for; each can load the estimator once."""
    _STARTED.clear()
    yield _STARTED
    assert LoadedOnce.loads == 0, "a process that is not confined has loaded it"


@pytest.fixture
def by_file(store, key, tmp_path, trials):
    """The manifest of version 1 of `m`, published from a file."""
    joblib.dump(LoadedOnce().fit(ROWS, ROWS[:, 0]), tmp_path / "m.joblib")
    publish(store, "m", tmp_path / "m.joblib", ROWS, sealing_key=key, limits=LIMITS)
    return store.manifest("m", 1)


def promote(store, trusted, gate):
    steps: list[str] = []
    promotion.promote(store, "m", 1, trusted=trusted, by="tests", gate=gate, progress=steps.append)
    return steps


def test_one_process_loads_the_file_and_one_what_will_be_served(by_file, trials, store, trusted):
    assert trials == ["capture", "check"]
    steps = promote(store, trusted, ProcessGate(LIMITS))
    assert steps[-1] == "it was tried when it was published, with the libraries that are here"
    assert read(store, "m").stable == 1
    assert trials == ["capture", "check"]


def test_promoting_within_stricter_limits_tries_it_again(by_file, trials, store, trusted):
    promote(store, trusted, ProcessGate(replace(LIMITS, seconds=29.0)))
    assert trials == ["capture", "check", "check"]


def test_what_was_tried_elsewhere_or_within_wider_limits_or_not_at_all_has_not_been_tried(by_file):
    gate = ProcessGate(LIMITS)
    assert gate.has_tried(by_file)
    tried = by_file.options[TRIED]
    for other in (
        None,
        [],
        {},
        {**tried, "environment": "0" * 32},
        {**tried, "seconds": 31.0},
        {**tried, "memory": None},
        {**tried, "memory": LIMITS.memory + 1},
    ):
        assert not gate.has_tried(replace(by_file, options={TRIED: other}))
    assert not gate.has_tried(replace(by_file, options={}))
    assert not gate.has_tried(replace(by_file, predict_seconds=LIMITS.row_seconds + 1))


def test_a_gate_that_notes_nothing_tries_again(by_file, store, trusted):
    with pytest.raises(GateRefused):
        promote(store, trusted, ClosedGate())
