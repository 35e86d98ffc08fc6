import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store.codecs.csv import read_columns
from model_store.request_errors import InvalidInput, MalformedRequest, RequestError
from model_store.schema import Column, Output, Schema
from model_store.validation.columns import from_columns

TABLE = Schema(
    "table",
    (
        Column("age", "int64"),
        Column("fare", "float64", nullable=True),
        Column("code", "string", nullable=True),
        Column("member", "bool"),
        Column("since", "datetime64[ns]", nullable=True),
    ),
    (Output("predict", "float64"),),
)
MATRIX = Schema("matrix", (Column("x0", "float64"), Column("x1", "float64")), (Output("predict", "float64"),))


def read(text, schema=TABLE):
    return read_columns(text.encode(), schema)


def batch(text, schema=TABLE):
    return from_columns(schema, read(text, schema))


def test_only_the_empty_field_is_missing():
    columns = read("age,fare,code,member,since\n3,,NA,true,\n4,1.5,,False,2024-01-02\n")
    assert columns["fare"] == [None, 1.5]
    assert columns["code"] == ["NA", None]
    assert columns["since"] == [None, "2024-01-02"]


def test_a_single_line_that_lacks_columns_is_told_from_a_table_that_does():
    with pytest.raises(MalformedRequest, match=r"single line .* --data-binary"):
        read("age,fare,code,member,since3,,NA,true,4,1.5,,False,2024-01-02")
    with pytest.raises(InvalidInput, match="lacks columns that the model needs: since"):
        read("age,fare,code,member\n3,,NA,true\n")


def test_text_keeps_leading_zeros_spaces_and_words_that_look_like_null():
    columns = read('age,fare,code,member,since\n1,1,007,true,\n1,1, null ,true,\n1,1,"a ""b"", c",true,\n')
    assert columns["code"] == ["007", " null ", 'a "b", c']


def test_nan_is_a_missing_float_and_infinity_is_no_number():
    values = batch("age,fare,code,member,since\n1,NaN,a,true,\n2,nan,a,true,\n").columns["fare"]
    assert all(math.isnan(value) for value in values)
    with pytest.raises(InvalidInput) as refused:
        batch("age,fare,code,member,since\n1,inf,a,true,\n")
    assert refused.value.faults[0].location == "row 0, column fare"


def test_faults_name_row_and_column_and_the_text_that_was_found():
    with pytest.raises(InvalidInput) as refused:
        batch("age,fare,code,member,since\n1,1,a,true,\n2,2,a,true,\n3,3,a,true,\nx,1,a,true,\n1.7,1,a,maybe,\n")
    found = [(fault.location, fault.got) for fault in refused.value.faults]
    assert ("row 3, column age", '"x"') in found
    assert ("row 4, column age", "1.7") in found
    assert ("row 4, column member", '"maybe"') in found


def test_a_number_without_its_column_is_refused_where_nothing_may_be_missing():
    with pytest.raises(InvalidInput, match="row 1, column age"):
        batch("age,fare,code,member,since\n1,1,a,true,\n,1,a,true,\n")


def test_na_is_a_gap_where_it_cannot_be_text_as_r_writes_it():
    columns = read("age,fare,code,member,since\n1,NA,NA,true,NA\nNA,1.5,x,NA,2024-01-02\n")
    assert columns["age"] == [1, None]
    assert columns["fare"] == [None, 1.5]
    assert columns["code"] == ["NA", "x"]
    assert columns["member"] == [True, None]
    assert columns["since"] == [None, "2024-01-02"]
    with pytest.raises(InvalidInput, match="row 0, column age"):
        batch("age,fare,code,member,since\nNA,1,a,true,\n")


@pytest.mark.parametrize("field", ["1e3", "+1", ".5", "1.", " 2 ", "-0", "1E-3", "12345678901234567890"])
def test_floats_are_read_in_the_usual_notations(field):
    assert batch(f"x0,x1\n{field},1\n", MATRIX).matrix[0, 0] == float(field)


@pytest.mark.parametrize("field", ["1_000", "0x10", "1,5", "1 2", "١", "null", "true", "[1]", '"1"', "1e999", "--1"])  # noqa: RUF001
def test_what_only_a_lenient_reader_takes_for_a_number_is_refused(field):
    quoted = field.replace('"', '""')
    with pytest.raises(InvalidInput, match="row 1, column x0"):
        batch(f'x0,x1\n1,1\n"{quoted}",1\n', MATRIX)


def test_columns_go_by_name_extra_ones_are_ignored_and_a_byte_order_mark_is_skipped():
    columns = read_columns("\ufeff,x1,other,x0\r\n0,2,z,1\r\n\r\n1,4,z,3\r\n".encode(), MATRIX)
    assert columns == {"x0": [1, 3], "x1": [2, 4]}


def test_columns_that_are_only_numbered_go_by_position_where_the_model_was_fitted_on_an_array():
    assert read("0,1\n5,6\n", MATRIX) == {"x0": [5], "x1": [6]}
    with pytest.raises(InvalidInput):
        read("0,1,2,3,4\n1,1,a,true,\n", TABLE)


def test_every_missing_column_is_named_and_no_value_is_repeated():
    with pytest.raises(InvalidInput) as refused:
        read("code,secret\nx,top-secret\n")
    assert [fault.location for fault in refused.value.faults][:2] == ["column age", "column fare"]
    assert "top-secret" not in str(refused.value)
    assert "age, " in str(refused.value)


def test_a_nullable_column_has_to_be_there_with_empty_fields():
    with pytest.raises(InvalidInput, match="fare, code, since"):
        read("age,member\n1,true\n")
    assert read("age,fare,code,member,since\n1,,,true,\n")["fare"] == [None]


def test_rows_of_another_width_are_named():
    with pytest.raises(InvalidInput, match="row 1: expected 2 fields, as the header has, got 3 fields"):
        read("x0,x1\n1,2\n1,2,3\n", MATRIX)


@pytest.mark.parametrize(
    "body", [b"", b"\n\n", b"x0,x0,x1\n1,2,3\n", b'x0,x1\n"1,2\n', b"\xff\xfe", b'x0,x1\n"1"2,3\n']
)
def test_what_is_no_csv_is_malformed(body):
    with pytest.raises(MalformedRequest):
        read_columns(body, MATRIX)


@given(st.binary(max_size=200) | st.text(alphabet='age,fare"\n\r0123.x', max_size=100).map(str.encode))
def test_any_bytes_are_read_or_refused(body):
    for schema in (TABLE, MATRIX):
        try:
            from_columns(schema, read_columns(b"age,member,x0,x1\n" + body, schema))
        except RequestError:
            continue


@pytest.mark.parametrize("end", ["x", ".x", "e", "e1x"])
def test_a_long_field_that_is_no_number_after_all_is_looked_at_once(end):
    with pytest.raises(InvalidInput, match="row 0, column x0"):
        batch(f"x0,x1\n{'1' * 130_000}{end},1\n", MATRIX)


def test_numbers_that_are_the_models_own_names_go_by_name():
    schema = Schema("matrix", (Column("1", "float64"), Column("0", "float64")), (Output("predict", "float64"),))
    assert read("0,1\n5,6\n", schema) == {"0": [5], "1": [6]}


def test_a_carriage_return_in_text_that_is_not_quoted_makes_no_row():
    with pytest.raises(MalformedRequest, match="line 2: new-line character seen in unquoted field"):
        read("x0,x1\n1,2\r3,4\n", MATRIX)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_every_usual_way(end):
    assert read(f"x0,x1{end}1,2{end}", MATRIX) == {"x0": [1], "x1": [2]}
