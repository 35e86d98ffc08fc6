"""A publisher's file is loaded once, and what will be served is tried once, until something changes."""

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
from tests.model_store.lifecycle.counted import Counted

ROWS = np.arange(20.0).reshape(10, 2)
LIMITS = Limits(seconds=30, memory=4 * 2**30)


@pytest.fixture
def loads(tmp_path):
    """The processes that loaded the estimator so far, one entry for each time."""
    (tmp_path / "loads").write_text("")
    return lambda: (tmp_path / "loads").read_text().split()


@pytest.fixture
def by_file(store, key, tmp_path, loads):
    """The manifest of version 1 of `m`, published from a file."""
    joblib.dump(Counted(str(tmp_path / "loads")).fit(ROWS, ROWS[:, 0]), tmp_path / "m.joblib")
    publish(store, "m", tmp_path / "m.joblib", ROWS, sealing_key=key, limits=LIMITS)
    return store.manifest("m", 1)


def promote(store, trusted, gate):
    steps: list[str] = []
    promotion.promote(store, "m", 1, trusted=trusted, by="tests", gate=gate, progress=steps.append)
    return steps


def test_one_process_loads_the_file_and_one_what_will_be_served(by_file, loads, store, trusted):
    assert len(loads()) == len(set(loads())) == 2
    steps = promote(store, trusted, ProcessGate(LIMITS))
    assert steps[-1] == "it was tried when it was published, with the libraries that are here"
    assert read(store, "m").stable == 1
    assert len(loads()) == 2


def test_promoting_within_stricter_limits_tries_it_again(by_file, loads, store, trusted):
    promote(store, trusted, ProcessGate(replace(LIMITS, seconds=29.0)))
    assert len(loads()) == 3


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
