"""Live rows against a profile."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from model_store.batch import Batch
from model_store.reference import profile as stored_profile
from model_store.reference.profile import describe
from model_store.schema import Column, Output, Schema
from service.metrics.instruments import REGISTRY
from service.observers.bins import MISSING, OTHER, UNSEEN, Categorical, Numeric, Text, plan, references
from service.observers.drift import Drift
from service.observers.observer import Prediction

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
    (binned,) = plan({"format": 2, "rows": 100, "features": {"x": entry}}, {"x": range(30)}, ("x",))
    assert isinstance(binned, Categorical)
    assert binned.count(np.array([0, 15, 29, 99])) == {"00 0": 1, OTHER: 2, UNSEEN: 1}
    assert len(binned.bins) == 12


def test_nothing_is_unseen_where_the_schema_knows_no_categories():
    entry = {"kind": "categorical", "missing": 0.0, "values": [[False, 1.0]], "other": 0.0}
    (binned,) = plan({"format": 2, "rows": 100, "features": {"x": entry}}, {}, ("x",))
    assert UNSEEN not in binned.bins
    assert binned.count(np.array([False, True])) == {"00 False": 1, OTHER: 1}


def objects(values):
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def mails(count):
    return objects([f"please call anna.berg{i}@example.org" for i in range(count)])


def described(column, values):
    schema = Schema("table", (column,), (Output("predict", "float64"),))
    profile = describe(schema, Batch(len(values), columns={column.name: values}), {})
    return plan(profile, {column.name: column.categories}, (column.name,))


def test_a_text_is_counted_by_its_characters_and_length_and_is_never_unseen():
    (binned,) = described(Column("t", "string", nullable=True), mails(40))
    assert isinstance(binned, Text)
    assert binned.bins == ("words 27-44", OTHER)
    assert dict(references(binned)) == {"words 27-44": 1, OTHER: 0, MISSING: 0}
    live = objects(["please " + "x" * 20, "please " + "x" * 19, "please " + "x" * 38, "please" + "x" * 29, None])
    assert binned.count(live) == {"words 27-44": 1, OTHER: 3, MISSING: 1}


@pytest.mark.parametrize("value", ["please call bo.dahl9@example.orgs", "", "x" * 99, "Zoë", None, math.nan])
def test_one_text_falls_into_the_same_bin_as_many_do(value):
    (binned,) = described(Column("t", "string", nullable=True), mails(40))
    one, many = binned.count(objects([value])), binned.count(objects([value, value]))
    assert {name: 2 * count for name, count in one.items()} == many


def test_of_many_texts_only_some_are_measured_spread_evenly_over_them():
    (binned,) = described(Column("t", "string"), mails(40))
    found = binned.count(objects(["x"] * 600 + [mails(1)[0]] * 300))
    assert found == {OTHER: 150, "words 27-44": 75}


def test_ids_are_counted_by_their_digits():
    (binned,) = described(Column("id", "int64"), np.arange(100) + 10**9)
    assert binned.bins == ("digits 8-13", OTHER)
    assert binned.count(np.array([10**9 + 7, 12, 10**13])) == {"digits 8-13": 1, OTHER: 2}


def test_the_sample_itself_falls_into_the_bins_of_texts_as_the_profile_says():
    random = np.random.default_rng(0)
    alphabet = list("aB7 .é")
    texts = objects(["".join(random.choice(alphabet, random.integers(0, 12))) for _ in range(200)])
    (binned,) = described(Column("t", "string"), texts)
    counts = binned.count(texts)
    assert [counts.get(name, 0) / 200 for name in binned.bins] == pytest.approx(list(binned.shares))


def first_format(values, other=0.0, missing=0.0, rows=100):
    entry = {"kind": "categorical", "missing": missing, "values": values, "other": other}
    return {"format": 1, "rows": rows, "features": {"x": entry}, "outputs": {"predict": entry}}


OF_TEXTS = {
    "no categories in the schema": ([["Oslo", 0.5], ["Rome", 0.5]], 0.0, ()),
    "addresses of mail": ([["a@example.org", 0.5], ["b@example.org", 0.5]], 0.0, ("a@example.org", "b@example.org")),
    "an address among the rarer ones": ([["Oslo", 1.0]], 0.0, ("Oslo", "a@example.org")),
    "values that mostly differ": ([[f"name {chr(97 + i)}", 0.01] for i in range(26)], 0.74, ("name a",)),
}


@pytest.mark.parametrize(("values", "other", "known"), OF_TEXTS.values(), ids=OF_TEXTS)
def test_values_of_texts_in_a_profile_of_the_first_release_are_no_labels(values, other, known):
    binned, answer = plan(first_format(values, other, missing=0.25), {"x": known}, ("x",))
    assert dict(references(binned)) == {OTHER: 1, MISSING: 0.25}
    assert binned.count(objects([values[0][0], "new", None])) == {OTHER: 2, MISSING: 1}
    assert values[0][0] in answer.bins[0]  # classes are the model's own


def test_categories_in_a_profile_of_the_first_release_are_counted_as_before():
    values = [["Oslo", 0.7], ["Rome", 0.26], ["Bergen", 0.04]]
    binned, _ = plan(first_format(values), {"x": ("Bergen", "Oslo", "Rome")}, ("x",))
    assert dict(references(binned)) == pytest.approx(
        {"00 Oslo": 0.7, "01 Rome": 0.26, OTHER: 0.04, UNSEEN: 0, MISSING: 0}
    )
    assert binned.count(objects(["Oslo", "Bergen", "Paris"])) == {"00 Oslo": 1, OTHER: 1, UNSEEN: 1}


def test_bools_in_a_profile_of_the_first_release_are_counted_as_before():
    binned, _ = plan(first_format([[False, 0.99], [True, 0.01]]), {}, ("x",))
    assert dict(references(binned)) == {"00 False": 0.99, "01 True": 0.01, OTHER: 0, MISSING: 0}


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


def look(drift, model, rows, outputs):
    drift.predicted(Prediction(model, "stable", "tfserving", rows.rows, 0.001, 0.001, 0.001), rows, outputs)


def test_rows_are_counted_by_bin(model):
    drift = Drift(model.store, features=10, sampling=1.0)
    answers = np.array(["yes", "yes", "no"], dtype=object)
    look(drift, model, batch([1.0, 2.0, math.nan], ["Oslo", "Oslo", "Paris"]), {"predict": answers})

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
    drift = Drift(model.store, features=0, sampling=1.0)
    look(drift, model, batch([1.0], ["Oslo"]), {"predict_proba": np.array([[0.2, 0.8]])})
    sums = counted("millrace_prediction_confidence_sum", model=model.name, version="1")
    assert sums == pytest.approx(0.8)


def test_a_large_request_is_counted_by_an_even_sample_of_its_rows(model):
    drift = Drift(model.store, features=1, sampling=1.0)
    look(drift, model, batch(list(range(5000)), ["Oslo"] * 5000), {})
    assert 500 <= counted("millrace_profile_rows_total", model=model.name, version="1") <= 1000


def test_a_version_without_a_profile_is_not_compared(model, tmp_path):
    (tmp_path / "profile.json").unlink()
    look(Drift(model.store, features=1, sampling=1.0), model, batch([1.0], ["Oslo"]), {})
    assert counted("millrace_profile_rows_total", model=model.name, version="1") == 0


def test_a_share_of_busy_traffic_is_counted_and_all_of_seldom_traffic(model):
    moments = iter([0.0, 0.01, 0.02, 0.5])
    drawn = iter([0.3, 0.2])
    drift = Drift(model.store, features=1, sampling=0.25, clock=lambda: next(moments), draw=lambda: next(drawn))
    counts = []
    for _ in range(4):
        look(drift, model, batch([1.0], ["Oslo"]), {})
        counts.append(counted("millrace_profile_rows_total", model=model.name, version="1"))
    assert counts == [1, 1, 2, 3]
