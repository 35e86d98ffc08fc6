"""What a profile keeps of a sample: shares of numbers and categories, and of texts and ids nothing but their form."""

import json

import numpy as np
import pytest

from model_store.batch import Batch
from model_store.reference.profile import describe
from model_store.schema import Column, Output, Schema

CITIES = ("Bergen", "Oslo", "Rome")


def objects(values):
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def feature(column, values):
    schema = Schema("table", (column,), (Output("predict", "float64"),))
    return describe(schema, Batch(len(values), columns={column.name: values}), {})["features"][column.name]


def output(described, values):
    schema = Schema("table", (Column("x", "float64"),), (described,))
    batch = Batch(len(values), columns={"x": np.zeros(len(values))})
    return describe(schema, batch, {described.name: values})["outputs"][described.name]


def test_a_text_is_described_by_its_length_and_characters():
    values = objects(["Anna", "Bo", None, "anna@example.org", "12345", "see you there", "Zoë", ""])
    found = feature(Column("t", "string", nullable=True), values)
    assert (found["kind"], found["missing"], found["edges"]) == ("text", 0.125, [0, 3, 4, 13, 21])
    sevenths = {kind: [round(share * 7) for share in shares] for kind, shares in found["shares"].items()}
    assert sevenths == {
        "empty": [0, 1, 0, 0, 0, 0],
        "letters": [0, 1, 0, 1, 0, 0],
        "beyond ASCII": [0, 0, 1, 0, 0, 0],
        "digits": [0, 0, 0, 1, 0, 0],
        "words": [0, 0, 0, 0, 1, 0],
        "marks": [0, 0, 0, 0, 1, 0],
    }


@pytest.mark.parametrize(
    ("lengths", "edges"),
    [([36] * 40, [28, 46]), ([48] * 10 + [52] * 30, [38, 66]), ([10] * 10 + [20] * 10 + [40] * 20, [8, 20, 40, 51])],
    ids=["of one length", "nearly of one length", "of several lengths"],
)
def test_lengths_that_hardly_differ_are_alike(lengths, edges):
    assert feature(Column("t", "string"), objects(["x" * length for length in lengths]))["edges"] == edges


def test_few_names_that_the_schema_knows_keep_their_shares():
    found = feature(
        Column("city", "string", categories=CITIES), objects(["Oslo"] * 70 + ["Rome"] * 26 + ["Bergen"] * 4)
    )
    assert (found["values"], found["other"]) == ([["Oslo", 0.7], ["Rome", 0.26]], 0.04)  # Bergen is of four rows only


NO_NAMES = {
    "addresses of mail": [f"p{i}@example.org" for i in "abcd"],
    "telephone numbers": [f"+47 22 33 44 5{i}" for i in range(4)],
    "dates of birth": [f"1980-01-0{i}" for i in range(1, 5)],
    "sentences": [f"{letter}: " + "it is as I said, and nobody has called me back so far" * 2 for letter in "abcd"],
}


@pytest.mark.parametrize("values", NO_NAMES.values(), ids=NO_NAMES)
@pytest.mark.parametrize("held", ["object", "category"])
def test_few_values_that_do_not_look_like_names_are_texts(values, held):
    column = Column("x", "string", categories=tuple(values), held=held)
    found = feature(column, objects(values * 25))
    assert found["kind"] == "text"
    assert not any(value in json.dumps(found) for value in values)


def test_names_most_of_which_differ_are_texts():
    names = ["".join(chr(97 + int(digit)) for digit in f"{i:03d}") for i in range(60)]
    column = Column("customer", "string", categories=tuple(names), held="category")
    assert feature(column, objects(names))["kind"] == "text"
    assert feature(column, objects(names * 5))["kind"] == "categorical"


def test_strings_of_which_the_schema_knows_no_categories_are_texts():
    assert feature(Column("x", "string"), objects(["a", "b"] * 50))["kind"] == "text"


IDS = {
    "account numbers": (np.random.default_rng(0).permutation(10**6)[:100] + 5 * 10**9, ["digits"]),
    "numbers of rows": (np.random.default_rng(0).permutation(100) + 1000, ["digits"]),
    "account numbers held as floats": (np.random.default_rng(0).permutation(100) * 7.0 + 10**9, ["marks"]),
}


@pytest.mark.parametrize(("values", "kinds"), IDS.values(), ids=IDS)
def test_whole_numbers_that_are_ids_are_described_by_their_digits(values, kinds):
    found = feature(Column("id", values.dtype.name), values)
    assert (found["kind"], list(found["shares"])) == ("text", kinds)


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).integers(20, 70, 100),
        np.random.default_rng(0).permutation(10**6)[:100],
        np.arange(100) % 3,
        np.arange(100.0) / 3,
        np.arange(19) + 10**9,
    ],
    ids=["ages", "amounts", "codes", "measurements", "too few to tell"],
)
def test_other_numbers_are_described_as_numbers(values):
    found = feature(Column("x", values.dtype.name), values)
    assert (found["kind"], sum(found["shares"])) == ("numeric", pytest.approx(1))
    assert not {"min", "max"} & found.keys()


def test_no_edge_is_the_number_of_one_person_and_bins_stay_deciles():
    incomes = np.random.default_rng(0).permutation(900_000)[:1001] + 100_003.25
    found = feature(Column("income", "float64"), incomes)
    assert not set(found["edges"]) & set(incomes.tolist())
    assert all(edge % 1000 == 0 for edge in found["edges"])
    assert found["shares"] == pytest.approx([0.1] * 10, abs=0.01)


def test_edges_of_numbers_that_repeat_stay_what_they_are():
    assert feature(Column("n", "int64"), np.repeat([1, 2, 7], [54, 27, 19]))["edges"] == [1, 2, 7]
    assert feature(Column("n", "float64"), np.full(50, 3.14159))["edges"] == [3.14159]


def test_edges_of_the_largest_numbers_stay_apart():
    found = feature(Column("n", "float64"), np.linspace(1e307, 8e307, 100))
    assert len(set(found["edges"])) == 9


def test_times_are_described_as_seconds_whatever_their_unit():
    days = np.arange("2026-01-01", "2026-04-11", dtype="datetime64[D]")
    in_unit = {u: feature(Column("t", f"datetime64[{u}]"), days.astype(f"datetime64[{u}]")) for u in ("s", "us", "ns")}
    assert in_unit["s"] == in_unit["us"] == in_unit["ns"]
    assert in_unit["s"]["mean"] == pytest.approx(days.astype("datetime64[s]").astype(float).mean())
    spans = feature(Column("d", "timedelta64[s]"), np.array([60, 120, "NaT"], dtype="timedelta64[s]"))
    assert (spans["mean"], spans["missing"]) == (90, pytest.approx(1 / 3))


def test_whole_numbers_with_gaps_are_numbers():
    found = feature(Column("n", "int64", nullable=True), objects([1, None, 2, 2]))
    assert (found["kind"], found["missing"], found["mean"]) == ("numeric", 0.25, pytest.approx(5 / 3))


def test_classes_keep_their_names_and_other_answers_in_words_do_not():
    classes = objects(["Anna Berg", "Bo Dahl"])
    assert output(Output("predict", "string", labels=("Anna Berg", "Bo Dahl")), classes)["values"] == [
        ["Anna Berg", 0.5],
        ["Bo Dahl", 0.5],
    ]
    assert output(Output("transform", "string"), classes)["kind"] == "text"
    rows = output(Output("transform", "string", (1,)), classes.reshape(2, 1))
    assert [entry["kind"] for entry in rows["components"]] == ["text"]


def test_a_column_without_any_value_has_no_shares():
    assert feature(Column("t", "string", nullable=True), objects([None, None])) == {
        "kind": "text",
        "missing": 1,
        "edges": [],
        "shares": {},
    }
    assert feature(Column("x", "float64", nullable=True), np.array([np.nan]))["shares"] == []
