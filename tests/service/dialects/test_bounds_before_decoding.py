"""A body of too many rows is refused as soon as their number is known, before a value of it is converted."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model_store.schema import Column, Output, Schema
from service import validation
from service.codecs import json as codec
from service.dialects.mlflow import invocations as mlflow
from service.dialects.openinference import infer as openinference
from service.dialects.tfserving import examples as tfserving_examples
from service.dialects.tfserving import kserve_v1
from service.dialects.tfserving import predict as tfserving
from service.errors import InvalidInput, PayloadTooLarge
from service.wire import WireRequest

MOST = 10
MATRIX = Schema("matrix", (Column("x0", "float64"), Column("x1", "float64")), (Output("predict", "float64"),))
TABLE = Schema("table", (Column("name", "string"), Column("age", "float64")), (Output("predict", "float64"),))


def saved(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def arrow(rows):
    sink = pa.BufferOutputStream()
    table = pa.table({"x0": [0.0] * rows, "x1": [0.0] * rows})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=4)
    return sink.getvalue().to_pybytes()


def parquet(rows):
    buffer = io.BytesIO()
    pq.write_table(pa.table({"x0": [0.0] * rows, "x1": [0.0] * rows}), buffer, row_group_size=4)
    return buffer.getvalue()


def tensor(rows, **more):
    return {"inputs": [{"name": "input", "datatype": "FP64", "shape": [rows, 2], **more}]}


BODIES = {
    "tfserving rows": (tfserving.PREDICT, MATRIX, lambda n: {"instances": [[0, 0]] * n}),
    "tfserving columns": (kserve_v1.PREDICT, TABLE, lambda n: {"inputs": {"name": ["a"] * n, "age": [1] * n}}),
    "tfserving records": (kserve_v1.PREDICT, TABLE, lambda n: {"instances": [{"name": "a", "age": 1}] * n}),
    "kserve tables": (
        kserve_v1.PREDICT,
        TABLE,
        lambda n: {"instances": [{"name": ["a"] * (n - 1), "age": [1] * (n - 1)}, {"name": ["a"], "age": [1]}]},
    ),
    "examples": (tfserving_examples.REGRESS, TABLE, lambda n: {"examples": [{"name": "a", "age": 1.0}] * n}),
    "split": (
        mlflow.INVOCATIONS,
        TABLE,
        lambda n: {"dataframe_split": {"columns": ["name", "age"], "data": [["a", 1]] * n}},
    ),
    "records": (mlflow.INVOCATIONS, TABLE, lambda n: {"dataframe_records": [{"name": "a", "age": 1}] * n}),
    "instances": (mlflow.INVOCATIONS, MATRIX, lambda n: {"instances": [[0, 0]] * n}),
    "inputs": (mlflow.INVOCATIONS, TABLE, lambda n: {"inputs": {"name": ["a"] * n, "age": [1] * n}}),
    "tensor": (openinference.INFER, MATRIX, lambda n: tensor(n, data=[0] * (2 * n))),
}
BINARY = {
    "CSV": (mlflow.CSV, lambda n: b"x0,x1\n" + b"0,0\n" * n),
    "Arrow": ("application/vnd.apache.arrow.stream", arrow),
    "Parquet": (mlflow.PARQUET, parquet),
    "npy": (mlflow.NPY, lambda n: saved(np.zeros((n, 2)))),
}


@pytest.fixture
def unconverted(monkeypatch):
    """Fails the test where rows are converted."""

    def fail(*_, **__):
        raise AssertionError("rows were converted")

    for name in ("from_rows", "from_records", "from_columns", "from_matrix"):
        monkeypatch.setattr(validation, name, fail)


def json_request(document):
    return WireRequest(json.dumps(document).encode(), {"content-type": "application/json"}, max_rows=MOST)


@pytest.mark.parametrize("form", BODIES)
def test_as_many_rows_as_allowed_are_read(form):
    dialect, schema, make = BODIES[form]
    assert dialect.decode(json_request(make(MOST)), schema).batch.rows == MOST


@pytest.mark.parametrize("form", BODIES)
def test_one_row_more_in_json_is_refused_before_it_is_converted(form, unconverted):
    dialect, schema, make = BODIES[form]
    with pytest.raises(PayloadTooLarge, match="11 rows"):
        dialect.decode(json_request(make(MOST + 1)), schema)


@pytest.mark.parametrize("form", BINARY)
def test_as_many_rows_as_allowed_are_read_from_tables(form):
    media_type, make = BINARY[form]
    request = WireRequest(make(MOST), {"content-type": media_type}, max_rows=MOST)
    assert mlflow.INVOCATIONS.decode(request, MATRIX).batch.rows == MOST


@pytest.mark.parametrize("form", BINARY)
def test_one_row_more_in_a_table_is_refused_before_it_is_converted(form, unconverted):
    media_type, make = BINARY[form]
    with pytest.raises(PayloadTooLarge, match="rows"):
        mlflow.INVOCATIONS.decode(WireRequest(make(MOST + 1), {"content-type": media_type}, max_rows=MOST), MATRIX)


@pytest.mark.parametrize("raw", [True, False])
def test_one_row_more_in_binary_tensors_is_refused_before_it_is_converted(raw, unconverted):
    data = bytes(16 * (MOST + 1))
    head = b"" if raw else json.dumps(tensor(MOST + 1, parameters={"binary_data_size": len(data)})).encode()
    headers = {"inference-header-content-length": str(len(head))}
    with pytest.raises(PayloadTooLarge, match="11 rows"):
        openinference.INFER.decode(WireRequest(head + data, headers, max_rows=MOST), MATRIX)


@pytest.mark.parametrize("container", [b"[]", b"{}", b'{"b64":""}', b"[[[]]]"])
def test_a_body_of_more_arrays_and_objects_than_rows_can_have_is_refused_unread(container, monkeypatch):
    monkeypatch.delattr(codec.orjson, "loads")
    count = codec.CONTAINERS_PER_ROW * MOST + codec.FREE_CONTAINERS
    with pytest.raises(PayloadTooLarge, match="arrays and objects"):
        codec.loads(b"[" + b",".join([container] * count) + b"]", max_rows=MOST)


def test_brackets_within_strings_are_not_counted():
    text = '[{"\\' * (codec.CONTAINERS_PER_ROW * MOST + codec.FREE_CONTAINERS)
    assert codec.loads(json.dumps([text]).encode(), max_rows=MOST) == [text]


def test_as_many_arrays_and_objects_as_allowed_are_read():
    count = codec.CONTAINERS_PER_ROW * MOST + codec.FREE_CONTAINERS - 1
    assert len(codec.loads(b"[" + b",".join([b"[]"] * count) + b"]", max_rows=MOST)) == count


def test_of_too_many_inputs_only_as_many_are_read_as_it_takes_to_refuse_them(monkeypatch):
    read, reader = [], openinference.read
    monkeypatch.setattr(openinference, "read", lambda *given: read.append(given[1]) or reader(*given))
    document = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [0]}] * 1000}
    with pytest.raises(InvalidInput, match="unexpected inference input 'x'"):
        openinference.INFER.decode(json_request(document), MATRIX)
    assert read == ["inputs[0]", "inputs[1]", "inputs[2]"]
