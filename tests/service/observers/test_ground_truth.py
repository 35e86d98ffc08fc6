"""Ground truth against what was predicted."""

from types import SimpleNamespace

import numpy as np
import pytest

from model_store.schema import Column, Output, Schema
from service import logs
from service.errors import Unavailable
from service.metrics.instruments import REGISTRY
from service.observers import ground_truth
from service.observers.ground_truth import Truth
from service.observers.observer import Prediction
from service.observers.recent_predictions import RecentPredictions
from service.presence.folder_rows import FolderRows
from tests.service.presence.memory_rows import MemoryRows

CLASSIFIER = Schema(
    "table", (Column("age", "float64"),), (Output("predict", "string", labels=("no", "yes")),), "classifier"
)
REGRESSOR = Schema("matrix", (Column("age", "float64"),), (Output("predict", "float64"),), "regressor")


@pytest.fixture
def model(request):
    return SimpleNamespace(name=request.node.name[:100], version=1, schema=CLASSIFIER)


def counted(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture
def recent(tmp_path):
    yield RecentPredictions(FolderRows((tmp_path / "shared", tmp_path / "own"), replica="replica 1", records=50))
    logs.bind(None)


def remember(recent, model, request_id, values):
    logs.bind(request_id)
    prediction = Prediction(model, "stable", "tfserving", len(values), 0.001, 0.001, 0.001)
    recent.predicted(prediction, None, {"predict": np.array(values, dtype=object)})


def judge(recent, model, *pairs):
    return ground_truth.judge(recent, model.name, [Truth(i, tuple(v)) for i, v in pairs])


def test_ground_truth_is_joined_by_request_id(recent, model):
    remember(recent, model, "a", ["yes", "no"])
    remember(recent, model, "b", ["no"])
    assert judge(recent, model, ("a", ["yes", "yes"]), ("b", ["no"]), ("c", ["no"])) == {
        "joined": 3, "unknown": 1, "repeated": 0, "invalid": 0,
    }  # fmt: skip
    assert counted("millrace_feedback_labelled_total", model=model.name, version="1") == 3
    assert counted("millrace_feedback_correct_total", model=model.name, version="1") == 2


@pytest.mark.parametrize("predicted", [[1, True, "1", "True", -0.0], ["True", "1", True, 1, -0.0]])
def test_classes_that_look_alike_are_told_apart(recent, model, predicted):
    remember(recent, model, "a", predicted)
    judge(recent, model, ("a", [1.0 if value == 1 and value is not True else value for value in predicted]))
    assert counted("millrace_feedback_correct_total", model=model.name, version="1") == 5
    remember(recent, model, "b", predicted)
    judge(recent, model, ("b", ["1", 1, 1, True, 0.0]))
    assert counted("millrace_feedback_correct_total", model=model.name, version="1") == 6


def test_ground_truth_counts_once(recent, model):
    remember(recent, model, "a", ["yes"])
    assert judge(recent, model, ("a", ["yes"]), ("a", ["yes"]))["repeated"] == 1
    assert judge(recent, model, ("a", ["yes"]))["repeated"] == 1
    assert counted("millrace_feedback_labelled_total", model=model.name, version="1") == 1


def test_another_worker_finds_what_this_one_predicted(recent, model, tmp_path):
    remember(recent, model, "a", ["yes"])
    other = RecentPredictions(FolderRows((tmp_path / "shared", tmp_path / "own2"), replica="replica 2", records=50))
    assert judge(other, model, ("a", ["no"]))["joined"] == 1
    assert judge(recent, model, ("a", ["no"]))["repeated"] == 1


def test_truth_that_two_workers_are_given_at_once_is_counted_by_one(recent, model, tmp_path):
    class Slow(FolderRows):
        def mark(self, rows):
            judge(recent, model, ("a", ["yes"]))
            return super().mark(rows)

    remember(recent, model, "a", ["yes", "no"])
    other = RecentPredictions(Slow((tmp_path / "shared",), replica="replica 2", records=50))
    told = judge(other, model, ("a", ["yes", "no"]))
    assert (told["joined"], told["repeated"]) == (1, 1)
    assert counted("millrace_feedback_labelled_total", model=model.name, version="1") == 2


def test_nothing_is_counted_while_what_is_remembered_cannot_be_asked(model):
    rows = MemoryRows()
    recent = RecentPredictions(rows)
    remember(recent, model, "a", ["yes"])
    logs.bind(None)
    rows.trouble = Unavailable("away", retry_after=2)
    with pytest.raises(Unavailable):
        judge(recent, model, ("a", ["yes"]))
    assert counted("millrace_feedback_total", model=model.name, result="joined") == 0
    rows.trouble = None
    assert judge(recent, model, ("a", ["yes"]))["joined"] == 1


def test_errors_of_numbers_add_up(recent, model):
    model.schema = REGRESSOR
    remember(recent, model, "a", [1.5, 2.0])
    assert judge(recent, model, ("a", [1.0, 4.0]))["joined"] == 2
    assert counted("millrace_feedback_absolute_error_total", model=model.name, version="1") == 2.5
    assert counted("millrace_feedback_squared_error_total", model=model.name, version="1") == 4.25
    remember(recent, model, "b", [1.0])
    assert judge(recent, model, ("b", ["one"]))["invalid"] == 1


def test_an_error_that_would_stay_infinite_in_the_counters_is_not_counted(recent, model):
    model.schema = REGRESSOR
    remember(recent, model, "a", [1.0, 1.0])
    assert judge(recent, model, ("a", [1e200, True]))["invalid"] == 2
    assert judge(recent, model, ("a", [2.0]))["joined"] == 1


def test_a_class_is_the_same_as_integer_and_as_float(recent, model):
    remember(recent, model, "a", [2])
    judge(recent, model, ("a", [2.0]))
    assert counted("millrace_feedback_correct_total", model=model.name, version="1") == 1


def test_the_oldest_predictions_are_forgotten_and_the_file_does_not_grow(recent, model, tmp_path):
    for i in range(120):
        remember(recent, model, f"r{i}", ["yes"])
    assert judge(recent, model, ("r0", ["yes"]), ("r119", ["yes"]))["joined"] == 1
    (ring,) = (tmp_path / "shared").glob("*.ring")
    assert ring.stat().st_size == 50 * 40
    assert b"r119" not in ring.read_bytes()
    assert b"yes" not in ring.read_bytes()


def test_a_model_that_only_a_caller_knows_never_becomes_a_label(recent, model):
    model.name = "invented-by-a-caller"
    judge(recent, model, ("nothing", ["yes"]))
    assert counted("millrace_feedback_total", model="invented-by-a-caller", result="unknown") == 0
    assert counted("millrace_feedback_total", model="", result="unknown") >= 1
