"""Ranges that an owner declared, value by value and array by array."""

import numpy as np
import pytest

from model_store.request_errors import InvalidInput
from model_store.schema import DTYPES, FLOATS, INTEGERS, Column, Output, Schema
from model_store.validation.columns import from_columns, from_matrix
from model_store.validation.rows import from_rows
from model_store.validation.words import expected

OUT = (Output("predict", "float64"),)


def ranged(dtype, low=0, high=5, **more):
    return Schema("table", (Column("a", dtype, minimum=low, maximum=high, bounded=True, **more),), OUT)


def takes(make, *arguments):
    try:
        make(*arguments)
    except InvalidInput:
        return False
    return True


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS])
@pytest.mark.parametrize("count", [1, 8, 9, 100])
@pytest.mark.parametrize("value", [0, 5, 6, 100])
def test_every_way_in_agrees_on_what_is_inside(dtype, count, value):
    schema, values = ranged(dtype), [1] * (count - 1) + [value]
    array = np.array(values, dtype=dtype)
    ways = [
        takes(from_rows, schema, [[number] for number in values]),
        takes(from_rows, schema, [[float(number)] for number in values]),
        takes(from_columns, schema, {"a": values}),
        takes(from_columns, schema, {"a": array}),
        takes(from_matrix, schema, array.reshape(-1, 1)),
        takes(from_matrix, schema, array.reshape(-1, 1).astype("float64")),
    ]
    assert ways == [value <= 5] * 6


@pytest.mark.parametrize("count", [1, 100])
def test_the_end_of_a_range_is_compared_in_the_columns_own_type(count):
    schema = ranged("float32", 0, 0.1)
    for make, values in ((from_rows, [[0.1]] * count), (from_matrix, np.full((count, 1), 0.1, dtype="float32"))):
        assert takes(make, schema, values)
    assert not takes(from_rows, schema, [[0.2]] * count)


@pytest.mark.parametrize("count", [1, 100])
def test_a_gap_is_in_every_range_if_the_column_may_have_gaps(count):
    for values in ([[None]] * count, [[float("nan")]] * count):
        assert takes(from_rows, ranged("float64", nullable=True), values)
        assert not takes(from_rows, ranged("float64"), values)


def test_a_range_that_was_only_seen_refuses_nothing():
    schema = Schema("table", (Column("a", "float64", minimum=0, maximum=5),), OUT)
    assert takes(from_rows, schema, [[6.0]])


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (Column("a", "float64", minimum=0, maximum=120, bounded=True), "a finite number from 0 to 120"),
        (Column("a", "float64", minimum=0.5, bounded=True, nullable=True), "a finite number from 0.5 or null"),
        (Column("a", "float32", maximum=1e20, bounded=True), "a finite number up to 1e+20"),
        (Column("a", "int8", minimum=0, bounded=True), "a whole number from 0 to 127"),
        (Column("a", "float64", minimum=0, maximum=120), "a finite number"),
    ],
)
def test_an_error_names_the_range(column, words):
    assert expected(column) == words


def test_every_dtype_has_words():
    assert all(expected(Column("a", dtype)) for dtype in DTYPES)


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize("gap", [None, float("nan")])
def test_a_refused_gap_says_once_who_can_allow_it(count, gap):
    many = [[gap]] * count
    arrays = np.full((count, 1), np.nan)
    for make, values in ((from_rows, many), (from_columns, {"a": [gap] * count}), (from_matrix, arrays)):
        with pytest.raises(InvalidInput) as caught:
            make(Schema("table", (Column("a", "float64"),), OUT), values)
        assert str(caught.value).count("null is taken only if the model's publisher declares the column nullable") == 1
        assert caught.value.faults[0].expected == "a finite number"


def test_what_is_wrong_in_a_nullable_column_has_no_hint():
    with pytest.raises(InvalidInput) as caught:
        from_rows(Schema("table", (Column("a", "float64", nullable=True),), OUT), [["x"]])
    assert str(caught.value) == 'row 0, column a: expected a finite number or null, got "x"'


@pytest.mark.parametrize("dtype", ["datetime64[s]", "timedelta64[us]"])
def test_a_missing_time_is_refused_as_null_is(dtype):
    schema = Schema("table", (Column("t", dtype),), (Output("predict", "float64"),))
    with pytest.raises(InvalidInput, match="got null; null is taken only if"):
        from_columns(schema, {"t": np.array(["NaT", 5], dtype)})
