"""Live rows against a profile, and ground truth against what was predicted."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from model_store import profile as stored_profile
from model_store.batch import Batch
from model_store.profile import describe
from model_store.schema import Column, Output, Schema
from service import logs
from service.errors import InvalidInput, PayloadTooLarge
from service.http.admin import feedback
from service.metrics import REGISTRY
from service.model_health import ModelHealth
from service.observation.profiles import MISSING, OTHER, UNSEEN, Categorical, Numeric, plan, references
from service.recent_predictions import RecentPredictions

SCHEMA = Schema(
    "table",
    (Column("age", "float64", nullable=True), Column("city", "string", nullable=True, categories=("Oslo", "Rome"))),
    (Output("predict", "string", labels=("no", "yes")), Output("predict_proba", "float64", (2,), ("no", "yes"))),
    "classifier",
)


def batch(ages, cities):
    column = np.empty(len(cities), dtype=object)
    column[:] = cities
    return Batch(len(ages), columns={"age": np.array(ages, dtype=float), "city": column})


@pytest.fixture
def profile():
    ages = np.arange(100.0)
    classes = np.empty(100, dtype=object)
    classes[:] = ["no", "yes"] * 50
    return describe(SCHEMA, batch(ages, ["Oslo"] * 75 + ["Rome"] * 25), {"predict": classes})


def compared(profile):
    age, city, answer = plan(profile, {"city": ("Oslo", "Rome"), "predict": ("no", "yes")}, ("age", "city"))
    return age, city, answer


def test_the_sample_itself_falls_into_the_bins_as_the_profile_says(profile):
    age, city, answer = compared(profile)
    counts = age.count(np.arange(100.0))
    assert [counts[name] / 100 for name in age.bins] == pytest.approx(list(age.shares))
    assert city.count(np.array(["Oslo"] * 75 + ["Rome"] * 25, dtype=object)) == {"00 Oslo": 75, "01 Rome": 25}
    assert (answer.kind, answer.name) == ("output", "predict")


def test_reference_shares_of_values_that_were_there_add_up_to_one(profile):
    for binned in compared(profile):
        shares = dict(references(binned))
        assert math.fsum(share for name, share in shares.items() if name != MISSING) == pytest.approx(1)


def test_one_row_falls_into_the_same_bin_as_many_rows_do(profile):
    age, _, _ = compared(profile)
    for value in (-5.0, 9.9, 9.91, 42.0, 98.99, 1e9, math.nan, math.inf):
        one = age.count(np.array([value]))
        many = age.count(np.array([value, value]))
        assert {name: 2 * count for name, count in one.items()} == many


def test_missing_and_unseen_values_have_bins_of_their_own(profile):
    age, city, _ = compared(profile)
    assert age.count(np.array([math.nan, 50.0, math.nan]))[MISSING] == 2
    assert city.count(np.array(["Paris", None, "Oslo"], dtype=object)) == {UNSEEN: 1, MISSING: 1, "00 Oslo": 1}


def test_rare_but_known_categories_are_other_and_not_unseen():
    entry = {"kind": "categorical", "missing": 0.0, "values": [[i, 0.05] for i in range(20)], "other": 0.0}
    (binned,) = plan({"features": {"x": entry}}, {}, ("x",))
    assert isinstance(binned, Categorical)
    assert binned.count(np.array([0, 15, 99])) == {"00 0": 1, OTHER: 1, UNSEEN: 1}
    assert len(binned.bins) == 12


def test_only_so_many_features_are_compared_as_are_asked_for(profile):
    assert [one.name for one in plan(profile, {}, ("age",))] == ["age", "predict"]
    assert isinstance(plan(profile, {}, ("age",))[0], Numeric)


@pytest.fixture
def model(tmp_path, profile, request):
    stored_profile.write(tmp_path, profile)
    name = request.node.name[:100]
    return SimpleNamespace(
        name=name,
        version=1,
        schema=SCHEMA,
        store=SimpleNamespace(read=lambda _name, _version, file: (tmp_path / file).read_bytes()),
    )


def counted(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_rows_are_counted_by_bin(model):
    health = ModelHealth(model.store, features=10, sampling=1.0)
    answers = np.array(["yes", "yes", "no"], dtype=object)
    health.seen(model, batch([1.0, 2.0, math.nan], ["Oslo", "Oslo", "Paris"]), {"predict": answers})

    def bin_of(kind, feature, name):
        return counted(
            "millrace_feature_bin_total", model=model.name, version="1", kind=kind, feature=feature, bin=name
        )

    assert bin_of("input", "age", "00") == 2
    assert bin_of("input", "age", "missing") == 1
    assert bin_of("input", "city", "unseen") == 1
    assert bin_of("output", "predict", "01 yes") + bin_of("output", "predict", "00 yes") == 2
    assert counted("millrace_profile_rows_total", model=model.name, version="1") == 3


def test_probabilities_alone_tell_the_class_and_the_confidence(model):
    health = ModelHealth(model.store, features=0, sampling=1.0)
    health.seen(model, batch([1.0], ["Oslo"]), {"predict_proba": np.array([[0.2, 0.8]])})
    sums = counted("millrace_prediction_confidence_sum", model=model.name, version="1")
    assert sums == pytest.approx(0.8)


def test_a_large_request_is_counted_by_an_even_sample_of_its_rows(model):
    health = ModelHealth(model.store, features=1, sampling=1.0)
    health.seen(model, batch(list(range(5000)), ["Oslo"] * 5000), {})
    assert 500 <= counted("millrace_profile_rows_total", model=model.name, version="1") <= 1000


def test_a_version_without_a_profile_is_not_compared(model, tmp_path):
    (tmp_path / "profile.json").unlink()
    ModelHealth(model.store, features=1, sampling=1.0).seen(model, batch([1.0], ["Oslo"]), {})
    assert counted("millrace_profile_rows_total", model=model.name, version="1") == 0


@pytest.fixture
def recent(tmp_path):
    yield RecentPredictions(tmp_path / "store", tmp_path / "run", replica="replica 1", records=50)
    logs.bind(None)


def remember(recent, model, request_id, values):
    logs.bind(request_id)
    recent.seen(model, None, {"predict": np.array(values, dtype=object)})


def judge(recent, model, *pairs):
    return feedback.judge(recent, model.name, [feedback.Truth(i, tuple(v)) for i, v in pairs])


def test_ground_truth_is_joined_by_request_id(recent, model):
    remember(recent, model, "a", ["yes", "no"])
    remember(recent, model, "b", ["no"])
    assert judge(recent, model, ("a", ["yes", "yes"]), ("b", ["no"]), ("c", ["no"])) == {
        "joined": 3, "unknown": 1, "repeated": 0, "invalid": 0,
    }  # fmt: skip
    assert counted("millrace_feedback_labelled_total", model=model.name, version="1") == 3
    assert counted("millrace_feedback_correct_total", model=model.name, version="1") == 2


def test_ground_truth_counts_once(recent, model):
    remember(recent, model, "a", ["yes"])
    assert judge(recent, model, ("a", ["yes"]), ("a", ["yes"]))["repeated"] == 1
    assert judge(recent, model, ("a", ["yes"]))["repeated"] == 1
    assert counted("millrace_feedback_labelled_total", model=model.name, version="1") == 1


def test_another_worker_finds_what_this_one_predicted(recent, model, tmp_path):
    remember(recent, model, "a", ["yes"])
    other = RecentPredictions(tmp_path / "store", tmp_path / "run2", replica="replica 2", records=50)
    assert judge(other, model, ("a", ["no"]))["joined"] == 1
    assert judge(recent, model, ("a", ["no"]))["repeated"] == 1


def test_errors_of_numbers_add_up(recent, model):
    model.schema = Schema("matrix", SCHEMA.columns[:1], (Output("predict", "float64"),), "regressor")
    remember(recent, model, "a", [1.5, 2.0])
    assert judge(recent, model, ("a", [1.0, 4.0]))["joined"] == 2
    assert counted("millrace_feedback_absolute_error_total", model=model.name, version="1") == 2.5
    assert counted("millrace_feedback_squared_error_total", model=model.name, version="1") == 4.25
    remember(recent, model, "b", [1.0])
    assert judge(recent, model, ("b", ["one"]))["invalid"] == 1


def test_an_error_that_would_stay_infinite_in_the_counters_is_not_counted(recent, model):
    model.schema = Schema("matrix", SCHEMA.columns[:1], (Output("predict", "float64"),), "regressor")
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
    (ring,) = (tmp_path / "store" / ".recent").glob("*.ring")
    assert ring.stat().st_size == 50 * 40
    assert b"r119" not in ring.read_bytes()
    assert b"yes" not in ring.read_bytes()


def test_a_model_that_only_a_caller_knows_never_becomes_a_label(recent, model):
    model.name = "invented-by-a-caller"
    judge(recent, model, ("nothing", ["yes"]))
    assert counted("millrace_feedback_total", model="invented-by-a-caller", result="unknown") == 0
    assert counted("millrace_feedback_total", model="", result="unknown") >= 1


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"feedback": 1}, {"feedback": [1]}, {"feedback": [{"request_id": 1, "truth": 1}]},
     {"feedback": [{"request_id": "a"}]}, {"feedback": [{"request_id": "a", "truth": [None]}]}],
)  # fmt: skip
def test_feedback_that_is_none_is_refused(document):
    with pytest.raises(InvalidInput):
        feedback.read(document)


def test_too_much_feedback_at_once_is_refused():
    with pytest.raises(PayloadTooLarge):
        feedback.read({"feedback": [{"request_id": "a", "truth": 1}] * 1001})


def test_the_truth_of_too_many_rows_at_once_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.delattr(feedback, "_truth")
    with pytest.raises(PayloadTooLarge, match="rows"):
        feedback.read({"feedback": [{"request_id": "a", "truth": [1] * feedback.MOST_ROWS}, {"truth": [1]}]})
