"""Batches of several requests, joined: what one request with all of the rows would have been decoded to."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_store.batch import Batch, split
from model_store.schema import DTYPES, FLOATS, INTEGERS, TIMEDELTAS, Column, Output, Schema
from model_store.validation.columns import from_columns, from_matrix
from model_store.validation.rows import from_records, from_rows

untimed = settings(deadline=None)  # the first date imports pandas
OUT = (Output("predict", "float64"),)
CATEGORIES = {"string": ("a", "b"), "float64": (1.0, 2.0), "int64": (1, 2**53 + 1), "bool": (True,)}
TIMES = ("2026-01-01", "1969-12-31T23:59:59Z", "2024-03-31T01:00:00+02:00")


@st.composite
def columns(draw, name):
    dtype = draw(st.sampled_from(DTYPES))
    closed = dtype in CATEGORIES and draw(st.booleans())
    known = CATEGORIES.get(dtype, ()) if closed else ()
    return Column(name, dtype, draw(st.booleans()), categories=known, closed=closed, optional=draw(st.booleans()))


@st.composite
def schemas(draw):
    width = draw(st.integers(1, 4))
    made = [draw(columns(f"c{place}")) for place in range(width)]
    if draw(st.booleans()):
        made = [replace(made[0], name=f"c{place}", nullable=draw(st.booleans())) for place in range(width)]
    nullable = [replace(column, optional=column.optional and column.nullable) for column in made]
    return Schema(draw(st.sampled_from(["matrix", "table"])), tuple(nullable), OUT)


def values_of(column):
    if column.closed:
        there = st.sampled_from(column.categories)
    elif column.dtype in FLOATS:
        there = st.integers(-5, 5) | st.floats(width=32, allow_nan=False, allow_infinity=False)
    elif column.dtype in INTEGERS:
        limits = np.iinfo(column.dtype)
        there = st.integers(int(limits.min), int(limits.max)) | st.integers(0, 100).map(float)
    elif column.dtype in TIMEDELTAS:
        there = st.sampled_from(["P1DT2H", "-PT1S"])
    else:
        there = {"bool": st.booleans(), "string": st.text(max_size=4)}.get(column.dtype, st.sampled_from(TIMES))
    return st.none() | there if column.nullable else there


@st.composite
def requests(draw):
    """A schema, and the rows of one to six requests."""
    schema = draw(schemas())
    row = st.tuples(*map(values_of, schema.columns)).map(list)
    return schema, draw(st.lists(st.lists(row, max_size=12), min_size=1, max_size=6))


def by_name(schema, rows):
    return from_records(schema, [dict(zip(schema.names, row, strict=True)) for row in rows])


def in_columns(schema, rows):
    found = zip(*rows, strict=True) if rows else ((),) * len(schema.columns)
    return from_columns(schema, dict(zip(schema.names, map(list, found), strict=True)))


def without_optional(schema, rows):
    """Leave out optional columns that are missing in all rows."""
    records = [
        {c.name: v for c, v in zip(schema.columns, row, strict=True) if v is not None or not c.optional} for row in rows
    ]
    return from_records(schema, records)


WAYS = (from_rows, by_name, in_columns, without_optional)


def same(one, other):
    """Whether two batches are the same to the last bit, with the same types and layout in memory."""
    if (one.matrix is None) != (other.matrix is None):
        return False
    if one.matrix is not None:
        return same_values(one.matrix, other.matrix) and one.matrix.flags.c_contiguous
    return list(one.columns) == list(other.columns) and all(
        same_values(values, other.columns[name]) for name, values in one.columns.items()
    )


def same_values(one, other):
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype == object:
        return list(map(type, one)) == list(map(type, other)) and one.tolist() == other.tolist()
    return one.tobytes() == other.tobytes()


@untimed
@given(requests(), st.data())
def test_joined_batches_are_what_one_request_with_all_rows_is_decoded_to(case, data):
    schema, parts = case
    ways = [data.draw(st.sampled_from(WAYS)) for _ in parts]
    whole = data.draw(st.sampled_from(WAYS))(schema, [row for rows in parts for row in rows])
    joined = Batch.joined([way(schema, rows) for way, rows in zip(ways, parts, strict=True)])
    assert joined is not None
    assert joined.rows == sum(map(len, parts))
    if joined.rows:
        assert same(joined, whole)


@untimed
@given(requests())
def test_the_batches_that_were_joined_stay_as_they_were(case):
    schema, parts = case
    batches = [from_rows(schema, rows) for rows in parts]
    Batch.joined(batches)
    assert all(same(batch, from_rows(schema, rows)) for batch, rows in zip(batches, parts, strict=True))


@untimed
@given(st.sampled_from([*FLOATS, *INTEGERS]), st.lists(st.integers(0, 3), min_size=1, max_size=5), st.booleans())
def test_arrays_of_any_order_in_memory_are_joined_row_by_row(dtype, counts, in_columns_first):
    schema = Schema("matrix", tuple(Column(f"c{place}", dtype) for place in range(3)), OUT)
    rows = np.arange(3 * sum(counts), dtype=dtype).reshape(-1, 3)
    cuts = np.split(rows, np.cumsum(counts)[:-1])
    matrices = [np.asfortranarray(cut) if in_columns_first else cut for cut in cuts]
    joined = Batch.joined([from_matrix(schema, matrix) for matrix in matrices])
    assert same(joined, Batch(len(rows), matrix=rows))


WHOLE = Schema("table", (Column("a", "int64", nullable=True), Column("b", "int64", nullable=True)), OUT)


def test_a_gap_in_one_request_makes_objects_of_that_column_and_floats_of_none():
    joined = Batch.joined([from_rows(WHOLE, rows) for rows in ([[2**53 + 1, 1]], [[None, 2]], [[3, 4]])])
    assert joined.columns["a"].tolist() == [2**53 + 1, None, 3]
    assert [type(value) for value in joined.columns["a"]] == [int, type(None), int]
    assert joined.columns["b"].dtype == np.int64


@pytest.mark.parametrize(
    "types",
    [("int64", "float64"), ("float64", "float32"), ("int32", "int64"), ("bool", "object"), (">M8[s]", ">M8[s]")],
)
def test_columns_of_types_that_one_request_does_not_bring_together_are_not_joined(types):
    columns = [{"a": np.array([1]).astype(kind), "b": np.array([1])} for kind in types]
    assert Batch.joined([Batch(1, columns=found) for found in columns]) is None


def test_matrices_of_two_types_are_not_joined():
    assert Batch.joined([Batch(1, matrix=np.zeros((1, 2), dtype)) for dtype in ("float32", "float64")]) is None


ANSWERS = (
    np.arange(12.0),
    np.arange(24.0).reshape(12, 2),
    np.arange(48).reshape(12, 2, 2),
    np.array([None, *"abcdefghijk"], dtype=object),
    np.array([[None, "a"]] * 12, dtype=object),
    np.arange(12).astype("datetime64[s]"),
)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_answers_are_split_by_the_rows_of_each_request(counts):
    total = sum(counts)
    answers = {str(place): np.resize(answer, (total, *answer.shape[1:])) for place, answer in enumerate(ANSWERS)}
    parts = split(answers, counts)
    assert [len(part["0"]) for part in parts] == counts
    assert all(part.keys() == answers.keys() for part in parts)
    for name, answer in answers.items():
        assert same_values(np.concatenate([part[name] for part in parts]).ravel(), answer.ravel())


def test_answers_that_do_not_have_an_entry_for_each_row_are_not_split():
    with pytest.raises(ValueError, match="b has 2 entries: expected 3, one for each row"):
        split({"a": np.zeros(3), "b": np.zeros(2)}, [1, 2])
