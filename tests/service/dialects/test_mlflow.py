"""The MLflow dialect on its own: any body is read or refused, and what is read is of the schema's types."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_store.request_errors import MalformedRequest, RequestError
from model_store.schema import Column, Output, Schema
from service.dialects.mlflow.invocations import INVOCATIONS
from service.errors import UnsupportedMediaType
from service.wire import Call, PredictionResult, WireRequest

OUTPUTS = (Output("predict", "float64"), Output("predict_proba", "float64", (2,), ("a", "b")))
SCHEMAS = [
    Schema("matrix", (Column("x0", "float64"), Column("x1", "float64")), OUTPUTS),
    Schema("matrix", (Column("x0", "float32", nullable=True),), OUTPUTS),
    Schema("table", (Column("x0", "int8"), Column("x1", "string", nullable=True)), OUTPUTS),
    Schema("table", (Column("x0", "datetime64[ns]"), Column("x1", "bool", nullable=True)), OUTPUTS),
    Schema("table", (Column("x0", "string", categories=("a", "b"), closed=True),), OUTPUTS),
    Schema("series", (Column("text", "string"),), OUTPUTS),
]

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["x0", "x1", "a", "2024-01-02", 1.7, 128, -129])
)
KEYS = st.sampled_from(["x0", "x1", "text", "data", "columns", "index", "0", "1", "other"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
FIELDS = st.sampled_from(["dataframe_split", "dataframe_records", "instances", "inputs"])
PARAMS = st.none() | st.dictionaries(st.just("predict_method"), VALUES | st.sampled_from(["predict", "predict_proba"]))


def decode(body, schema, media_type="application/json", query="", accept="*/*"):
    return INVOCATIONS.decode(WireRequest(body, {"content-type": media_type, "accept": accept}, query), schema)


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(SCHEMAS), FIELDS, VALUES, PARAMS)
def test_any_json_is_read_into_the_schema_s_types_or_refused(schema, field, value, params):
    try:
        call = decode(json.dumps({field: value, "params": params}).encode(), schema)
    except RequestError:
        return
    check(call, schema)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SCHEMAS), st.data())
def test_rows_that_fit_are_read(schema, data):
    fitting = {
        "float64": st.floats(allow_nan=False, allow_infinity=False),
        "float32": st.floats(width=32, allow_nan=False, allow_infinity=False) | st.none(),
        "int8": st.integers(-128, 127),
        "string": st.sampled_from(["a", "b"]),
        "bool": st.booleans() | st.none(),
        "datetime64[ns]": st.sampled_from(["2024-01-02", "2024-01-02T03:04:05Z"]),
    }
    rows = data.draw(st.lists(st.tuples(*(fitting[c.dtype] for c in schema.columns)).map(list), min_size=1, max_size=5))
    split = {"dataframe_split": {"columns": list(schema.names), "data": rows}}
    records = {"dataframe_records": [dict(zip(schema.names, row, strict=True)) for row in rows]}
    for body in (split, records):
        call = decode(json.dumps(body).encode(), schema)
        assert call.batch.rows == len(rows)
        check(call, schema)


def check(call, schema):
    assert isinstance(call, Call)
    assert call.batch.rows > 0
    assert all(schema.output(name) for name in call.outputs)
    if schema.homogeneous:
        assert call.batch.matrix.shape == (call.batch.rows, len(schema.columns))
        assert call.batch.matrix.dtype == schema.columns[0].dtype
    else:
        assert list(call.batch.columns) == list(schema.names)
        assert all(len(values) == call.batch.rows for values in call.batch.columns.values())


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_header_and_query_is_read_or_refused(media_type, accept, query):
    body = b'{"instances": [[1, 2]]}'
    answered = PredictionResult(
        "m", 1, SCHEMAS[0], {"predict": np.array([1.5]), "predict_proba": np.array([[0.5, 0.5]])}
    )
    for kind in ("application/json", media_type, f"application/json;{media_type}"):
        try:
            call = decode(body, SCHEMAS[0], kind, f"predict_method={query}", accept)
        except RequestError:
            continue
        assert INVOCATIONS.encode(answered, call).body


def test_check_needs_no_model():
    INVOCATIONS.check(WireRequest(b'{"inputs": 1}', {"content-type": "application/json"}))
    INVOCATIONS.check(WireRequest(b"whatever", {"content-type": "text/csv"}))
    with pytest.raises(MalformedRequest):
        INVOCATIONS.check(WireRequest(b"{}", {"content-type": "application/json"}))
    with pytest.raises(UnsupportedMediaType):
        INVOCATIONS.check(WireRequest(b"", {}))


def test_a_float_answer_is_written_in_its_shortest_form():
    answered = PredictionResult("m", 1, SCHEMAS[0], {"predict": np.array([0.2, np.nan, np.inf], np.float32)})
    answer = INVOCATIONS.encode(answered, Call(None, ("predict",), ()))
    assert answer.body == b'{"predictions":[0.2,null,Infinity]}'
