"""KServe V1's own: instances as small tables, and CloudEvents."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store.request_errors import InvalidInput, MalformedRequest, RequestError
from model_store.schema import Column, Output, Schema
from service.dialects.tfserving.kserve_v1 import EVENT, PREDICT
from service.wire import PredictionResult, WireRequest

MATRIX = Schema("matrix", (Column("a", "float64"), Column("b", "float64")), (Output("predict", "int64"),))
TABLE = Schema(
    "table", (Column("age", "int64"), Column("city", "string", nullable=True)), (Output("predict", "int64"),)
)
BINARY = {"ce-specversion": "1.0", "ce-id": "36077800", "ce-source": "com.example", "ce-type": "com.example.ask"}
STRUCTURED = {"content-type": "application/cloudevents+json; charset=UTF-8"}


def request(body, headers=None):
    return WireRequest(body if isinstance(body, bytes) else json.dumps(body).encode(), headers or {})


def decode(schema, body, headers=None):
    return PREDICT.decode(request(body, headers), schema)


def refused(schema, body, error=InvalidInput, headers=None):
    with pytest.raises(error) as caught:
        decode(schema, body, headers)
    return caught.value


def event(data, **attributes):
    return {"specversion": "1.0", "id": "1", "source": "here", "type": "ask", "data": data, **attributes}


def answer(call, model="iris"):
    return PREDICT.encode(PredictionResult(model, 1, MATRIX, {"predict": np.array([1, 2])}), call)


@pytest.mark.parametrize("form", ["instances", "inputs"])
def test_plain_lists_are_rows(form):
    assert decode(MATRIX, {form: [[1, 2], [3, 4]]}).batch.matrix.tolist() == [[1, 2], [3, 4]]


def test_instances_are_answered_with_predictions_and_inputs_with_outputs():
    assert answer(decode(MATRIX, {"instances": [[1, 2]]})).body == b'{"predictions":[1,2]}'
    assert answer(decode(MATRIX, {"inputs": [[1, 2]]})).body == b'{"outputs":[1,2]}'


@pytest.mark.parametrize(
    "instances",
    [
        [{"age": [1, 2], "city": ["x", None]}, {"age": [3], "city": ["y"]}],
        [{"age": [1, 2, 3], "city": ["x", None, "y"]}],
        [{"age": [1], "city": ["x"]}, {"age": [2], "city": [None]}, {"age": [3], "city": ["y"]}],
        [{"age": [1], "city": "x"}, {"age": 2, "city": None}, {"age": 3, "city": "y"}],
    ],
)
def test_each_instance_is_a_table_of_rows(instances):
    call = decode(TABLE, {"instances": instances})
    assert call.context == "predictions"
    assert call.batch.columns["age"].tolist() == [1, 2, 3]
    assert call.batch.columns["city"].tolist() == ["x", None, "y"]


def test_a_fault_in_a_table_is_named_where_it_stands():
    error = refused(TABLE, {"instances": [{"age": [1, 2], "city": ["x", "y"]}, {"age": [3, "z"], "city": ["x", "y"]}]})
    assert [fault.location for fault in error.faults] == ["instances[1].age[1]"]


def test_lists_of_different_lengths_in_one_instance_are_refused():
    error = refused(TABLE, {"instances": [{"age": [1, 2, 3], "city": ["x"]}]})
    assert error.faults[0].location == "instances[0].city"


def test_a_value_is_not_repeated_beside_a_longer_list():
    assert refused(TABLE, {"instances": [{"age": [1, 2, 3], "city": "x"}]}).faults[0].got == '"x"'


def test_keys_are_still_checked():
    assert "does not have named input: X" in str(refused(TABLE, {"instances": [{"age": [1], "X": [1]}]}))
    assert "keys must be equal to: age,city" in str(refused(TABLE, {"instances": [{"age": [1]}]}))


def test_empty_lists_are_no_rows():
    refused(TABLE, {"instances": [{"age": [], "city": []}]})


def test_a_structured_event_goes_in_and_out():
    call = decode(MATRIX, event({"instances": [[1, 2], [3, 4]]}), STRUCTURED)
    assert call.batch.rows == 2
    out = answer(call)
    assert out.media_type == EVENT
    document = json.loads(out.body)
    assert document["data"] == {"predictions": [1, 2]}
    assert (document["specversion"], document["type"]) == ("1.0", "io.kserve.inference.response")
    assert document["source"] == "io.kserve.inference.iris"
    assert document["id"]
    assert document["time"]


def test_a_binary_event_goes_in_and_out():
    out = answer(decode(MATRIX, {"instances": [[1, 2], [3, 4]]}, BINARY))
    assert out.media_type == "application/json"
    assert json.loads(out.body) == {"predictions": [1, 2]}
    assert out.headers["ce-specversion"] == "1.0"
    assert out.headers["ce-source"] == "io.kserve.inference.iris"
    assert out.headers["ce-type"] == "io.kserve.inference.response"
    assert out.headers["ce-id"] != BINARY["ce-id"]


def test_an_event_is_always_answered_with_predictions():
    assert json.loads(answer(decode(MATRIX, {"inputs": [[1, 2]]}, BINARY)).body) == {"predictions": [1, 2]}


def test_without_all_of_an_event_s_headers_it_is_a_plain_request():
    headers = {name: value for name, value in BINARY.items() if name != "ce-id"}
    assert answer(decode(MATRIX, {"instances": [[1, 2]]}, headers)).headers == {}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (event({"instances": [[1, 2]]}, id=""), STRUCTURED),
        (event({"instances": [[1, 2]]}, type=None), STRUCTURED),
        (event({"instances": [[1, 2]]}, specversion="9"), STRUCTURED),
        (event([1]), STRUCTURED),
        ({"instances": [[1, 2]]}, STRUCTURED),
        ({"instances": [[1, 2]]}, BINARY | {"ce-specversion": "9"}),
    ],
)
def test_what_is_no_event_is_refused_whatever_the_model(body, headers):
    assert str(refused(MATRIX, body, MalformedRequest, headers)).startswith("Cloud Event Exceptions: ")
    with pytest.raises(MalformedRequest):
        PREDICT.check(request(body, headers))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["age", "city", "data", "instances", "id"]), inner, max_size=4)
    ),
    max_leaves=12,
)
TABLES = st.lists(st.fixed_dictionaries({"age": VALUES | st.lists(st.integers()), "city": VALUES}), min_size=1)


@given(
    st.sampled_from([MATRIX, TABLE]),
    st.fixed_dictionaries({"instances": TABLES | VALUES}) | VALUES,
    st.sampled_from([{}, BINARY, STRUCTURED]),
    st.booleans(),
)
def test_any_json_is_decoded_or_refused_by_a_service_error(schema, body, headers, enveloped):
    try:
        rows = decode(schema, event(body) if enveloped else body, headers).batch.rows
    except RequestError:
        rows = None
    assert rows is None or rows >= 1
