"""NaN, infinities, numbers at the edge of their types and missing values: what each dialect writes, and what is read.

One table: docs/reference/protocols/numbers.md has the same rules in words.
"""

import io
import json
import math
import struct

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pytest

from model_store.request_errors import InvalidInput, MalformedRequest
from model_store.schema import Column, Output, Schema
from service.dialects.mlflow.invocations import INVOCATIONS
from service.dialects.openinference.infer import HEADER_LENGTH, INFER
from service.dialects.tfserving.examples import CLASSIFY, REGRESS
from service.dialects.tfserving.kserve_v1 import PREDICT
from service.wire import PredictionResult, WireRequest

ARROW, NPY = "application/vnd.apache.arrow.stream", "application/x-npy"
X = Column("x", "float64")


def texts(*values):
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def dates(unit, *values):
    return np.array(values, dtype=f"datetime64[{unit}]")


def dtype_of(array):
    return "string" if array.dtype.kind == "O" else array.dtype.name


def asked(verb, document, array, headers):
    """What the verb answers if the model's output is the array."""
    schema = Schema("matrix", (X,), (Output("predict", dtype_of(array), array.shape[1:]),))
    call = verb.decode(WireRequest(json.dumps(document).encode(), headers), schema)
    return verb.encode(PredictionResult("m", 1, schema, {"predict": array}), call)


def rows(array):
    return [[0.5]] * len(array)


def tfserving(array):
    return asked(PREDICT, {"instances": rows(array)}, array, {}).body


def kserve_event(array):
    event = {"specversion": "1.0", "id": "a", "source": "b", "type": "c", "data": {"instances": rows(array)}}
    return asked(PREDICT, event, array, {"content-type": "application/cloudevents+json"}).body


def regress(array):
    return asked(REGRESS, {"examples": [{"x": 0.5}] * len(array)}, array, {}).body


def mlflow(array, accept="application/json"):
    headers = {"content-type": "application/json", "accept": accept}
    return asked(INVOCATIONS, {"instances": rows(array)}, array, headers).body


def openinference(array, **parameters):
    tensor = {"name": "input", "shape": [len(array), 1], "datatype": "FP64", "data": [0.5] * len(array)}
    return asked(INFER, {"inputs": [tensor], "parameters": parameters}, array, {})


def openinference_json(array):
    return openinference(array).body


# what is written, dialect by dialect: value, on /v1, on MLflow's routes, on /v2

NAN, INF = math.nan, math.inf
WRITTEN = {
    "NaN": (np.array([NAN, 1.5]), b"[NaN,1.5]", b"[null,1.5]"),
    "infinity": (np.array([INF, -INF]), b"[Infinity,-Infinity]", b"[Infinity,-Infinity]"),
    "both": (np.array([NAN, INF, -INF]), b"[NaN,Infinity,-Infinity]", b"[null,Infinity,-Infinity]"),
    "both as float32": (np.array([NAN, INF], np.float32), b"[NaN,Infinity]", b"[null,Infinity]"),
    "beyond float32": (np.array([1e300, 3.5e38]), b"[1e+300,3.5e+38]", b"[1e+300,3.5e+38]"),
    "the largest float32": (np.array([3.4028235e38], np.float32), b"[3.4028235e+38]", b"[3.4028235e+38]"),
    "negative zero": (np.array([-0.0]), b"[-0.0]", b"[-0.0]"),
    "a denormal": (np.array([5e-324, 2.5e-310]), b"[5e-324,2.5e-310]", b"[5e-324,2.5e-310]"),
    "a float32 denormal": (np.array([1e-45], np.float32), b"[1e-45]", b"[1e-45]"),
    "a float32 in its shortest form": (np.array([0.2], np.float32), b"[0.2]", b"[0.2]"),
    "beyond 2**53": (np.array([2**53 + 1]), b"[9007199254740993]", b"[9007199254740993]"),
    "the least int64": (np.array([-(2**63)]), b"[-9223372036854775808]", b"[-9223372036854775808]"),
    "the largest uint64": (np.array([2**64 - 1], np.uint64), b"[18446744073709551615]", b"[18446744073709551615]"),
    "a missing string": (texts("a", None, "", "null"), b'["a",null,"","null"]', b'["a",null,"","null"]'),
    "a bool": (np.array([True, False]), b"[true,false]", b"[true,false]"),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_v1_writes_nan_and_infinity_as_tensorflow_serving_does(case):
    array, v1, _ = WRITTEN[case]
    assert tfserving(array) == b'{"predictions":' + v1 + b"}"
    assert kserve_event(array).endswith(b'"data":{"predictions":' + v1 + b"}}")


@pytest.mark.parametrize("case", WRITTEN)
def test_mlflow_writes_nan_as_null_and_infinity_as_a_bare_token(case):
    array, _, mlflows = WRITTEN[case]
    assert mlflow(array) == b'{"predictions":' + mlflows + b"}"


@pytest.mark.parametrize("case", WRITTEN)
def test_v2_writes_nan_as_null_and_infinity_as_a_bare_token(case):
    array, _, v2 = WRITTEN[case]
    assert openinference_json(array).endswith(b'"data":' + v2 + b"}]}")


@pytest.mark.parametrize("case", WRITTEN)
def test_a_table_of_such_numbers_is_written_row_by_row(case):
    array, v1, v2 = WRITTEN[case]
    table = np.stack([array, array])
    assert tfserving(table) == b'{"predictions":[' + v1 + b"," + v1 + b"]}"
    assert mlflow(table) == b'{"predictions":[' + v2 + b"," + v2 + b"]}"
    assert openinference_json(table).endswith(b'"data":[' + v2[1:-1] + b"," + v2[1:-1] + b"]}]}")


def several(array):
    """MLflow's answer with the array as two outputs."""
    schema = Schema("matrix", (X,), (Output("predict", dtype_of(array)), Output("transform", dtype_of(array))))
    document = {"instances": rows(array), "params": {"predict_method": ["predict", "transform"]}}
    call = INVOCATIONS.decode(WireRequest(json.dumps(document).encode(), {"content-type": "application/json"}), schema)
    answered = PredictionResult("m", 1, schema, {"predict": array, "transform": array})
    return INVOCATIONS.encode(answered, call).body


@pytest.mark.parametrize("case", WRITTEN)
def test_several_outputs_on_mlflows_route_are_written_by_the_same_rule(case):
    array, _, mlflows = WRITTEN[case]
    records = [b'{"predict":' + value + b',"transform":' + value + b"}" for value in mlflows[1:-1].split(b",")]
    assert several(array) == b'{"predictions":[' + b",".join(records) + b"]}"


def read_npy(array):
    return np.load(io.BytesIO(mlflow(array, NPY)))


def read_arrow(array):
    return pa.ipc.open_stream(mlflow(array, ARROW)).read_all().column("predict")


def read_binary(array):
    response = openinference(array, binary_data_output=True)
    return response.body[int(response.headers[HEADER_LENGTH]) :]


@pytest.mark.parametrize("case", [case for case in WRITTEN if WRITTEN[case][0].dtype.kind != "O"])
def test_npy_arrow_and_binary_tensors_keep_every_bit(case):
    array = WRITTEN[case][0]
    assert read_npy(array).dtype == array.dtype
    assert read_npy(array).tobytes() == array.tobytes()
    column = read_arrow(array)
    assert column.null_count == 0
    assert column.to_numpy().tobytes() == array.tobytes()
    assert read_binary(array) == array.tobytes()


@pytest.mark.parametrize("case", [case for case in WRITTEN if WRITTEN[case][0].dtype.kind in "fiu"])
def test_what_pythons_json_and_a_numpy_client_read_back_has_every_bit(case):
    array = WRITTEN[case][0]
    for written, field in ((tfserving(array), "predictions"), (mlflow(array), "predictions")):
        assert np.array(json.loads(written)[field], dtype=array.dtype).tobytes() == array.tobytes()
    (tensor,) = json.loads(openinference_json(array))["outputs"]
    assert np.array(tensor["data"], dtype=array.dtype).tobytes() == array.tobytes()


def test_an_answer_without_infinity_is_json_to_strict_parsers_too():
    without = [array for array, _, written in WRITTEN.values() if b"Infinity" not in written]
    assert len(without) == 12
    for array in without:
        assert len(orjson.loads(mlflow(array))["predictions"]) == len(array)
        assert len(orjson.loads(openinference_json(array))["outputs"][0]["data"]) == len(array)


def test_missing_strings_are_null_in_arrow_and_empty_in_binary_tensors():
    array = texts("a", None, "")
    assert read_arrow(array).to_pylist() == ["a", None, ""]
    assert read_binary(array) == struct.pack("<I", 1) + b"a" + struct.pack("<II", 0, 0)
    nothing = read_arrow(texts(None, None))
    assert (nothing.type, nothing.to_pylist()) == (pa.string(), [None, None])


def test_npy_holds_no_strings_so_that_json_answers():
    assert mlflow(texts("a", None), NPY) == b'{"predictions":["a",null]}'


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_missing_date_is_null_and_never_a_date(unit):
    array = dates(unit, "2026-01-02T03:04:05", "NaT")
    for written in (tfserving(array), mlflow(array)):
        assert json.loads(written)["predictions"] == ["2026-01-02T03:04:05", None]
    assert [row["predict"] for row in json.loads(several(array))["predictions"]] == ["2026-01-02T03:04:05", None]
    assert read_arrow(array).to_pylist()[1] is None
    (tensor,) = json.loads(openinference_json(array))["outputs"]
    assert [pd.Timestamp(text) for text in tensor["data"]] == [pd.Timestamp("2026-01-02T03:04:05"), pd.NaT]


@pytest.mark.parametrize(
    ("unit", "given", "written"),
    [
        ("ns", "2026-01-02T03:04:05.123456789", "2026-01-02T03:04:05.123456789"),
        ("ns", "2026-01-02T03:04:05.5", "2026-01-02T03:04:05.500000"),
        ("ns", "2026-01-02T03:04:05.000001", "2026-01-02T03:04:05.000001"),
        ("ns", "2026-01-02T03:04:05.000000001", "2026-01-02T03:04:05.000000001"),
        ("ms", "2026-01-02T03:04:05.500", "2026-01-02T03:04:05.500000"),
        ("us", "2026-01-02", "2026-01-02T00:00:00"),
        ("s", "3000-01-02T03:04:05", "3000-01-02T03:04:05"),
    ],
)
def test_a_time_is_written_with_all_its_digits(unit, given, written):
    array = dates(unit, given)
    assert json.loads(tfserving(array)) == {"predictions": [written]}
    assert json.loads(mlflow(array)) == {"predictions": [written]}
    assert np.array(json.loads(openinference_json(array))["outputs"][0]["data"], array.dtype) == array


@pytest.mark.parametrize(
    ("array", "written"),
    [
        (np.array([NAN, INF, -INF, 1e300]), b"[NaN,Infinity,-Infinity,1e+300]"),
        (np.array([1, 2**53]), b"[1.0,9007199254740992.0]"),
        (np.array([1, 2**53 + 1]), b"[1,9007199254740993]"),
        (np.array([2**64 - 1], np.uint64), b"[18446744073709551615]"),
        (np.array([0.2, NAN], np.float32), b"[0.2,NaN]"),
    ],
)
def test_regress_writes_floats_where_these_hold_the_number(array, written):
    assert regress(array) == b'{"results":' + written + b"}"


def test_classify_writes_scores_by_the_rule_of_v1():
    schema = Schema("matrix", (X,), (Output("predict_proba", "float64", (2,), ("a", "b")),), "classifier")
    call = CLASSIFY.decode(WireRequest(b'{"examples":[{"x":0.5}]}'), schema)
    answered = PredictionResult("m", 1, schema, {"predict_proba": np.array([[NAN, INF]])})
    assert CLASSIFY.encode(answered, call).body == b'{"results":[[["a",NaN],["b",Infinity]]]}'


# what is read: neither infinity nor a number that its column makes infinite is a value, whichever way it comes

FLOATS = {
    dtype: Schema("table", (Column("x", dtype),), (Output("predict", "float64"),)) for dtype in ("float32", "float64")
}


def read(verb, body, schema, media_type="application/json", **headers):
    return verb.decode(WireRequest(body, {"content-type": media_type, **headers}), schema).batch


def as_json(document):
    return json.dumps(document).encode()


def frame(value):
    return pd.DataFrame({"x": [0.5, value]})


def tensor(value):
    return {"name": "x", "shape": [2], "datatype": "FP64", "data": [0.5, value]}


def binary(value):
    raw = struct.pack("<dd", 0.5, value)
    head = {"name": "x", "shape": [2], "datatype": "FP64", "parameters": {"binary_data_size": len(raw)}}
    body = as_json({"inputs": [head]})
    return body + raw, str(len(body))


def arrow_body(value):
    table, sink = pa.Table.from_pandas(frame(value), preserve_index=False), io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def npy_body(value):
    sink = io.BytesIO()
    np.save(sink, np.array([[0.5], [value]]))
    return sink.getvalue()


def read_binary_tensor(value, schema):
    body, length = binary(value)
    return read(INFER, body, schema, **{HEADER_LENGTH.lower(): length})


WAYS = {
    "/v1 instances": lambda value, s: read(PREDICT, as_json({"instances": [{"x": 0.5}, {"x": value}]}), s),
    "/v1 inputs": lambda value, s: read(PREDICT, as_json({"inputs": {"x": [0.5, value]}}), s),
    "/v1 examples": lambda value, s: read(REGRESS, as_json({"examples": [{"x": 0.5}, {"x": value}]}), s),
    "/v2 JSON": lambda value, s: read(INFER, as_json({"inputs": [tensor(value)]}), s),
    "/v2 binary": read_binary_tensor,
    "MLflow records": lambda value, s: read(INVOCATIONS, as_json({"dataframe_records": [{"x": 0.5}, {"x": value}]}), s),
    "CSV": lambda value, s: read(INVOCATIONS, frame(value).to_csv(index=False).encode(), s, "text/csv"),
    "Parquet": lambda value, s: read(INVOCATIONS, frame(value).to_parquet(), s, "application/vnd.apache.parquet"),
    "Arrow": lambda value, s: read(INVOCATIONS, arrow_body(value), s, ARROW),
    ".npy": lambda value, s: read(INVOCATIONS, npy_body(value), s, NPY),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("value", "dtype"), [(INF, "float64"), (-INF, "float64"), (INF, "float32"), (3.5e38, "float32"), (1e300, "float32")]
)
def test_infinity_and_what_a_column_would_make_infinite_are_refused(way, value, dtype):
    with pytest.raises(InvalidInput, match="expected a finite number"):
        WAYS[way](value, FLOATS[dtype])


@pytest.mark.parametrize("way", [way for way in WAYS if way.startswith(("/v1", "/v2 JSON", "MLflow"))])
def test_a_json_number_beyond_every_float_is_refused(way):
    with pytest.raises((MalformedRequest, InvalidInput)):
        WAYS[way](10**400, FLOATS["float64"])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", [1e300, 5e-324, -0.0, 0.1])
def test_a_finite_number_is_read_with_every_bit(way, value):
    values = WAYS[way](value, FLOATS["float64"]).matrix[:, 0]
    assert values.tobytes() == np.array([0.5, value]).tobytes()


@pytest.mark.parametrize("way", WAYS)
def test_nan_is_a_missing_value_where_there_may_be_one_and_is_refused_elsewhere(way):
    nullable = Schema("table", (Column("x", "float64", nullable=True),), (Output("predict", "float64"),))
    assert np.isnan(WAYS[way](NAN, nullable).matrix[1, 0])
    with pytest.raises(InvalidInput, match="expected a finite number"):
        WAYS[way](NAN, FLOATS["float64"])
