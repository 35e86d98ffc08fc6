import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_store.codecs.parquet import read_columns
from model_store.request_errors import InvalidInput, MalformedRequest, PayloadTooLarge, RequestError
from model_store.schema import Column, Output, Schema
from model_store.validation.columns import from_columns

TABLE = Schema(
    "table",
    (Column("age", "int64"), Column("fare", "float64", nullable=True), Column("code", "string", nullable=True)),
    (Output("predict", "float64"),),
)
MATRIX = Schema("matrix", (Column("x0", "float64"), Column("x1", "float64")), (Output("predict", "float64"),))
TEXT = Schema("series", (Column("code", "string"),), TABLE.outputs)


def people(**replaced):
    columns = {
        "extra": pa.array([{"a": 1}, {"a": 2}]),
        "code": pa.array(["007", None]),
        "fare": pa.array([1.5, None]),
        "age": pa.array([3, 4], pa.int16()),
    }
    return pa.table({**columns, **replaced})


def sent(table, **options):
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def batch(body, schema=TABLE):
    return from_columns(schema, read_columns(body, schema))


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd", "lz4", "brotli"])
@pytest.mark.parametrize(
    "options", [{}, {"use_dictionary": False}, {"data_page_version": "2.0"}, {"row_group_size": 1}]
)
def test_files_of_every_usual_make_are_read_by_name(compression, options):
    columns = batch(sent(people(), compression=compression, **options)).columns
    assert columns["age"].tolist() == [3, 4]
    assert columns["fare"][0] == 1.5
    assert np.isnan(columns["fare"][1])
    assert columns["code"].tolist() == ["007", None]


def test_what_pandas_writes_with_its_categories_is_read():
    import pandas as pd

    sink = io.BytesIO()
    frame = pd.DataFrame({"age": [1, 2], "fare": [1.0, None], "code": pd.Categorical(["a", "b"])}, index=[7, 8])
    frame.to_parquet(sink)
    assert batch(sink.getvalue()).columns["code"].tolist() == ["a", "b"]


def test_names_with_dots_are_names():
    schema = Schema("matrix", (Column("a.b", "float64"), Column("a", "float64")), MATRIX.outputs)
    body = sent(pa.table({"a": [1.0], "a.b": [2.0], "a.c": [3.0]}))
    assert batch(body, schema).matrix.tolist() == [[2.0, 1.0]]


@pytest.mark.parametrize(
    ("name", "values", "location"),
    [
        ("age", pa.array([1.0, 1.7]), "row 1, column age"),
        ("age", pa.array([1, None]), "row 1, column age"),
        ("age", pa.array([{"x": 1}, {"x": 2}]), "column age"),
        ("code", pa.array([1, 2]), "row 0, column code"),
        ("fare", pa.array(["1", "2"]), "row 0, column fare"),
    ],
)
def test_values_that_do_not_fit_are_named(name, values, location):
    with pytest.raises(InvalidInput) as refused:
        batch(sent(people(**{name: values})))
    assert refused.value.faults[0].location == location


def test_missing_columns_are_named():
    with pytest.raises(InvalidInput, match="age"):
        read_columns(sent(people().drop_columns(["age"])), TABLE)


@pytest.mark.parametrize("compression", ["zstd", "gzip"])
def test_pages_that_would_decompress_to_much_are_refused_unread(compression):
    zeros = pa.array(np.zeros(12_000_000))
    body = sent(pa.table({"x0": zeros, "x1": zeros}), compression=compression, use_dictionary=False)
    assert len(body) < 1_000_000
    with pytest.raises(PayloadTooLarge):
        read_columns(body, MATRIX)


def test_page_sizes_are_taken_from_the_pages_and_not_from_the_footer():
    body = sent(pa.table({"code": ["z" * 2_000_000]}), compression="zstd", use_dictionary=False)
    with pytest.raises(PayloadTooLarge, match="decodes to more"):
        read_columns(body, TEXT, limit=1_000_000)


def test_rows_that_take_no_space_are_counted_before_they_are_made():
    zeros = pa.array(np.zeros(9_000_000))
    body = sent(pa.table({"x0": zeros, "x1": zeros}))
    assert len(body) < 1_000_000
    with pytest.raises(PayloadTooLarge):
        read_columns(body, MATRIX)


def test_a_long_text_that_many_rows_share_is_not_copied_for_each():
    words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(100_000, np.int8)), pa.array(["x" * 900_000]))
    values = read_columns(sent(pa.table({"code": words})), TEXT)["code"]
    assert values[0] is values[99_999]


@pytest.mark.parametrize("encoding", ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"])
@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_texts_in_delta_encodings_are_read(encoding, compression):
    words = [None if i % 7 == 0 else f"word {i}" for i in range(20_000)]
    table = pa.table({"age": range(20_000), "fare": np.zeros(20_000), "code": words})
    body = sent(table, use_dictionary=["age"], column_encoding={"code": encoding}, compression=compression)
    columns = batch(body).columns
    assert columns["code"].tolist() == words
    assert columns["age"].tolist() == list(range(20_000))


def test_texts_that_repeat_what_is_before_them_are_counted_as_they_grow():
    body = sent(
        pa.table({"code": ["z" * 500_000] * 100}),
        use_dictionary=False,
        column_encoding={"code": "DELTA_BYTE_ARRAY"},
        compression="none",
    )
    assert len(body) < 1_600_000
    assert len(read_columns(body, TEXT, limit=100 * 2**20)["code"]) == 100
    with pytest.raises(PayloadTooLarge, match="decodes to more"):
        read_columns(body, TEXT, limit=10_000_000)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_row_group_without_rows_is_skipped(place):
    table = people().drop_columns(["extra"])
    tables = [table, table]
    tables.insert(place, table.slice(0, 0))
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, table.schema) as writer:
        for each in tables:
            writer.write_table(each)
    assert batch(sink.getvalue()).columns["age"].tolist() == [3, 4, 3, 4]


def test_thousands_of_row_groups_are_read_and_a_limit_says_that_it_is_one():
    many = pa.table({"age": range(5000), "fare": np.zeros(5000), "code": ["a"] * 5000})
    assert batch(sent(many, row_group_size=1)).columns["age"].tolist() == list(range(5000))
    wide = pa.table({f"x{i}": np.zeros(2000) for i in range(20)})
    with pytest.raises(PayloadTooLarge, match="use fewer, larger row groups"):
        read_columns(sent(wide, row_group_size=1), MATRIX)


@pytest.mark.parametrize("body", [b"", b"PAR1", b"PAR1PAR1", b"PAR1" + b"\xff" * 40 + b"PAR1", b"PARE" * 10])
def test_what_is_no_parquet_is_malformed(body):
    with pytest.raises(MalformedRequest):
        read_columns(body, MATRIX)


def test_a_file_cut_anywhere_is_malformed():
    body = sent(people())
    for length in range(len(body)):
        with pytest.raises(MalformedRequest):
            read_columns(body[:length], TABLE)


BODIES = [
    sent(people(), compression=compression, **options)
    for compression in ("none", "snappy", "zstd")
    for options in ({}, {"use_dictionary": False}, {"data_page_version": "2.0"}, {"write_page_index": True})
]


@settings(max_examples=1500, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.sampled_from(BODIES), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4)
)
def test_mutated_files_are_read_or_refused(body, changes):
    mutated = bytearray(body)
    for at, byte in changes:
        mutated[at % len(body)] = byte
    try:
        batch(bytes(mutated))
    except RequestError:
        return


def test_a_file_without_rows_has_none():
    assert read_columns(sent(people().slice(0, 0)), TABLE) == {name: [] for name in TABLE.names}
