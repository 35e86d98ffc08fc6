"""A body of too many rows is refused as soon as their number is known, before a value of it is converted."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model_store.codecs import json as codec
from model_store.codecs import media_types
from model_store.request_errors import InvalidInput, MalformedRequest, PayloadTooLarge
from model_store.schema import Column, Output, Schema
from service.dialects.mlflow import invocations as mlflow
from service.dialects.openinference import infer as openinference
from service.dialects.tfserving import examples as tfserving_examples
from service.dialects.tfserving import kserve_v1
from service.dialects.tfserving import predict as tfserving
from service.wire import WireRequest

MOST = 10
MATRIX = Schema("matrix", (Column("x0", "float64"), Column("x1", "float64")), (Output("predict", "float64"),))
TABLE = Schema("table", (Column("name", "string"), Column("age", "float64")), (Output("predict", "float64"),))


def saved(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def arrow(rows, value=0.0):
    sink = pa.BufferOutputStream()
    table = pa.table({"x0": [value] * rows, "x1": [value] * rows})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=4)
    return sink.getvalue().to_pybytes()


def parquet(rows, value=0.0):
    buffer = io.BytesIO()
    pq.write_table(pa.table({"x0": [value] * rows, "x1": [value] * rows}), buffer, row_group_size=4)
    return buffer.getvalue()


def tensor(rows, **more):
    return {"inputs": [{"name": "input", "datatype": "FP64", "shape": [rows, 2], **more}]}


def tables(n, age):
    return {"instances": [{"name": ["a"] * (n - 1), "age": [age] * (n - 1)}, {"name": ["a"], "age": [age]}]}


def split(n, age):
    return {"dataframe_split": {"columns": ["name", "age"], "data": [["a", age]] * n}}


BODIES = {
    "tfserving rows": (tfserving.PREDICT, MATRIX, lambda n, x: {"instances": [[x, x]] * n}),
    "tfserving columns": (kserve_v1.PREDICT, TABLE, lambda n, x: {"inputs": {"name": ["a"] * n, "age": [x] * n}}),
    "tfserving records": (kserve_v1.PREDICT, TABLE, lambda n, x: {"instances": [{"name": "a", "age": x}] * n}),
    "kserve tables": (kserve_v1.PREDICT, TABLE, tables),
    "examples": (tfserving_examples.REGRESS, TABLE, lambda n, x: {"examples": [{"name": "a", "age": x}] * n}),
    "split": (mlflow.INVOCATIONS, TABLE, split),
    "records": (mlflow.INVOCATIONS, TABLE, lambda n, x: {"dataframe_records": [{"name": "a", "age": x}] * n}),
    "instances": (mlflow.INVOCATIONS, MATRIX, lambda n, x: {"instances": [[x, x]] * n}),
    "inputs": (mlflow.INVOCATIONS, TABLE, lambda n, x: {"inputs": {"name": ["a"] * n, "age": [x] * n}}),
    "tensor": (openinference.INFER, MATRIX, lambda n, x: tensor(n, data=[x] * (2 * n))),
}
"""Requests of so many rows, with a number of the caller's."""
UNFIT = "no number"
"""Refused as soon as it is converted."""
BINARY = {
    "CSV": (media_types.CSV, lambda n: b"x0,x1\n" + b"0,0\n" * n, lambda n: b"x0,x1\n" + b"no,no\n" * n),
    "Arrow": ("application/vnd.apache.arrow.stream", arrow, lambda n: arrow(n, UNFIT)),
    "Parquet": (media_types.PARQUET, parquet, lambda n: parquet(n, UNFIT)),
    "npy": (media_types.NPY, lambda n: saved(np.zeros((n, 2))), lambda n: saved(np.zeros((n, 2), dtype=bool))),
}
"""A media type, a body of so many rows, and one whose values do not fit."""


def json_request(document):
    return WireRequest(json.dumps(document).encode(), {"content-type": "application/json"}, max_rows=MOST)


@pytest.mark.parametrize("form", BODIES)
def test_as_many_rows_as_allowed_are_read(form):
    dialect, schema, make = BODIES[form]
    assert dialect.decode(json_request(make(MOST, 1.0)), schema).batch.rows == MOST


@pytest.mark.parametrize("form", BODIES)
def test_one_row_more_in_json_is_refused_before_it_is_converted(form):
    dialect, schema, make = BODIES[form]
    with pytest.raises(InvalidInput):
        dialect.decode(json_request(make(MOST, UNFIT)), schema)
    with pytest.raises(PayloadTooLarge, match="11 rows"):
        dialect.decode(json_request(make(MOST + 1, UNFIT)), schema)


@pytest.mark.parametrize("form", BINARY)
def test_as_many_rows_as_allowed_are_read_from_tables(form):
    media_type, make, _ = BINARY[form]
    request = WireRequest(make(MOST), {"content-type": media_type}, max_rows=MOST)
    assert mlflow.INVOCATIONS.decode(request, MATRIX).batch.rows == MOST


@pytest.mark.parametrize("form", BINARY)
def test_one_row_more_in_a_table_is_refused_before_it_is_converted(form):
    media_type, _, unfit = BINARY[form]
    with pytest.raises(InvalidInput):
        mlflow.INVOCATIONS.decode(WireRequest(unfit(MOST), {"content-type": media_type}, max_rows=MOST), MATRIX)
    with pytest.raises(PayloadTooLarge, match="rows"):
        mlflow.INVOCATIONS.decode(WireRequest(unfit(MOST + 1), {"content-type": media_type}, max_rows=MOST), MATRIX)


@pytest.mark.parametrize("raw", [True, False])
def test_one_row_more_in_binary_tensors_is_refused_before_it_is_converted(raw):
    with pytest.raises(InvalidInput):
        openinference.INFER.decode(of_gaps(MOST, raw=raw), MATRIX)
    with pytest.raises(PayloadTooLarge, match="11 rows"):
        openinference.INFER.decode(of_gaps(MOST + 1, raw=raw), MATRIX)


def of_gaps(rows, *, raw):
    data = np.full((rows, 2), np.nan).tobytes()
    head = b"" if raw else json.dumps(tensor(rows, parameters={"binary_data_size": len(data)})).encode()
    return WireRequest(head + data, {"inference-header-content-length": str(len(head))}, max_rows=MOST)


@pytest.mark.parametrize("container", [b"[]", b"{}", b'{"b64":""}', b"[[[]]]"])
def test_a_body_of_more_arrays_and_objects_than_rows_can_have_is_refused_unread(container):
    count = codec.CONTAINERS_PER_ROW * MOST + codec.FREE_CONTAINERS
    with pytest.raises(PayloadTooLarge, match="arrays and objects"):
        codec.loads(b"[" + b",".join([container] * count) + b" no JSON", max_rows=MOST)


def test_brackets_within_strings_are_not_counted():
    text = '[{"\\' * (codec.CONTAINERS_PER_ROW * MOST + codec.FREE_CONTAINERS)
    assert codec.loads(json.dumps([text]).encode(), max_rows=MOST) == [text]


def test_as_many_arrays_and_objects_as_allowed_are_read():
    count = codec.CONTAINERS_PER_ROW * MOST + codec.FREE_CONTAINERS - 1
    assert len(codec.loads(b"[" + b",".join([b"[]"] * count) + b"]", max_rows=MOST)) == count


def test_of_too_many_inputs_only_as_many_are_read_as_it_takes_to_refuse_them():
    foreign = [{"name": name, "datatype": "FP64", "shape": [1], "data": [0]} for name in "xyz"]
    malformed = {"name": "w", "datatype": "none", "shape": "none"}
    with pytest.raises(MalformedRequest):
        openinference.INFER.decode(json_request({"inputs": [*foreign[:2], malformed]}), MATRIX)
    with pytest.raises(InvalidInput, match="unexpected inference input 'x'"):
        openinference.INFER.decode(json_request({"inputs": [*foreign, *[malformed] * 997]}), MATRIX)
