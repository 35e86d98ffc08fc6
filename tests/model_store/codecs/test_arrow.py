import datetime as dt
import io
import struct
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_store.codecs import arrow, flatbuffers
from model_store.codecs.arrow import read_columns, write
from model_store.codecs.media_types import ARROW_FILE as FILE
from model_store.codecs.media_types import ARROW_STREAM as STREAM
from model_store.request_errors import InvalidInput, MalformedRequest, PayloadTooLarge, RequestError
from model_store.schema import Column, Output, Schema
from model_store.validation.columns import from_columns
from tests.model_store.codecs import arrow_files

TABLE = Schema(
    "table",
    (
        Column("age", "int64", nullable=False),
        Column("fare", "float64", nullable=True),
        Column("code", "string", nullable=True),
        Column("member", "bool", nullable=True),
        Column("since", "datetime64[ns]", nullable=True),
    ),
    (Output("predict", "float64"),),
)
MATRIX = Schema("matrix", (Column("x0", "float64"), Column("x1", "float64")), (Output("predict", "float64"),))


def people(**replaced):
    columns = {
        "since": pa.array([dt.datetime(2024, 1, 2, tzinfo=dt.UTC), None], pa.timestamp("us", "Europe/Berlin")),
        "extra": pa.array([[1], [2]]),
        "code": pa.array(["007", None]),
        "member": pa.array([True, None]),
        "fare": pa.array([1.5, None], pa.float32()),
        "age": pa.array([3, 4], pa.int8()),
    }
    return pa.table({**columns, **replaced})


def sent(table, form=STREAM, compression=None):
    sink = io.BytesIO()
    make = pa.ipc.new_file if form == FILE else pa.ipc.new_stream
    with make(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return sink.getvalue()


def batch(body, schema=TABLE):
    return from_columns(schema, read_columns(body, schema))


@pytest.mark.parametrize("form", [STREAM, FILE])
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_streams_and_files_are_read_by_name_with_other_columns_ignored(form, compression):
    columns = batch(sent(people(), form, compression)).columns
    assert columns["age"].tolist() == [3, 4]
    assert columns["fare"][0] == 1.5
    assert np.isnan(columns["fare"][1])
    assert columns["code"].tolist() == ["007", None]
    assert columns["member"].tolist() == [True, None]
    assert columns["since"][0] == np.datetime64("2024-01-02")
    assert np.isnat(columns["since"][1])


def test_numbers_share_the_body_s_memory():
    columns = read_columns(sent(pa.table({"x0": [1.0, 2.0], "x1": [3.0, 4.0]})), MATRIX)
    assert not columns["x0"].flags.owndata
    assert not columns["x0"].flags.writeable


@pytest.mark.parametrize(
    "code",
    [
        pa.array(["a", None], pa.large_string()),
        pa.array(["a", None], pa.string_view()),
        pa.array(["a", None]).dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([1, None], pa.int8()), pa.array(["b", "a"])),
    ],
)
def test_text_is_read_in_each_of_its_encodings(code):
    assert batch(sent(people(code=code))).columns["code"].tolist() == ["a", None]


@pytest.mark.parametrize(
    "fare",
    [
        pa.array([Decimal("1.50"), None]),
        pa.array([1.5, None], pa.float16()),
        pa.array([1.5, None]).dictionary_encode(),
        pa.array([None, None]),
        pa.array([1, None], pa.uint64()),
    ],
)
def test_numbers_are_read_in_each_of_their_types(fare):
    assert batch(sent(people(fare=fare))).columns["fare"].dtype == np.float64


def test_dates_are_datetimes():
    since = pa.array([dt.date(2024, 1, 2), None])
    assert batch(sent(people(since=since))).columns["since"][0] == np.datetime64("2024-01-02")


@pytest.mark.parametrize(
    ("name", "values", "location"),
    [
        ("age", pa.array([1.0, 1.7]), "row 1, column age"),
        ("age", pa.array([2**53 + 1, None], pa.int64()), "row 1, column age"),
        ("age", pa.array([1, 2**64 - 1], pa.uint64()), "row 1, column age"),
        ("age", pa.array(["1", "2"]), "row 0, column age"),
        ("age", pa.array([True, False]), "row 0, column age"),
        ("age", pa.array([[1], [2]]), "column age"),
        ("fare", pa.array([1.0, np.inf]), "row 1, column fare"),
        ("code", pa.array([1, 2]), "row 0, column code"),
        ("code", pa.array([b"a", b"b"]), "column code"),
        ("member", pa.array([0, 1]), "row 0, column member"),
        ("since", pa.array([2**62, 0], pa.timestamp("s")), "column since"),
        ("since", pa.array([1, 2], pa.time64("us")), "column since"),
        ("since", pa.array([1.5, 2.5]), "row 0, column since"),
    ],
)
def test_values_that_do_not_fit_are_named_and_never_cast_unsafely(name, values, location):
    with pytest.raises(InvalidInput) as refused:
        batch(sent(people(**{name: values})))
    assert refused.value.faults[0].location == location


def test_large_integers_beside_missing_ones_keep_every_digit():
    schema = Schema("table", (Column("id", "float64", nullable=True), Column("n", "int64")), TABLE.outputs)
    table = pa.table({"id": pa.array([1, None]), "n": pa.array([2**62 + 1, 2**62 + 3])})
    assert batch(sent(table), schema).columns["n"].tolist() == [2**62 + 1, 2**62 + 3]


def test_missing_and_doubled_columns_are_refused():
    with pytest.raises(InvalidInput) as refused:
        read_columns(sent(people().drop_columns(["age"])), TABLE)
    assert refused.value.faults[0].location == "column age"
    doubled = pa.Table.from_arrays([pa.array([1.0])] * 3, names=["x0", "x1", "x1"])
    with pytest.raises(MalformedRequest):
        read_columns(sent(doubled), MATRIX)


def test_several_batches_and_dictionaries_that_grow_are_one_table():
    sink = io.BytesIO()
    field = pa.dictionary(pa.int8(), pa.string())
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    schema = pa.schema([("code", field)])
    with pa.ipc.new_stream(sink, schema, options=options) as writer:
        for words in (["a"], ["a", "b"]):
            codes = pa.DictionaryArray.from_arrays(pa.array([len(words) - 1, None], pa.int8()), pa.array(words))
            writer.write_batch(pa.record_batch([codes], schema=schema))
    text = Schema("series", (Column("code", "string", nullable=True),), TABLE.outputs)
    assert batch(sink.getvalue(), text).columns["code"].tolist() == ["a", None, "b", None]


def test_an_extension_type_is_refused():
    storage = pa.array([b"0123456789abcdef"] * 2, pa.binary(16))
    with pytest.raises(InvalidInput, match=r"extension<arrow\.uuid>"):
        batch(sent(people(code=pa.ExtensionArray.from_storage(pa.uuid(), storage))))


def test_rows_without_bytes_are_counted_before_they_are_made():
    body = sent(pa.table({"x0": pa.nulls(arrow.MOST_ROWS + 1), "x1": pa.nulls(arrow.MOST_ROWS + 1)}))
    assert len(body) < 10_000
    with pytest.raises(PayloadTooLarge, match="rows"):
        read_columns(body, MATRIX)


@pytest.mark.parametrize("form", [STREAM, FILE])
def test_a_small_body_that_would_decompress_to_much_is_refused_unread(form):
    zeros = pa.array(np.zeros(9_000_000))
    body = sent(pa.table({"x0": zeros, "x1": zeros}), form, "zstd")
    assert len(body) < 100_000
    with pytest.raises(PayloadTooLarge, match="decodes to more than"):
        read_columns(body, MATRIX)


def test_a_long_text_that_many_rows_share_is_not_copied_for_each():
    shared = pa.DictionaryArray.from_arrays(pa.array(np.zeros(100_000, np.int8)), pa.array(["x" * 1_000_000]))
    text = Schema("series", (Column("code", "string"),), TABLE.outputs)
    values = read_columns(sent(pa.table({"code": shared})), text)["code"]
    assert values[0] is values[99_999]


def test_views_that_overlap_are_counted_by_what_they_show():
    views = pa.array(["y" * 1_000_000], pa.string_view())
    buffers = views.buffers()
    many = pa.Array.from_buffers(
        pa.string_view(), 1000, [None, pa.py_buffer(buffers[1].to_pybytes() * 1000), buffers[2]]
    )
    text = Schema("series", (Column("code", "string"),), TABLE.outputs)
    body = sent(pa.table({"code": many}))
    assert len(body) < 2_000_000
    with pytest.raises(PayloadTooLarge):
        read_columns(body, text)


def test_more_batches_than_are_worth_their_time_are_refused():
    part = pa.record_batch({"x0": [1.0], "x1": [1.0]})
    with pytest.raises(PayloadTooLarge, match="record batches"):
        read_columns(sent(pa.Table.from_batches([part] * (arrow.MOST_PARTS + 1))), MATRIX)


def test_a_declared_size_below_zero_is_malformed():
    body = sent(pa.table({"x0": np.zeros(1000), "x1": np.zeros(1000)}), compression="lz4")
    lying = body.replace(struct.pack("<q", 8000), struct.pack("<q", -5))
    assert lying != body
    with pytest.raises(MalformedRequest):
        read_columns(lying, MATRIX)


@pytest.mark.parametrize(
    "body",
    [b"", b"ARROW1", b"ARROW1\x00\x00ARROW1", b"\xff\xff\xff\xff\x00\x00\x00\x00", b'{"inputs": [1]}', b"\x00" * 100],
)
def test_what_is_no_arrow_is_malformed(body):
    with pytest.raises(MalformedRequest):
        read_columns(body, MATRIX)


@pytest.mark.parametrize("form", [STREAM, FILE])
def test_a_body_cut_within_its_only_batch_is_refused_or_holds_no_rows(form):
    body = sent(people(), form, "lz4")
    last = 8 if form == STREAM else 1  # a stream's end mark may be left out
    for length in range(len(body) - last):
        try:
            assert len(read_columns(body[:length], TABLE)["age"]) == 0
        except RequestError:
            continue


BODIES = [
    sent(people(code=code), form, compression)
    for form in (STREAM, FILE)
    for compression in (None, "lz4", "zstd")
    for code in (
        pa.array(["a", None]),
        pa.array(["a", None]).dictionary_encode(),
        pa.array(["a", None], pa.string_view()),
    )
]

RECORDED = Schema(
    "table",
    (Column("age", "float64", nullable=True), Column("visits", "int64"), Column("city", "string")),
    TABLE.outputs,
)


@pytest.mark.parametrize("writer", ["polars", "arrow-rs", "Arrow JavaScript"])
def test_files_of_other_writers_are_read_by_their_footers(writer):
    columns = batch(arrow_files.BODIES[writer], RECORDED).columns
    assert columns["age"][0] == 31.0
    assert np.isnan(columns["age"][1])
    assert columns["visits"].tolist() == [2, 7]
    assert columns["city"].tolist() == ["Oslo", "Lima"]


def first_block(body):
    """Where the footer's first block of a record batch stands in a file."""
    start = len(body) - 10 - struct.unpack_from("<i", body, len(body) - 10)[0]
    footer = bytes(body[start:])
    at = flatbuffers.root(footer).position(3)
    return start + at + struct.unpack_from("<I", footer, at)[0] + 4


def test_a_file_s_footer_may_name_its_batches_in_another_order_and_often():
    table = pa.table({"x0": [1.0, 2.0], "x1": [3.0, 4.0]})
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=1)
    body = bytearray(sink.getvalue())
    at = first_block(body)
    first, second = body[at : at + 24], body[at + 24 : at + 48]
    body[at : at + 48] = second + first
    assert batch(bytes(body), MATRIX).matrix.tolist() == [[2.0, 4.0], [1.0, 3.0]]
    body[at : at + 48] = second + second
    assert batch(bytes(body), MATRIX).matrix.tolist() == [[2.0, 4.0], [2.0, 4.0]]
    with pytest.raises(PayloadTooLarge, match="more than 1 rows"):
        read_columns(bytes(body), MATRIX, max_rows=1)


@pytest.mark.parametrize("change", [struct.pack("<q", 1 << 40), struct.pack("<q", -8), struct.pack("<q", 0)])
def test_a_block_outside_its_file_is_malformed(change):
    body = bytearray(sent(pa.table({"x0": [1.0], "x1": [2.0]}), FILE))
    at = first_block(body)
    body[at : at + 8] = change
    with pytest.raises(MalformedRequest):
        read_columns(bytes(body), MATRIX)


@settings(max_examples=1500, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.sampled_from([*BODIES, *arrow_files.BODIES.values()]),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_mutated_bodies_are_read_or_refused(body, changes):
    mutated = bytearray(body)
    for at, byte in changes:
        mutated[at % len(body)] = byte
    try:
        read_columns(bytes(mutated), TABLE if body in BODIES else RECORDED)
    except RequestError:
        return


@pytest.mark.parametrize(("form", "read"), [(STREAM, pa.ipc.open_stream), (FILE, pa.ipc.open_file)])
def test_answers_are_tables_with_a_column_for_each_output(form, read):
    outputs = {
        "predict": np.array(["yes", "no"], dtype=object),
        "predict_proba": np.array([[0.25, 0.75], [1.0, np.nan]], dtype=np.float32),
        "transform": np.arange(12).reshape(2, 3, 2),
    }
    body = write(outputs, {"predict_proba": ("no", "yes")}, {"model": "m", "version": "3"}, form)
    table = read(body).read_all()
    assert table.column("predict").to_pylist() == ["yes", "no"]
    assert table.schema.field("predict_proba").type == pa.list_(pa.float32(), 2)
    assert table.column("predict_proba").to_pylist()[0] == [0.25, 0.75]
    assert table.column("transform").to_pylist() == np.arange(12).reshape(2, 3, 2).tolist()
    assert table.schema.field("predict_proba").metadata == {b"labels": b'["no","yes"]'}
    assert table.schema.metadata == {b"model": b"m", b"version": b"3"}
