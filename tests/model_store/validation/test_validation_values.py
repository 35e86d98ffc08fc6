"""Values against a schema: each kind of value by example."""

import datetime as dt
import decimal
import math
import warnings

import numpy as np
import pandas as pd
import pytest

from model_store.request_errors import MOST_FAULTS, InvalidInput
from model_store.schema import Column, Output, Schema
from model_store.validation.columns import from_columns, from_matrix
from model_store.validation.rows import from_records, from_rows
from model_store.validation.words import expected, show

OUT = (Output("predict", "float64"),)
MANY = 100  # rows: enough for the one-step paths


def schema(*columns, layout="matrix"):
    return Schema(layout, columns, OUT)


def floats(count=2, dtype="float64", **more):
    return schema(*(Column(f"c{i}", dtype, **more) for i in range(count)))


def faults(call, *args, **more):
    with pytest.raises(InvalidInput) as caught:
        call(*args, **more)
    assert 0 < len(caught.value.faults) <= MOST_FAULTS
    return [(fault.location, fault.expected, fault.got) for fault in caught.value.faults]


@pytest.mark.parametrize("count", [1, 2, MANY])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_become_a_matrix_of_the_schema_s_type(count, dtype):
    batch = from_rows(floats(dtype=dtype), [[1, 2.5]] * count)
    assert batch.rows == count
    assert batch.matrix.dtype == dtype
    assert batch.matrix.flags.c_contiguous
    assert batch.matrix.flags.writeable
    assert batch.matrix.tolist() == [[1.0, 2.5]] * count


@pytest.mark.parametrize("count", [1, MANY])
@pytest.mark.parametrize(
    "value", ["1", True, False, [1], {"b64": "AA=="}, math.inf, -math.inf, 10**400, None, math.nan]
)
def test_what_is_no_finite_number_is_refused_in_a_float_column(count, value):
    rows = [[1.0, 0.0] for _ in range(count)]
    rows[-1][1] = value
    assert faults(from_rows, floats(), rows) == [(f"row {count - 1}, column c1", "a finite number", show(value))]


@pytest.mark.parametrize("value", [3.5e38, -3.5e38, 10**39])
def test_a_number_beyond_float32_is_refused_there(value):
    assert faults(from_rows, floats(1, "float32"), [[value]])
    assert from_rows(floats(1), [[value]]).rows == 1


@pytest.mark.parametrize("count", [1, MANY])
@pytest.mark.parametrize("gap", [None, math.nan])
def test_a_gap_becomes_nan_where_its_column_allows_it(count, gap):
    mixed = schema(Column("a", "float64", nullable=True), Column("b", "float64"))
    batch = from_rows(mixed, [[gap, 1]] * count)
    assert np.isnan(batch.matrix[:, 0]).all()
    assert faults(from_rows, mixed, [[1, gap]] * count)[0] == ("row 0, column b", "a finite number", show(gap))
    assert faults(from_rows, mixed, [[math.inf, 1]])[0][1] == "a finite number or null"


@pytest.mark.parametrize("count", [1, MANY])
@pytest.mark.parametrize("value", [7, 7.0])
def test_whole_numbers_fit_integer_columns(count, value):
    batch = from_rows(floats(dtype="int16"), [[value, -3]] * count)
    assert batch.matrix.dtype == np.int16
    assert batch.matrix.tolist() == [[7, -3]] * count


@pytest.mark.parametrize("count", [1, MANY])
@pytest.mark.parametrize("value", [7.5, 40000, -40000, 2**80, 1e300, True, "7", None, math.nan])
def test_what_is_no_whole_number_in_range_is_refused_in_an_integer_column(count, value):
    rows = [[1, 2] for _ in range(count)]
    rows[-1][0] = value
    found = faults(from_rows, floats(dtype="int16"), rows)
    assert found == [(f"row {count - 1}, column c0", "a whole number from -32768 to 32767", show(value))]


@pytest.mark.parametrize("value", [2**63, 2**64 - 1])
def test_the_largest_unsigned_integers_stay_exact(value):
    assert from_rows(floats(1, "uint64"), [[value]] * MANY).matrix[0, 0] == value


def test_large_whole_floats_stay_exact_in_integer_columns():
    assert from_columns(floats(1, "int64"), {"c0": [2.0**60] * MANY}).matrix[0, 0] == 2**60


@pytest.mark.parametrize("count", [1, MANY])
@pytest.mark.parametrize("wide", [False, True])
def test_whole_numbers_stay_whole_next_to_gaps(count, wide):
    other = Column("b", "int64") if wide else Column("b", "string")
    batch = from_columns(
        schema(Column("a", "int64", nullable=True), other),
        {"a": [2**53 + 1, None] * count, "b": [2, 3] * count if wide else ["x", "y"] * count},
    )
    assert batch.columns["a"].tolist() == [2**53 + 1, None] * count
    assert set(map(type, batch.columns["a"].tolist())) == {int, type(None)}


TIMES = [
    (Column("t", "datetime64[us]"), "2026-01-31T12:00:00.000001", "2026-01-31T12:00:00.000001"),
    (Column("t", "datetime64[us]"), "1500-01-31", "1500-01-31T00:00:00.000000"),
    (Column("t", "datetime64[us]"), "2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00.000000"),
    (Column("t", "datetime64[us]"), "2026-01-31T12:00:00.0000001", None),
    (Column("t", "datetime64[ns]"), "2026-01-31T12:00:00.0000001", "2026-01-31T12:00:00.000000100"),
    (Column("t", "datetime64[ns]"), "1500-01-31", None),
    (Column("t", "datetime64[s]"), "2026-01-31T12:00:00.5", None),
    (Column("t", "datetime64[s]", zone="Europe/Oslo"), "2026-01-31T12:00:00", None),
    (Column("t", "datetime64[s]", zone="Europe/Oslo"), "2026-01-31T12:00:00+01:00", "2026-01-31T11:00:00"),
    (Column("t", "timedelta64[us]"), "P1DT2H", "93600000000 microseconds"),
    (Column("t", "timedelta64[s]"), "P-1DT23H59M59S", "-1 seconds"),
    (Column("t", "timedelta64[us]"), "-1 days +02:00:00", "-79200000000 microseconds"),
    (Column("t", "timedelta64[s]"), "P-1DT23H59M55S", "-5 seconds"),
    (Column("t", "timedelta64[s]"), "PT0.5S", None),
    (Column("t", "timedelta64[s]"), "5", None),
    (Column("t", "timedelta64[s]"), 5, None),
]


@pytest.mark.parametrize(("column", "written", "read"), TIMES)
def test_times_keep_their_unit_and_lose_nothing(column, written, read):
    times = schema(column, layout="table")
    if read is None:
        assert faults(from_rows, times, [[written]]) == [("row 0, column t", expected(column), show(written))]
        return
    values = from_rows(times, [[written]]).columns["t"]
    assert values.dtype == column.dtype
    assert str(values[0]) == read


@pytest.mark.parametrize("count", [1, MANY])
def test_strings_bools_and_their_gaps_are_kept_as_objects(count):
    table = schema(
        Column("s", "string", nullable=True), Column("b", "bool"), Column("n", "bool", nullable=True), layout="table"
    )
    batch = from_rows(table, [[None, True, None], ["x", False, True]] * count)
    assert batch.columns["s"].tolist()[:2] == [None, "x"]
    assert batch.columns["b"].dtype == bool
    assert batch.columns["n"].dtype == object
    assert batch.columns["n"].tolist()[:2] == [None, True]


@pytest.mark.parametrize("count", [1, MANY])
@pytest.mark.parametrize(("column", "value"), [("s", 1), ("s", True), ("b", 1), ("b", 0.0), ("b", "true"), ("s", None)])
def test_nothing_is_read_as_a_string_or_a_bool_that_is_none(count, column, value):
    table = schema(Column("s", "string"), Column("b", "bool"), layout="table")
    found = faults(from_records, table, [{"s": "x", "b": True, column: value}] * count)
    assert found[0][0] == f"row 0, column {column}"
    assert len(found) == min(count, MOST_FAULTS)


@pytest.mark.parametrize("count", [1, MANY])
def test_a_closed_column_takes_its_categories_only(count):
    table = schema(
        Column("s", "string", nullable=True, categories=("a", "b"), closed=True),
        Column("n", "float64", categories=(1, 2), closed=True),
        layout="table",
    )
    batch = from_rows(table, [["a", 1], [None, 2.0]] * count)
    assert batch.rows == 2 * count
    found = faults(from_rows, table, [["c", 3]] * count)
    assert ("row 0, column s", 'one of "a", "b" or null', '"c"') in found
    if count == 1:
        assert ("row 0, column n", "one of 1, 2", "3") in found


def test_an_open_column_takes_categories_that_nobody_has_seen():
    table = schema(Column("s", "string", categories=("a", "b")), layout="table")
    assert from_rows(table, ["zzz"]).columns["s"].tolist() == ["zzz"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-02-03", "2026-02-03"),
        ("2026-02-03T04:05", "2026-02-03T04:05"),
        ("2026-02-03 04:05:06.789", "2026-02-03T04:05:06.789"),
        ("2026-02-03T04:05:06.123456789Z", "2026-02-03T04:05:06.123456789"),
        ("2026-02-03T04:05:06+02:00", "2026-02-03T02:05:06"),
    ],
)
def test_dates_are_read_as_iso_8601_in_utc(text, value):
    batch = from_rows(schema(Column("d", "datetime64[ns]"), layout="table"), [[text]])
    assert batch.columns["d"].dtype == "datetime64[ns]"
    assert batch.columns["d"][0] == np.datetime64(value, "ns")


@pytest.mark.parametrize(
    "text", ["now", "today", "NaT", "nan", "", "3 Feb 2026", "2026-13-01", "9999-01-01", 5, True, None]
)
def test_what_is_no_date_within_nanoseconds_is_refused(text):
    table = schema(Column("d", "datetime64[ns]"), layout="table")
    assert faults(from_rows, table, [[text]])[0][1] == "an ISO 8601 date or time"


def test_arrays_of_dates_and_objects_are_taken_as_files_give_them():
    table = schema(Column("d", "datetime64[ns]", nullable=True), Column("s", "string", nullable=True), layout="table")
    stamps = np.array(["2026-01-01", "NaT"], dtype="datetime64[s]")
    objects = np.array(["x", pd.NA], dtype=object)
    batch = from_columns(table, {"d": stamps, "s": objects})
    assert batch.columns["d"].dtype == "datetime64[ns]"
    assert np.isnat(batch.columns["d"][1])
    assert batch.columns["s"].tolist() == ["x", None]
    moments = np.array([dt.datetime(2026, 1, 1, tzinfo=dt.UTC), pd.NaT], dtype=object)
    assert from_columns(table, {"d": moments, "s": objects}).columns["d"][0] == np.datetime64("2026-01-01", "ns")


@pytest.mark.parametrize("far", ["2500-01-01", "1500-01-01"])
def test_an_array_of_dates_beyond_nanoseconds_is_refused_and_never_wraps(far):
    table = schema(Column("d", "datetime64[ns]"), layout="table")
    assert faults(from_columns, table, {"d": np.array([far], dtype="datetime64[s]")})


def test_objects_of_other_libraries_are_refused_not_guessed():
    strange = np.array([decimal.Decimal(1), object(), b"x", 1j, [1], {}], dtype=object)
    assert len(faults(from_columns, floats(1), {"c0": strange})) == 6


def test_numpy_scalars_inside_object_arrays_count_as_numbers():
    values = np.array([np.float64(1.5), np.int32(2)], dtype=object)
    assert from_columns(floats(1), {"c0": values}).matrix.tolist() == [[1.5], [2.0]]


def test_numbers_of_half_precision_are_cast_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = from_matrix(floats(dtype="int8"), np.array([[1.0, -2.0]], np.float16))
    assert made.matrix.tolist() == [[1, -2]]


def test_arrays_are_cast_where_that_is_safe():
    assert from_matrix(floats(), np.array([[1, 2]], dtype=np.int8)).matrix.dtype == np.float64
    assert from_matrix(floats(dtype="int8"), np.array([[1.0, -2.0]])).matrix.tolist() == [[1, -2]]
    assert faults(from_matrix, floats(dtype="int8"), np.array([[1.5, 300.0]]))
    assert faults(from_matrix, floats(), np.array([[True, False]]))
    assert faults(from_matrix, floats(), np.array([["1", "2"]]))
    assert faults(from_matrix, floats(), np.array([[1.0, np.inf]]))
    assert faults(from_matrix, floats(dtype="uint8"), np.array([[-1, 2**62]]))


def test_an_array_of_the_schema_s_own_type_is_not_copied():
    given = np.ones((5, 2))
    assert from_matrix(floats(), given).matrix is given
    assert from_matrix(floats(nullable=True), np.array([[np.nan, 1.0]])).rows == 1


def test_a_flat_array_is_one_column_or_one_row():
    assert from_matrix(floats(1), np.arange(3.0)).matrix.shape == (3, 1)
    with pytest.raises(InvalidInput) as caught:
        from_matrix(floats(3), np.arange(3.0))
    assert str(caught.value) == "shape: expected [rows, 3], got [3]"


@pytest.mark.parametrize("shape", [(2, 3), (2, 1), (2, 2, 2), (3,), ()])
def test_an_array_of_another_shape_is_refused(shape):
    assert faults(from_matrix, floats(), np.zeros(shape))[0][:2] == ("shape", "[rows, 2]")


@pytest.mark.parametrize("rows", [[[1]], [[1, 2, 3]], [5], [None], ["xy"], [{}], [[1, 2], 7]])
def test_rows_of_another_width_are_refused(rows):
    assert faults(from_rows, floats(), rows)[0][1] == "a list of 2 values"


def test_one_column_takes_bare_values_and_lists_of_one_but_not_both():
    assert from_rows(floats(1), [1, 2.5]).matrix.tolist() == [[1.0], [2.5]]
    assert from_rows(floats(1), [[1], [2.5]]).matrix.tolist() == [[1.0], [2.5]]
    assert faults(from_rows, floats(1), [1, [2]])
    assert faults(from_rows, floats(1), [[[1]]])


def test_records_find_their_columns_by_name():
    assert from_records(floats(), [{"c1": 2, "c0": 1, "more": "?"}]).matrix.tolist() == [[1.0, 2.0]]
    assert faults(from_records, floats(), [{"c0": 1}]) == [("row 0, column c1", "a finite number", "nothing")]
    assert faults(from_records, floats(), [{"c0": 1, "c1": 2, "more": 3}], exact=True)[0] == (
        "row 0, column c0",
        "only c0, c1",
        '"more"',
    )
    assert faults(from_records, floats(), [{"c0": 1, "c1": 2}, [1, 2]]) == [
        ("row 1, column c0", "an object", "a list of 2")
    ]


@pytest.mark.parametrize("count", [1, MANY])
def test_a_missing_key_is_named_also_where_gaps_are_allowed(count):
    records = [{"c0": 1, "c1": None}] * count
    assert np.isnan(from_records(floats(nullable=True), records).matrix[:, 1]).all()
    named = faults(from_records, floats(nullable=True), [*records, {"c0": 1}])
    assert named == [(f"row {count}, column c1", "a finite number or null", "nothing")]


def test_columns_find_their_place_by_name():
    assert from_columns(floats(), {"c1": [2, 4], "c0": [1, 3], "more": 7}).matrix.tolist() == [[1, 2], [3, 4]]
    assert faults(from_columns, floats(), {"c0": [1]}) == [("c1", "a finite number", "no such column in the input")]
    wanted = "a finite number or null"
    assert faults(from_columns, floats(nullable=True), {"c0": [1]}) == [("c1", wanted, "no such column in the input")]


@pytest.mark.parametrize("columns", [{"c0": [1, 2], "c1": [1]}, {"c0": [], "c1": [1]}])
def test_columns_of_unequal_length_are_refused(columns):
    assert "as the longest column has" in faults(from_columns, floats(), columns)[0][1]


@pytest.mark.parametrize("values", [5, "ab", None, {"a": 1}, True, np.zeros((2, 2)), np.float64(1)])
def test_a_column_that_is_no_list_is_refused(values):
    assert faults(from_columns, floats(1), {"c0": values})[0][:2] == ("c0", "a list of values")


@pytest.mark.parametrize("call", [from_rows, from_records])
def test_no_rows_make_an_empty_batch_of_the_right_width(call):
    batch = call(floats(), [])
    assert batch.rows == 0
    assert batch.matrix.shape == (0, 2)
    table = schema(Column("s", "string"), Column("d", "datetime64[ns]"), Column("n", "int8"), layout="table")
    assert [len(column) for column in call(table, []).columns.values()] == [0, 0, 0]


def test_faults_are_named_as_the_dialect_names_places_and_at_most_twenty():
    found = faults(from_rows, floats(), [["x", "y"]] * 50, lambda row, column: f"instances[{row}][{column}]")
    assert len(found) == MOST_FAULTS
    assert found[0][0] == "instances[0][0]"


def test_the_error_says_the_first_fault_in_words():
    with pytest.raises(InvalidInput, match=r'^row 0, column c1: expected a finite number, got "x"$'):
        from_rows(floats(), [[1, "x"]])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        (10**100, "a huge number"),
        (-(10**1000), "a huge number"),
        ("x", '"x"'),
        ("x" * 500, '"' + "x" * 63 + "…"),
        ("\ud800", '"\\ud800"'),
        ([1, 2], "a list of 2"),
        ({}, "an object"),
    ],
)
def test_values_are_shown_as_json_and_cut_short(value, text):
    assert show(value) == text


def test_schemas_that_come_and_go_are_told_apart():
    for width in [*range(1, 40)] * 40:
        assert from_rows(floats(width), [[1.0] * width]).matrix.shape == (1, width)
