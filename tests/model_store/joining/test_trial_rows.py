"""The rows of a trial: of a sample when a version is published, of what is kept of one when it is loaded."""

import numpy as np

from model_store.batch import Batch
from model_store.joining.rows import known_rows, trial_rows
from model_store.reference import profile
from model_store.schema import Column, Output, Schema

RNG = np.random.default_rng(0)
COUNT = 200
SCHEMA = Schema(
    "table",
    (
        Column("x", "float64", nullable=True),
        Column("n", "int64", nullable=True),
        Column("c", "string", categories=("a", "b", "c"), nullable=True),
        Column("t", "string"),
        Column("f", "bool"),
        Column("d", "datetime64[s]"),
        Column("k", "int32", categories=(1, 5)),
    ),
    (Output("predict", "float64"),),
)


def objects(values):
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def columns(count):
    return {
        "x": RNG.normal(size=count),
        "n": RNG.integers(0, 1000, count),
        "c": objects(["a", "b", "c"] + ["a"] * (count - 3)),
        "t": objects([f"text {i}" for i in range(count)]),
        "f": RNG.random(count) > 0.5,
        "d": np.datetime64("2026-01-01", "s") + RNG.integers(0, 1000, count),
        "k": RNG.choice(np.array([1, 5], np.int32), count),
    }


SAMPLE = Batch(COUNT, columns=columns(COUNT))
GOLDEN = Batch(8, columns={name: values[:8] for name, values in SAMPLE.columns.items()})


def test_rows_are_drawn_with_gaps_where_the_schema_takes_them_and_own_rows_follow():
    rows = trial_rows(SCHEMA, SAMPLE, 512)
    assert rows.rows == 640 + 512
    drawn = {name: values[:640] for name, values in rows.columns.items()}
    assert np.isnan(drawn["x"]).sum() > 30
    assert sum(value is None for value in drawn["n"]) > 30
    assert sum(value is None for value in drawn["c"]) > 30
    assert not any(value is None for value in drawn["t"])
    assert set(drawn["k"].tolist()) == {1, 5}
    assert len(set(drawn["x"].tolist()) - set(SAMPLE.columns["x"].tolist())) > 100
    own = set(zip(SAMPLE.columns["x"], SAMPLE.columns["t"], strict=True))
    assert set(zip(rows.columns["x"][640:], rows.columns["t"][640:], strict=True)) <= own


def test_the_same_rows_are_drawn_each_time():
    first, second = (trial_rows(SCHEMA, SAMPLE, 64) for _ in range(2))
    assert all(first.columns[name].tolist() == second.columns[name].tolist() for name in ("n", "c", "t", "k"))


def test_a_profile_adds_numbers_and_categories_that_no_golden_row_has():
    described = profile.describe(SCHEMA, SAMPLE, {})
    known = known_rows(SCHEMA, GOLDEN, described)
    assert known.rows == 8 + 256
    assert [values.dtype for values in known.columns.values()] == [v.dtype for v in SAMPLE.columns.values()]
    edges = described["features"]["x"]["edges"]
    assert edges[0] <= known.columns["x"][8:].min() < known.columns["x"][8:].max() <= edges[-1]
    assert len(set(known.columns["n"].tolist())) > 100
    assert set(known.columns["c"].tolist()) == {"a", "b", "c"}
    assert set(known.columns["t"].tolist()) == set(GOLDEN.columns["t"].tolist())
    assert trial_rows(SCHEMA, known, 512).rows == 640 + 512


def test_without_a_profile_rows_are_drawn_from_golden_ones():
    known = known_rows(SCHEMA, GOLDEN, {})
    assert set(known.columns["x"].tolist()) == set(GOLDEN.columns["x"].tolist())


def test_one_golden_row_with_a_gap_is_enough():
    whole = Schema("matrix", (Column("a", "int64", nullable=True), Column("b", "int64")), (Output("predict", "int64"),))
    golden = Batch(1, columns={"a": objects([None]), "b": np.array([3])})
    assert trial_rows(whole, known_rows(whole, golden, {}), 512).rows == 640 + 512
