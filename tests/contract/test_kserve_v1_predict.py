"""KServe V1's own: rows and tables that TensorFlow Serving would refuse, and CloudEvents."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store.request_errors import InvalidInput, MalformedRequest, PayloadTooLarge, RequestError
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


def test_a_lone_value_is_the_same_in_every_row():
    call = decode(TABLE, {"instances": [{"age": [1, 2], "city": "x"}, {"age": 3, "city": ["y", None]}]})
    assert call.batch.columns["age"].tolist() == [1, 2, 3, 3]
    assert call.batch.columns["city"].tolist() == ["x", "x", "y", None]
    columns = decode(TABLE, {"inputs": {"age": [1, 2], "city": {"b64": "eA=="}}})
    assert columns.context == "outputs"
    assert columns.batch.columns["city"].tolist() == ["x", "x"]


def test_a_lone_value_at_fault_is_named_once():
    error = refused(TABLE, {"instances": [{"age": "x", "city": ["x", "y"]}]})
    assert [fault.location for fault in error.faults] == ["instances[0].age"]


def test_a_list_among_lone_values_is_refused_in_a_row_that_is_not_the_first():
    error = refused(TABLE, {"instances": [{"age": 1, "city": "x"}, {"age": [2, 3], "city": "y"}]})
    assert error.faults[0].location == "instances[1].age"


@pytest.mark.parametrize(
    "instances",
    [
        [{"age": [1], "city": ["x"]}],
        [{"age": 1, "city": "x"}],
        [{"age": {"0": 1}, "city": {"0": "x"}}],
        [[1, "x"]],
        [[1.0, "x"]],
    ],
)
def test_inputs_are_rows_like_instances_where_they_are_a_list(instances):
    by_instances, by_inputs = decode(TABLE, {"instances": instances}), decode(TABLE, {"inputs": instances})
    assert by_inputs.context == by_instances.context == "predictions"
    assert by_inputs.batch.columns["age"].tolist() == by_instances.batch.columns["age"].tolist() == [1]
    assert by_inputs.batch.columns["city"].tolist() == ["x"]


def test_a_fault_in_inputs_that_are_rows_is_named_there():
    error = refused(TABLE, {"inputs": [{"age": 1, "city": "x"}, {"age": "z", "city": "x"}]})
    assert str(error).startswith("Failed to process element: 1 key: age of 'inputs' list.")
    assert [fault.location for fault in error.faults] == ["inputs[1].age"]


@pytest.mark.parametrize(
    "instances",
    [
        [{"a": 1, "b": 2}, {"b": 4, "a": 3}],
        [{"a": [1, 3], "b": [2, 4]}],
        [{"a": [1], "b": [2]}, {"a": 3, "b": [4]}],
        [{"input": [1, 2]}, {"input": [3, 4]}],
        [{"inputs": [1, 2]}, {"inputs": [3, 4]}],
    ],
)
def test_a_model_of_an_array_takes_rows_by_column_and_by_tensor(instances):
    assert decode(MATRIX, {"instances": instances}).batch.matrix.tolist() == [[1, 2], [3, 4]]
    assert decode(MATRIX, {"inputs": instances}).batch.matrix.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "inputs",
    [
        {"a": [1, 3], "b": [2, 4]},
        {"a": {"x": 1, "y": 3}, "b": {"y": 4, "x": 2}},
        {"input": [[1, 2], [3, 4]]},
        {"inputs": [[1, 2], [3, 4]]},
    ],
)
def test_a_model_of_an_array_takes_columns_and_its_tensor(inputs):
    call = decode(MATRIX, {"inputs": inputs})
    assert call.context == "outputs"
    assert call.batch.matrix.tolist() == [[1, 2], [3, 4]]


def test_a_model_of_texts_takes_its_tensor_by_the_name_of_all_dialects_and_by_its_own():
    texts = Schema("series", (Column("text", "string"),), (Output("predict", "int64"),))
    for body in (
        {"instances": [{"input": "a"}, {"input": "b"}]},
        {"instances": [{"text": "a"}, {"text": "b"}]},
        {"inputs": {"input": ["a", "b"]}},
        {"inputs": {"text": ["a", "b"]}},
    ):
        assert decode(texts, body).batch.columns["text"].tolist() == ["a", "b"]


def test_columns_of_which_none_is_there_are_no_rows_also_if_all_are_optional():
    schema = Schema("matrix", (Column("a", "float64", nullable=True, optional=True),), (Output("predict", "int64"),))
    assert decode(schema, {"instances": [{}]}).batch.rows == 1
    for columns in ({}, {"other": [1]}):
        assert "at least one row" in str(refused(schema, {"inputs": columns}))


def test_a_long_key_is_cut_in_the_place_of_a_fault():
    error = refused(TABLE, {"inputs": {"age": {"k" * 10_000: "z"}, "city": {"k" * 10_000: "x"}}})
    assert len(error.faults[0].location) < 100


def test_a_column_called_like_the_tensor_is_a_column_among_others():
    schema = Schema("matrix", (Column("input", "float64"), Column("b", "float64")), (Output("predict", "int64"),))
    assert decode(schema, {"instances": [{"input": 1, "b": 2}]}).batch.matrix.tolist() == [[1, 2]]
    assert decode(schema, {"instances": [{"input": [1, 2]}]}).batch.matrix.tolist() == [[1, 2]]


FRAME = pd.DataFrame({"age": [1, 2], "city": ["x", None]})


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [FRAME.to_dict()]},
        {"instances": [FRAME.to_dict(orient="list")]},
        {"instances": FRAME.to_dict(orient="records")},
        {"instances": FRAME.to_dict(orient="split")["data"]},
        {"inputs": FRAME.to_dict()},
        {"inputs": FRAME.to_dict(orient="list")},
        {"inputs": [FRAME.to_dict()]},
    ],
)
def test_what_pandas_makes_of_a_dataframe_is_taken(body):
    sent = pd.io.json.ujson_dumps(body).encode()
    batch = decode(TABLE, sent).batch
    assert batch.columns["age"].tolist() == [1, 2]
    assert batch.columns["city"].tolist() == ["x", None]


@pytest.mark.parametrize("form", ["instances", "inputs"])
@pytest.mark.parametrize("orient", ["split", "tight", "index"])
def test_a_form_of_a_dataframe_that_is_not_taken_names_the_right_one(form, orient):
    made = json.loads(pd.io.json.ujson_dumps(FRAME.to_dict(orient=orient)))
    for body in ({form: [made]}, *([{form: made}] if form == "inputs" else [])):
        said = str(refused(TABLE, body))
        looks = "index" if orient == "index" else "split"
        assert f"looks like DataFrame.to_dict(orient='{looks}'): send that of orient='records' as 'instances'" in said


def test_columns_under_instances_are_told_where_to_go():
    error = refused(TABLE, {"instances": {"age": [1], "city": ["x"]}}, MalformedRequest)
    assert error.faults[0].expected == "a list of rows ('inputs' takes columns)"


@pytest.mark.parametrize(
    "instance", [{"age": {"0": 1}, "city": {"1": "x"}}, {"age": {"0": 1, "1": 2}, "city": {"0": "x"}}]
)
def test_columns_by_index_must_have_the_same_keys(instance):
    error = refused(TABLE, {"instances": [instance]})
    assert [fault.location for fault in error.faults] == ["instances[0].city"]


def test_a_fault_in_a_column_by_index_is_named_by_its_key():
    error = refused(TABLE, {"inputs": {"age": {"r1": 1, "r2": "z"}, "city": {"r1": "x", "r2": "y"}}})
    assert [fault.location for fault in error.faults] == ["inputs.age.r2"]


def test_rows_of_numbers_for_a_table_may_be_those_of_an_array():
    schema = Schema("table", (Column("n", "int64"), Column("x", "float64")), (Output("predict", "int64"),))
    batch = decode(schema, {"instances": np.array([[1, 0.5], [2, 1.5]]).tolist()}).batch
    assert batch.columns["n"].tolist() == [1, 2]
    error = refused(schema, {"instances": [[1, 0.5], [2.5, 0.5], [3]]})
    assert {fault.location for fault in error.faults} <= {"instances[1][0]", "instances[2]"}


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [{"age": [1] * 3, "city": "x"}] * 4},
        {"instances": [{"age": [1] * 11, "city": "x"}]},
        {"inputs": {"age": {str(i): 1 for i in range(11)}, "city": {str(i): "x" for i in range(11)}}},
        {"inputs": {"age": [1] * 11, "city": "x"}},
    ],
)
def test_more_rows_than_allowed_are_refused(body):
    with pytest.raises(PayloadTooLarge):
        PREDICT.decode(WireRequest(json.dumps(body).encode(), max_rows=10), TABLE)


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
