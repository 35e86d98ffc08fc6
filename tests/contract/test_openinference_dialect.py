"""Open Inference Protocol: what an inference request says and how it is answered, without HTTP."""

import base64
import json
import math
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_store.codecs import tensors
from model_store.request_errors import InvalidInput, MalformedRequest, RequestError
from model_store.schema import DATETIMES, DTYPES, TIMEDELTAS, Column, Output, Schema
from service.dialects.openinference import metadata as openinference_metadata
from service.dialects.openinference.infer import HEADER_LENGTH, INFER
from service.errors import NotImplementedHere, UnknownOutput
from service.wire import PredictionResult, WireRequest

OUTPUTS = (
    Output("predict", "int64", (), (0, 1, 2)),
    Output("predict_proba", "float64", (3,), (0, 1, 2)),
    Output("decision_function", "float64", (3,), (0, 1, 2)),
)


def columns(dtype, names="abcd", **more):
    return tuple(Column(name, dtype, **more) for name in names)


MATRIX = Schema("matrix", columns("float64"), OUTPUTS, "classifier")
MATRIX32 = Schema("matrix", columns("float32"), OUTPUTS[:1], "classifier")
NULLABLE = Schema("matrix", columns("float64", nullable=True), OUTPUTS[:1], "classifier")
INTEGERS = Schema("matrix", columns("int16"), OUTPUTS[:1], "classifier")
ONE = Schema("matrix", columns("float64", "x"), OUTPUTS[:1], "regressor")
SERIES = Schema("series", columns("string", ("text",)), (Output("predict", "string", (), ("ham", "spam")),))
NUMERIC_TABLE = Schema("table", columns("float64"), OUTPUTS, "classifier")
TABLE = Schema(
    "table",
    (
        Column("age", "int64"),
        Column("income", "float64", nullable=True),
        Column("city", "string", nullable=True),
        Column("member", "bool"),
        Column("since", "datetime64[ns]", nullable=True),
    ),
    (Output("predict", "string", (), ("no", "yes")), Output("predict_proba", "float32", (2,), ("no", "yes"))),
    "classifier",
)
ROWS = [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]


def tensor(name="input", shape=(2, 4), datatype="FP64", **more):
    made = {"name": name, "shape": list(shape), "datatype": datatype, **more}
    if not {"data", "parameters"} & more.keys():
        made["data"] = ROWS
    return made


def request(document, tail=None, **headers):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    if tail is not None:
        headers.setdefault("length", str(len(body)))
        body += tail
    if "length" in headers:
        headers = {HEADER_LENGTH.lower(): headers.pop("length"), **headers}
    return WireRequest(body, headers)


def decode(document, schema=MATRIX, tail=None, **headers):
    return INFER.decode(request(document, tail, **headers), schema)


def matrix(inputs, schema=MATRIX, **more):
    return decode({"inputs": inputs, **more}, schema).batch.matrix.tolist()


def refusal(document, schema=MATRIX, tail=None, kind=MalformedRequest, **headers):
    with pytest.raises(kind) as refused:
        decode(document, schema, tail, **headers)
    return refused.value


def answer(document, outputs, schema=MATRIX, tail=None, **headers):
    call = decode(document, schema, tail, **headers)
    arrays = {name: outputs[name] for name in call.outputs}
    return INFER.encode(PredictionResult("flowers", 7, schema, arrays), call)


PREDICTED = {
    "predict": np.array([2, 0]),
    "predict_proba": np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 0.0]]),
    "decision_function": np.array([[-1.0, 0.0, 1.0], [2.0, 1.0, 0.0]]),
}


# --- inputs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [ROWS, [1, 2, 3, 4, 5, 6, 7, 8], [[1.0, 2], [[3, 4], [5.0]], 6, [[[7]]], 8], [[[[1, 2, 3, 4, 5, 6, 7, 8]]]]]
)
def test_data_may_be_flat_or_nested_in_any_way_that_has_as_many_elements_as_the_shape(data):
    assert matrix([tensor(data=data)]) == ROWS


@pytest.mark.parametrize("strange", ["", {}, {"a": 1}, "ab"])
@pytest.mark.parametrize("rows", [2, 100])
def test_what_is_neither_list_nor_number_is_refused_even_where_it_holds_nothing(strange, rows):
    data = [[1.0, 2.0, 3.0, 4.5]] * rows
    refusal({"inputs": [tensor(shape=[rows, 4], data=[*data, strange])]}, kind=RequestError)


@pytest.mark.parametrize("rows", [1, 100])
@pytest.mark.parametrize("datatype", ["FP32", "FP64"])
def test_bools_among_numbers_are_refused_with_their_index(rows, datatype):
    data = [2.5] * (4 * rows)
    data[-1] = True
    refused = refusal({"inputs": [tensor(shape=[rows, 4], datatype=datatype, data=data)]}, kind=InvalidInput)
    assert refused.faults[0].location == f"inputs[0].data[{4 * rows - 1}]"


@pytest.mark.parametrize("data", [[1.0], ROWS[:1], [*ROWS, [9.0]], [], [[], []]])
def test_an_element_count_that_is_not_the_shape_s_is_refused(data):
    refused = refusal({"inputs": [tensor(data=data)]})
    assert refused.faults[0].location == "inputs[0].data"
    assert "8 elements" in refused.detail


def test_lists_nest_to_a_hundred_levels_and_no_deeper():
    deep = 1.0
    for _ in range(100):
        deep = [deep]
    assert matrix([tensor(shape=[1, 1], data=deep)], ONE) == [[1.0]]
    assert "100" in refusal({"inputs": [tensor(shape=[1, 1], data=[deep])]}, ONE).detail
    assert "100" in refusal({"inputs": [tensor(shape=[2, 1], data=[[deep], 2.0])]}, ONE).detail


def test_answers_are_flat():
    document = json.loads(answer({"inputs": [tensor()], "outputs": [{"name": "predict_proba"}]}, PREDICTED).body)
    (output,) = document["outputs"]
    assert output["shape"] == [2, 3]
    assert output["data"] == [0.1, 0.2, 0.7, 0.5, 0.5, 0.0]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"parameters": {}}, "But no field is set"),
        ({"data": None}, "But no field is set"),
        ({"data": ROWS, "parameters": {"binary_data_size": 64}}, "But set 'data' 'binary_data_size'"),
        ({"data": ROWS, "parameters": {"shared_memory_region": "r"}}, "But set 'data' 'shared_memory_region'"),
    ],
)
def test_an_input_has_exactly_one_source_of_data(fields, said):
    refused = refusal({"inputs": [tensor(**fields)]})
    assert "Input must set only one of the following fields" in refused.detail
    assert said in refused.detail


def test_shared_memory_is_not_implemented():
    refusal({"inputs": [tensor(parameters={"shared_memory_region": "r"})]}, kind=NotImplementedHere)


@pytest.mark.parametrize("body", [{}, {"inputs": None}, {"inputs": []}, {"inputs": {}}, {"instances": ROWS}])
def test_a_request_without_inputs_is_refused(body):
    assert refusal(body).detail.startswith("Unable to parse 'inputs'")


@pytest.mark.parametrize("key", ["name", "datatype", "shape"])
@pytest.mark.parametrize("value", [None, 3, True, {}])
def test_an_input_without_a_proper_name_datatype_or_shape_is_refused(key, value):
    assert refusal({"inputs": [{**tensor(), key: value}]}).faults[0].location == f"inputs[0].{key}"
    whole = {k: v for k, v in tensor().items() if k != key}
    assert refusal({"inputs": [whole]}).faults[0].location == f"inputs[0].{key}"


@pytest.mark.parametrize("shape", [[-1, 4], [2.0, 4], ["2", 4], [True, 4], [[2], 4]])
def test_shapes_are_whole_numbers_of_0_or_more(shape):
    assert "invalid dimensions" in refusal({"inputs": [tensor(shape=shape)]}).detail


@pytest.mark.parametrize("shape", [[2**62, 4], [2**63, 2**63, 2**63], [10**18, 10**18]])
def test_shapes_whose_product_is_too_large_are_refused(shape):
    assert "maximum size" in refusal({"inputs": [tensor(shape=shape)]}).detail


def test_a_shape_of_a_million_dimensions_is_refused_at_once():
    refusal({"inputs": [tensor(shape=[2**62] * 1_000_000)]})


@pytest.mark.parametrize("more", [{"data": []}, {"data": "never read"}, {"parameters": {}}])
def test_a_dimension_of_zero_makes_an_empty_tensor_whose_data_is_not_read(more):
    call = decode({"inputs": [tensor(shape=[0, 4], **more)]})
    assert call.batch.rows == 0
    assert call.batch.matrix.shape == (0, 4)


@pytest.mark.parametrize("datatype", ["FP32", "FP64", "INT8", "INT64", "UINT8", "UINT64"])
@pytest.mark.parametrize("schema", [MATRIX, MATRIX32, INTEGERS])
def test_numbers_are_cast_to_the_model_s_type_where_that_is_safe(datatype, schema):
    assert matrix([tensor(datatype=datatype, data=[[1, 2, 3, 4], [5, 6, 7, 8]])], schema) == ROWS


def test_numbers_in_json_keep_the_digits_they_were_written_with():
    assert matrix([tensor(shape=[1, 4], datatype="FP32", data=[0.1, 0.2, 0.3, 0.4])]) == [[0.1, 0.2, 0.3, 0.4]]


@pytest.mark.parametrize(
    ("datatype", "data", "schema", "location"),
    [
        ("UINT8", [1, 2, 3, 4, 5, 6, 7, 300], MATRIX, "inputs[0].data[7]"),
        ("UINT8", [1, 2, -3, 4, 5, 6, 7, 8], MATRIX, "inputs[0].data[2]"),
        ("INT64", [1, 2, 3, 4.5, 5, 6, 7, 8], MATRIX, "inputs[0].data[3]"),
        ("INT64", [1, 2, 3, 2**63, 5, 6, 7, 8], MATRIX, "inputs[0].data[3]"),
        ("FP32", [1, 2, 3, 4, 1e39, 6, 7, 8], MATRIX, "inputs[0].data[4]"),
        ("FP64", [1, 2, 3, 4, 1e39, 6, 7, 8], MATRIX32, "inputs[0].data[4]"),
        ("FP64", [1, 2, 3, 4, 5, 6, 7.5, 8], INTEGERS, "inputs[0].data[6]"),
        ("INT32", [1, 2, 3, 4, 5, 6, 7, 32768], INTEGERS, "inputs[0].data[7]"),
        ("FP64", [1, 2, 3, 4, 5, "6", 7, 8], MATRIX, "inputs[0].data[5]"),
        ("FP64", [1, 2, 3, 4, 5, True, 7, 8], MATRIX, "inputs[0].data[5]"),
        ("FP64", [1, 2, 3, 4, 5, {}, 7, 8], MATRIX, "inputs[0].data[5]"),
        ("FP64", [1, None, 3, 4, 5, 6, 7, 8], MATRIX, "inputs[0].data[1]"),
    ],
)
def test_a_number_that_does_not_fit_is_refused_with_its_index(datatype, data, schema, location):
    refused = refusal({"inputs": [tensor(datatype=datatype, data=data)]}, schema, kind=InvalidInput)
    assert [fault.location for fault in refused.faults] == [location]


def test_every_wrong_element_is_named_up_to_twenty():
    refused = refusal({"inputs": [tensor(shape=[10, 4], data=["x"] * 40)]}, kind=InvalidInput)
    assert [fault.location for fault in refused.faults] == [f"inputs[0].data[{i}]" for i in range(20)]


LONG = "n" * 100_000


@pytest.mark.parametrize(
    "document",
    [
        {"inputs": [tensor(LONG, shape=[-1])]},
        {"inputs": [tensor(LONG, datatype="FP16")]},
        {"inputs": [tensor(LONG, shape=[2, 2], data=[1, 2, 3, 4])]},
        {"inputs": [tensor(LONG, parameters={"binary_data_size": 64})]},
        {"inputs": [tensor(LONG), tensor(LONG)]},
        {"inputs": [tensor("a", [1], data=[1]), tensor("a", [1], data=[1])] * 10_000},
        {"inputs": [tensor(f"{LONG[:100]}{i}", [1], data=[1]) for i in range(1000)]},
        {"inputs": [tensor(datatype=LONG)]},
        {"inputs": [tensor(shape=[10, 4], data=[LONG] * 40)]},
        {"inputs": [tensor(parameters={LONG: {}})]},
        {"inputs": [tensor(data=ROWS, parameters={"triton_" + LONG: 1})]},
        {"inputs": [tensor()], "outputs": [{"name": LONG}]},
        {"inputs": [tensor()], "parameters": {"content_type": LONG}},
        {"inputs": LONG},
        {LONG: 1},
    ],
)
def test_a_refusal_is_short_however_long_the_request_is(document):
    refused = refusal(document, kind=RequestError)
    said = refused.detail + "".join(fault.location + fault.expected + fault.got for fault in refused.faults)
    assert len(said) < 5000


def test_a_datatype_of_another_kind_is_refused_by_name():
    refused = refusal({"inputs": [tensor(datatype="BYTES", data=["1"] * 8)]}, kind=InvalidInput)
    assert refused.detail == "inference input 'input' data-type is 'BYTES', but the model expects 'FP64'"


@pytest.mark.parametrize("schema", [MATRIX, MATRIX32, INTEGERS])
@pytest.mark.parametrize("in_binary", [False, True])
def test_bools_are_taken_as_0_and_1_for_numbers(schema, in_binary):
    flags = [True, False, False, True, False, True, True, False]
    array = np.array(flags)
    one = binary(datatype="BOOL", size=8) if in_binary else tensor(datatype="BOOL", data=flags)
    made = decode({"inputs": [one]}, schema, array.tobytes() if in_binary else None).batch.matrix
    assert made.dtype == schema.columns[0].dtype
    assert made.tolist() == array.reshape(2, 4).astype(float).tolist()


def test_bools_are_taken_for_the_numbers_of_a_table_beside_other_columns():
    inputs = [
        tensor("age", [2], "BOOL", data=[True, False]),
        tensor("income", [2], "BOOL", data=[None, True]),
        tensor("city", [2], "BYTES", data=["Bern", None]),
        tensor("member", [2], "BOOL", data=[True, False]),
        tensor("since", [2], "BYTES", data=[None, None]),
    ]
    columns = decode({"inputs": inputs}, TABLE).batch.columns
    assert columns["age"].tolist() == [1, 0]
    assert columns["age"].dtype == "int64"
    assert math.isnan(columns["income"][0])
    assert columns["income"][1] == 1.0
    assert columns["member"].tolist() == [True, False]


@pytest.mark.parametrize("datatype", ["UINT8", "FP64"])
def test_numbers_are_not_taken_for_bools(datatype):
    inputs = [tensor("member", [1], datatype, data=[1])]
    assert "data-type is" in refusal({"inputs": inputs}, TABLE, kind=InvalidInput).detail


def test_a_missing_bool_is_no_number_where_no_value_may_be_missing():
    flags = [True, None, False, True, False, True, True, False]
    refused = refusal({"inputs": [tensor(datatype="BOOL", data=flags)]}, kind=InvalidInput)
    assert [fault.location for fault in refused.faults] == ["inputs[0].data[1]"]


@pytest.mark.parametrize("datatype", ["FP8", "fp32", "STRING", ""])
def test_an_unknown_datatype_is_refused(datatype):
    assert refusal({"inputs": [tensor(datatype=datatype)]}).faults[0].location == "inputs[0].datatype"


@pytest.mark.parametrize("shape", [[4, 2], [8], [1, 8], [2, 2, 2], [], [2, 1, 4]])
def test_a_shape_that_is_not_the_model_s_is_refused(shape):
    data = [1.0] * math.prod(shape)
    refused = refusal({"inputs": [tensor(shape=shape, data=data)]}, kind=InvalidInput)
    assert refused.detail.startswith("unexpected shape for input 'input'. Expected [-1,4], got [")


@pytest.mark.parametrize("datatype", ["FP16", "BF16"])
def test_half_precision_is_taken_as_binary_data_only(datatype):
    assert "binary data format for input 'input'" in refusal({"inputs": [tensor(datatype=datatype)]}).detail
    raw = (
        np.array(ROWS, "<f2").tobytes() if datatype == "FP16" else np.array(ROWS, "<f4").view("<u2")[:, 1::2].tobytes()
    )
    call = decode({"inputs": [tensor(datatype=datatype, parameters={"binary_data_size": 16})]}, MATRIX, raw)
    assert call.batch.matrix.tolist() == ROWS


@pytest.mark.parametrize("name", ["input", "input-0", "predict", "x", ""])
def test_a_model_of_arrays_takes_one_tensor_of_any_name(name):
    assert matrix([tensor(name)]) == ROWS


@pytest.mark.parametrize("shape", [[2], [2, 1]])
@pytest.mark.parametrize("schema", [MATRIX, NUMERIC_TABLE])
def test_numbers_may_come_as_one_tensor_for_each_column_in_any_order(shape, schema):
    inputs = [tensor(name, shape, data=[row[i] for row in ROWS]) for i, name in enumerate("abcd")]
    assert matrix(inputs[::-1], schema) == ROWS


def test_a_table_of_one_number_type_takes_a_single_tensor():
    assert matrix([tensor("anything")], NUMERIC_TABLE) == ROWS


def test_a_table_takes_one_tensor_for_each_column():
    call = decode(
        {
            "inputs": [
                tensor("age", [2, 1], "INT32", data=[30, 40]),
                tensor("income", [2, 1], "FP64", data=[1.5, None]),
                tensor("city", [2], "BYTES", data=["Köln", None]),
                tensor("member", [2, 1], "BOOL", data=[True, False]),
                tensor("since", [2, 1], "BYTES", data=["2024-05-01", "2024-05-01T12:00:00Z"]),
            ]
        },
        TABLE,
    )
    made = call.batch.columns
    assert list(made) == ["age", "income", "city", "member", "since"]
    assert made["age"].tolist() == [30, 40]
    assert made["income"][0] == 1.5
    assert np.isnan(made["income"][1])
    assert made["city"].tolist() == ["Köln", None]
    assert made["member"].tolist() == [True, False]
    assert made["since"].astype(str).tolist() == ["2024-05-01T00:00:00.000000000", "2024-05-01T12:00:00.000000000"]


def test_a_fault_in_a_table_names_the_input_and_the_row():
    inputs = [
        tensor("member", [2], "BOOL", data=[True, False]),
        tensor("age", [2], "FP64", data=[30, 40.5]),
        tensor("income", [2], data=[None, None]),
        tensor("since", [2], "BYTES", data=[None, None]),
        tensor("city", [2], "BYTES", data=[None, None]),
    ]
    refused = refusal({"inputs": inputs}, TABLE, kind=InvalidInput)
    assert refused.faults[0].location == "inputs[1].data[1]"


def test_a_column_that_is_missing_and_may_not_be_is_named():
    inputs = [
        tensor("age", [1], "INT64", data=[3]),
        tensor("income", [1], data=[None]),
        tensor("since", [1], "BYTES", data=[None]),
        tensor("city", [1], "BYTES", data=[None]),
    ]
    refused = refusal({"inputs": inputs}, TABLE, kind=InvalidInput)
    assert "member" in refused.detail


def test_an_input_that_the_model_does_not_have_is_named():
    refused = refusal({"inputs": [tensor("ago", [1], "INT64", data=[3])]}, TABLE, kind=InvalidInput)
    assert refused.detail.startswith("unexpected inference input 'ago'")
    assert refused.faults[0].location == "inputs[0].name"


def test_an_input_given_twice_is_refused():
    twice = [tensor("a", [1], data=[1.0]), tensor("a", [1], data=[2.0])]
    refused = refusal({"inputs": twice}, kind=InvalidInput)
    assert refused.faults[0].location == "inputs[1].name"


def test_the_one_tensor_given_twice_is_said_to_be_there_twice():
    refused = refusal({"inputs": [tensor(), tensor()]}, kind=InvalidInput)
    assert refused.detail == 'inputs[1].name: expected each input once, got "input" a second time'


def test_columns_of_different_lengths_are_refused():
    inputs = [tensor(name, [n], data=[1.0] * n) for name, n in zip("abcd", (2, 2, 3, 2), strict=True)]
    refusal({"inputs": inputs}, kind=InvalidInput)


@pytest.mark.parametrize("shape", [[2], [2, 1]])
def test_a_model_of_texts_takes_one_tensor_of_bytes(shape):
    call = decode({"inputs": [tensor("input-0", shape, "BYTES", data=["buy now", "hello"])]}, SERIES)
    assert call.batch.columns["text"].tolist() == ["buy now", "hello"]


def test_null_and_nan_are_missing_values_where_the_model_knows_such():
    body = b'{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP64","data":[1,null,NaN,4]}]}'
    assert np.isnan(decode(body, NULLABLE).batch.matrix[0, 1:3]).all()
    assert [f.location for f in refusal(body, MATRIX, kind=InvalidInput).faults] == [
        "inputs[0].data[1]",
        "inputs[0].data[2]",
    ]


@pytest.mark.parametrize("token", ["Infinity", "-Infinity"])
def test_infinity_is_refused(token):
    body = f'{{"inputs":[{{"name":"x","shape":[1,4],"datatype":"FP64","data":[1,2,3,{token}]}}]}}'.encode()
    assert refusal(body, NULLABLE, kind=InvalidInput).faults[0].location == "inputs[0].data[3]"


# --- the request around the inputs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"{", b"[1,2", b'{"inputs":[}', b"\xff", b"[]", b"3", b"null", b'"x"'])
def test_a_body_that_is_no_json_object_is_refused(body):
    refusal(body)


def test_the_id_is_echoed():
    document = json.loads(answer({"id": "abc", "inputs": [tensor()]}, PREDICTED).body)
    assert document["id"] == "abc"


def test_without_an_id_the_http_request_s_own_is_given_or_a_new_one():
    given_one = answer({"inputs": [tensor()]}, PREDICTED, **{"x-request-id": "from-nginx"})
    assert json.loads(given_one.body)["id"] == "from-nginx"
    new = {json.loads(answer({"inputs": [tensor()]}, PREDICTED).body)["id"] for _ in range(3)}
    assert len(new) == 3


@pytest.mark.parametrize("value", [7, True, [], {}])
def test_an_id_that_is_no_string_is_refused(value):
    assert refusal({"id": value, "inputs": [tensor()]}).faults[0].location == "id"


@pytest.mark.parametrize("absent", [{}, {"outputs": None}, {"outputs": []}])
def test_without_outputs_all_are_answered_the_default_one_first(absent):
    document = json.loads(answer({"inputs": [tensor()], **absent}, PREDICTED).body)
    assert [output["name"] for output in document["outputs"]] == ["predict", "predict_proba", "decision_function"]


def test_only_the_requested_outputs_are_computed_and_answered_in_their_order():
    wanted = [{"name": "predict_proba"}, {"name": "predict"}]
    call = decode({"inputs": [tensor()], "outputs": wanted})
    assert call.outputs == ("predict_proba", "predict")
    document = json.loads(answer({"inputs": [tensor()], "outputs": wanted}, PREDICTED).body)
    assert [output["name"] for output in document["outputs"]] == ["predict_proba", "predict"]


def test_an_unknown_output_is_refused_by_name():
    refused = refusal({"inputs": [tensor()], "outputs": [{"name": "transform"}]}, kind=UnknownOutput)
    assert refused.detail.startswith("unexpected inference output 'transform'")


def test_an_output_named_twice_is_refused():
    refused = refusal({"inputs": [tensor()], "outputs": [{"name": "predict"}, {"name": "predict"}]})
    assert refused.faults[0].location == "outputs[1].name"


@pytest.mark.parametrize("outputs", [{}, "predict", [3], [{}], [{"name": 3}], ["predict"]])
def test_outputs_that_are_no_list_of_named_objects_are_refused(outputs):
    refusal({"inputs": [tensor()], "outputs": outputs})


@pytest.mark.parametrize("alias", ["output-0", "output__0", "output_0", "output0", "output"])
def test_other_servers_names_answer_the_default_output_under_that_name(alias):
    wanted = [{"name": alias}, {"name": "predict"}]
    document = json.loads(answer({"inputs": [tensor()], "outputs": wanted}, PREDICTED).body)
    assert [(o["name"], o["data"]) for o in document["outputs"]] == [(alias, [2, 0]), ("predict", [2, 0])]


def test_predictions_of_one_number_a_row_have_one_dimension():
    document = json.loads(answer({"inputs": [tensor()]}, PREDICTED).body)
    assert document["outputs"][0]["shape"] == [2]


@pytest.mark.parametrize("place", ["request", "input", "output"])
@pytest.mark.parametrize(
    ("key", "value"), [("triton_x", 1), ("deep", {}), ("deep", []), ("none", None), ("content_type", "hf")]
)
def test_parameters_are_strings_numbers_or_bools_and_never_start_with_triton(place, key, value):
    parameters = {"parameters": {key: value}}
    document = {"inputs": [tensor()], "outputs": [{"name": "predict"}]}
    target = {"request": document, "input": document["inputs"][0], "output": document["outputs"][0]}[place]
    target.update(parameters)
    refused = refusal(document)
    assert refused.faults[0].location.endswith(f"parameters.{key}")


@pytest.mark.parametrize("value", [[], "x", 3])
def test_parameters_that_are_no_object_are_refused(value):
    refusal({"inputs": [tensor()], "parameters": value})


def test_parameters_of_other_servers_are_taken_and_left_alone():
    given_ones = {
        "sequence_id": 1,
        "sequence_start": True,
        "priority": 2,
        "timeout": 1000,
        "headers": "x",
        "mine": 1.5,
        "content_type": "np",
    }
    assert decode({"inputs": [tensor()], "parameters": given_ones}).batch.rows == 2


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("priority", "x"),
        ("priority", -1),
        ("priority", True),
        ("timeout", -1),
        ("timeout", 1.5),
        ("sequence_start", "yes"),
        ("sequence_end", 1),
        ("sequence_id", 1.5),
        ("sequence_id", False),
        ("binary_data_output", "true"),
    ],
)
def test_reserved_parameters_of_another_kind_are_refused(key, value):
    refused = refusal({"inputs": [tensor()], "parameters": {key: value}})
    assert refused.faults[0].location == f"parameters.{key}"


@pytest.mark.parametrize("value", [0, 7, "a session"])
def test_a_sequence_is_a_string_or_a_whole_number(value):
    assert decode({"inputs": [tensor()], "parameters": {"sequence_id": value}}).batch.rows == 2


@pytest.mark.parametrize("level", ["request", "input"])
def test_the_content_type_base64_has_bytes_decoded(level):
    coded = [base64.b64encode(text.encode()).decode() for text in ("Köln", "")]
    one = tensor("text", [2], "BYTES", data=coded)
    document = {"inputs": [one]}
    (document if level == "request" else one)["parameters"] = {"content_type": "base64"}
    assert decode(document, SERIES).batch.columns["text"].tolist() == ["Köln", ""]


@pytest.mark.parametrize("text", ["%%%", "=", base64.b64encode(b"\xff").decode(), "ä"])
def test_what_is_not_base64_of_text_is_refused_with_its_index(text):
    one = tensor("text", [2], "BYTES", data=["", text], parameters={"content_type": "base64"})
    assert refusal({"inputs": [one]}, SERIES, kind=InvalidInput).faults[0].location == "inputs[0].data[1]"


@pytest.mark.parametrize("content_type", ["np", "pd", "str"])
def test_the_other_content_types_of_mlserver_leave_text_as_it_is(content_type):
    one = tensor("text", [1], "BYTES", data=["buy"], parameters={"content_type": content_type})
    assert decode({"inputs": [one]}, SERIES).batch.columns["text"].tolist() == ["buy"]


def test_the_version_is_a_string():
    document = json.loads(answer({"inputs": [tensor()]}, PREDICTED).body)
    assert (document["model_name"], document["model_version"]) == ("flowers", "7")


def test_a_model_name_in_the_body_is_ignored():
    document = {"model_name": "another", "model_version": "9", "inputs": [tensor()]}
    assert json.loads(answer(document, PREDICTED).body)["model_name"] == "flowers"


# --- outputs --------------------------------------------------------------------------------------------------------


def test_classification_answers_the_highest_entries_as_value_index_and_label():
    wanted = [{"name": "predict_proba", "parameters": {"classification": 2}}]
    schema = Schema("matrix", MATRIX.columns, (Output("predict_proba", "float64", (3,), ("x", "y", "z")),))
    (output,) = json.loads(answer({"inputs": [tensor()], "outputs": wanted}, PREDICTED, schema).body)["outputs"]
    assert output == {
        "name": "predict_proba",
        "datatype": "BYTES",
        "shape": [2, 2],
        "data": ["0.7:2:z", "0.2:1:y", "0.5:0:x", "0.5:1:y"],
    }


def test_classification_of_more_entries_than_there_are_answers_all():
    wanted = [{"name": "predict_proba", "parameters": {"classification": 9}}]
    (output,) = json.loads(answer({"inputs": [tensor()], "outputs": wanted}, PREDICTED).body)["outputs"]
    assert output["shape"] == [2, 3]


def test_classification_of_no_rows_answers_none():
    no_rows = {"name": "input", "shape": [0, 4], "datatype": "FP64", "data": []}
    wanted = [{"name": "predict_proba", "parameters": {"classification": 2}}]
    predicted = {"predict_proba": np.empty((0, 3))}
    (output,) = json.loads(answer({"inputs": [no_rows], "outputs": wanted}, predicted).body)["outputs"]
    assert (output["shape"], output["data"]) == ([0, 2], [])


def test_classification_without_labels_names_only_the_index():
    schema = Schema("matrix", MATRIX.columns, (Output("predict", "float32"),), "regressor")
    wanted = [{"name": "output-0", "parameters": {"classification": 1}}]
    predicted = {"predict": np.array([0.1, 3], dtype=np.float32)}
    (output,) = json.loads(answer({"inputs": [tensor()], "outputs": wanted}, predicted, schema).body)["outputs"]
    assert (output["shape"], output["data"]) == ([2, 1], ["0.1:0", "3.0:0"])


def test_classification_can_be_binary():
    wanted = [{"name": "predict_proba", "parameters": {"classification": 1, "binary_data": True}}]
    made = answer({"inputs": [tensor()], "outputs": wanted}, PREDICTED)
    assert made.body.endswith(b"\x07\0\0\x000.7:2:2\x07\0\0\x000.5:0:0")


@pytest.mark.parametrize("count", [0, -1, 1.5, "2", True])
def test_a_classification_count_is_a_whole_number_of_1_or_more(count):
    refusal({"inputs": [tensor()], "outputs": [{"name": "predict_proba", "parameters": {"classification": count}}]})


def test_texts_cannot_be_ranked():
    wanted = [{"name": "predict", "parameters": {"classification": 1}}]
    one = tensor("text", [1], "BYTES", data=["buy"])
    refusal({"inputs": [one], "outputs": wanted}, SERIES)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_has_a_datatype_and_is_answered_in_it(dtype):
    schema = Schema("matrix", MATRIX.columns, (Output("predict", dtype),))
    raw = {"string": ["a", None], "bool": [True, False]}.get(dtype, [1, 0])
    raw = ["2024-05-01", "NaT"] if dtype in DATETIMES else raw
    array = np.array(raw, dtype=object if dtype == "string" else dtype)
    (output,) = json.loads(answer({"inputs": [tensor()]}, {"predict": array}, schema).body)["outputs"]
    assert output["datatype"] == openinference_metadata.datatype_of(dtype)
    assert output["data"] == (array.astype(str).tolist() if dtype in (*DATETIMES, *TIMEDELTAS) else raw)


def test_nan_is_answered_as_null_and_infinity_as_a_bare_token():
    wanted = {"inputs": [tensor()], "outputs": [{"name": "predict_proba"}, {"name": "decision_function"}]}
    strange = {
        "predict_proba": np.array([[math.nan, 0.0, 1.0]]),
        "decision_function": np.array([[math.inf, -math.inf, math.nan]]),
    }
    body = answer(wanted, strange).body
    assert b'"data":[null,0.0,1.0]' in body
    assert b'"data":[Infinity,-Infinity,null]' in body


def test_arrays_of_any_order_are_answered_row_by_row():
    predicted = {**PREDICTED, "predict_proba": np.asfortranarray(PREDICTED["predict_proba"])}
    for binary in (False, True):
        wanted = [{"name": "predict_proba", "parameters": {"binary_data": binary}}]
        body = answer({"inputs": [tensor()], "outputs": wanted}, predicted).body
        assert (
            body
            == answer(
                {"id": json.loads(body[: body.index(b"}]}") + 3])["id"], "inputs": [tensor()], "outputs": wanted},
                PREDICTED,
            ).body
        )


# --- binary tensors -------------------------------------------------------------------------------------------------


def binary(name="input", shape=(2, 4), datatype="FP64", size=64):
    return tensor(name, shape, datatype, parameters={"binary_data_size": size})


def test_the_header_says_where_the_json_ends_on_the_way_in_and_out():
    document = {"inputs": [binary()], "parameters": {"binary_data_output": True}}
    made = answer(document, PREDICTED, MATRIX, np.array(ROWS).tobytes())
    assert made.media_type == "application/octet-stream"
    length = int(made.headers[HEADER_LENGTH])
    outputs = json.loads(made.body[:length])["outputs"]
    assert len(made.body) == length + sum(o["parameters"]["binary_data_size"] for o in outputs)


def test_binary_inputs_follow_the_json_in_its_order_and_mix_with_json_inputs():
    inputs = [
        binary("age", [2], "INT64", 16),
        tensor("member", [2], "BOOL", data=[False, True]),
        binary("city", [2], "BYTES", 13),
        binary("income", [2], "FP32", 8),
        tensor("since", [2], "BYTES", data=[None, "2024-05-01"]),
    ]
    raw = struct.pack("<qq", 30, 40) + b"\x05\0\0\0K\xc3\xb6ln\0\0\0\0" + struct.pack("<ff", 1.5, math.nan)
    made = decode({"inputs": inputs}, TABLE, raw).batch.columns
    assert made["age"].tolist() == [30, 40]
    assert made["city"].tolist() == ["Köln", ""]
    assert made["member"].tolist() == [False, True]
    assert made["income"][0] == 1.5
    assert np.isnan(made["income"][1])


@pytest.mark.parametrize(("datatype", "schema"), [("FP64", MATRIX), ("FP32", MATRIX32)])
@pytest.mark.parametrize("padding", range(8))
def test_a_matrix_of_the_model_s_type_is_taken_as_it_is(datatype, schema, padding):
    rows = np.random.default_rng(0).normal(size=(1000, 4)).astype(tensors.DTYPES[datatype])
    document = {"inputs": [binary(shape=[1000, 4], datatype=datatype, size=rows.nbytes)]}
    body = json.dumps(document).encode() + b" " * padding
    made = decode(body, schema, rows.tobytes()).batch.matrix
    assert made.dtype == rows.dtype
    assert np.array_equal(made, rows)
    assert made.flags.c_contiguous
    assert made.flags.aligned


def test_bytes_elements_are_their_length_and_then_themselves():
    call = decode({"inputs": [binary("t", [2], "BYTES", 11)]}, SERIES, b"\x03\0\0\0buy\0\0\0\0")
    assert call.batch.columns["text"].tolist() == ["buy", ""]


def test_a_size_of_zero_is_an_empty_tensor():
    assert decode({"inputs": [binary(shape=[0, 4], size=0)]}, MATRIX, b"").batch.rows == 0
    assert decode({"inputs": [binary(shape=[0, 4], size=0)]}, MATRIX).batch.rows == 0


@pytest.mark.parametrize("size", [-1, 1.5, "64", True])
def test_a_size_is_a_whole_number(size):
    refusal({"inputs": [binary(size=size)]}, MATRIX, np.array(ROWS).tobytes())


def test_bytes_that_are_no_utf8_are_refused_with_their_index():
    refused = refusal({"inputs": [binary("t", [2], "BYTES", 9)]}, SERIES, b"\0\0\0\0\x01\0\0\0\xff", kind=InvalidInput)
    assert refused.faults[0].location == "inputs[0].data[1]"


@pytest.mark.parametrize(
    ("default", "own", "expected"),
    [
        (None, None, False),
        (None, True, True),
        (True, None, True),
        (True, False, False),
        (False, True, True),
        (False, None, False),
    ],
)
def test_each_output_says_whether_it_is_binary_and_the_request_says_it_for_the_others(default, own, expected):
    document = {"inputs": [tensor()], "outputs": [{"name": "predict"}]}
    if default is not None:
        document["parameters"] = {"binary_data_output": default}
    if own is not None:
        document["outputs"][0]["parameters"] = {"binary_data": own}
    made = answer(document, PREDICTED)
    assert (HEADER_LENGTH in made.headers) is expected


@pytest.mark.parametrize("value", [1, "true", 0])
def test_the_switches_are_true_or_false(value):
    refusal({"inputs": [tensor()], "parameters": {"binary_data_output": value}})
    refusal({"inputs": [tensor()], "outputs": [{"name": "predict", "parameters": {"binary_data": value}}]})


def test_binary_outputs_have_a_size_instead_of_data_and_follow_in_order():
    wanted = [
        {"name": "decision_function", "parameters": {"binary_data": True}},
        {"name": "predict_proba", "parameters": {"binary_data": False}},
        {"name": "predict", "parameters": {"binary_data": True}},
    ]
    made = answer({"inputs": [tensor()], "outputs": wanted}, PREDICTED)
    length = int(made.headers[HEADER_LENGTH])
    first, second, third = json.loads(made.body[:length])["outputs"]
    assert first["parameters"] == {"binary_data_size": 48}
    assert "data" not in first
    assert second["data"] == PREDICTED["predict_proba"].ravel().tolist()
    assert third["parameters"] == {"binary_data_size": 16}
    assert made.body[length:] == PREDICTED["decision_function"].tobytes() + PREDICTED["predict"].tobytes()


def test_without_a_byte_there_is_no_header_though_sizes_are_said():
    document = {"inputs": [binary(shape=[0, 4], size=0)], "parameters": {"binary_data_output": True}}
    nothing = {name: array[:0] for name, array in PREDICTED.items()}
    made = answer(document, nothing, MATRIX, b"")
    assert made.headers == {}
    assert made.media_type == "application/json"
    assert [o["parameters"]["binary_data_size"] for o in json.loads(made.body)["outputs"]] == [0, 0, 0]


@pytest.mark.parametrize(
    ("length", "said"),
    [
        ("x", "Unable to parse Inference-Header-Content-Length, got: x"),
        ("", "Unable to parse Inference-Header-Content-Length, got: "),
        ("1.5", "got: 1.5"),
        ("0x10", "got: 0x10"),
        ("²", "got: ²"),
        ("2147483648", "value is out of range"),
        ("99999999999999999999", "value is out of range"),
        ("-1", "inference header size should be in range (0, "),
        ("100000", "inference header size should be in range (0, "),
    ],
)
def test_a_header_that_is_no_length_within_the_body_is_refused(length, said):
    assert said in refusal({"inputs": [tensor()]}, length=length).detail


@pytest.mark.parametrize("length", ["40", "100000"])
def test_a_header_left_over_from_another_request_is_named_as_the_cause(length):
    said = refusal({"inputs": [tensor()]}, length=length).detail
    assert f"{HEADER_LENGTH} " in said
    assert length in said
    assert said.endswith("which then must not be used for another request")


def test_too_few_bytes_are_refused_with_how_many_are_missing():
    refused = refusal({"inputs": [binary()]}, MATRIX, b"\0" * 60)
    assert refused.detail == "unexpected size for input 'input', expecting 4 additional bytes"


def test_binary_inputs_without_the_header_are_refused():
    assert "must specify valid" in refusal({"inputs": [binary()]}).detail


def test_a_size_that_does_not_fit_the_shape_is_refused():
    assert "expected 64 bytes" in refusal({"inputs": [binary(size=56)]}, MATRIX, b"\0" * 56).detail


def test_bytes_left_over_are_refused():
    refused = refusal({"inputs": [binary()]}, MATRIX, b"\0" * 65)
    assert refused.detail.startswith("unexpected additional input data")


@pytest.mark.parametrize("rows", [0, 1, 3])
@pytest.mark.parametrize(("schema", "dtype"), [(MATRIX, "<f8"), (MATRIX32, "<f4"), (INTEGERS, "<i2")])
def test_a_raw_body_is_the_only_input_and_has_as_many_rows_as_bytes(rows, schema, dtype):
    array = np.arange(rows * 4, dtype=dtype).reshape(rows, 4)
    call = decode(array.tobytes(), schema, length="0")
    assert np.array_equal(call.batch.matrix, array)
    assert call.outputs == tuple(output.name for output in schema.outputs)


def test_a_raw_body_is_answered_in_binary():
    made = answer(np.array(ROWS).tobytes(), PREDICTED, length="0")
    length = int(made.headers[HEADER_LENGTH])
    assert all("data" not in output for output in json.loads(made.body[:length])["outputs"])


def test_a_raw_body_for_a_model_of_texts_is_one_text():
    call = decode("Köln".encode(), SERIES, length="0")
    assert call.batch.columns["text"].tolist() == ["Köln"]
    refusal(b"\xff", SERIES, length="0", kind=InvalidInput)


def test_a_raw_body_for_a_model_of_several_inputs_is_refused():
    assert "5" in refusal(b"\0" * 8, TABLE, length="0").detail


def test_a_raw_body_that_is_no_number_of_rows_is_refused():
    refusal(b"\0" * 33, MATRIX, length="0")


def test_the_media_type_decides_nothing():
    raw = np.array(ROWS).tobytes()
    for media_type in ("application/json", "application/x-www-form-urlencoded", "text/csv"):
        headers = {"content-type": media_type}
        assert decode({"inputs": [binary()]}, MATRIX, raw, **headers).batch.matrix.tolist() == ROWS
        assert decode({"inputs": [tensor()]}, MATRIX, **headers).batch.matrix.tolist() == ROWS


# --- whatever comes -------------------------------------------------------------------------------------------------

SCHEMAS = (MATRIX, MATRIX32, NULLABLE, INTEGERS, ONE, SERIES, NUMERIC_TABLE, TABLE)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["FP64", "INT8", "BYTES", "BOOL", "predict", "base64", "age", "text"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)
PARAMETERS = st.one_of(
    VALUES,
    st.dictionaries(
        st.sampled_from(["binary_data_size", "binary_data", "content_type", "classification", "binary_data_output"]),
        st.one_of(st.integers(-1, 64), LEAVES),
    ),
)
TENSORS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.one_of(st.sampled_from(["input", "a", "age", "city", "text"]), VALUES),
        "shape": st.one_of(st.lists(st.integers(0, 4), max_size=3), VALUES),
        "datatype": st.one_of(st.sampled_from(sorted(tensors.DATATYPES)), VALUES),
        "data": st.one_of(st.lists(LEAVES, max_size=8), VALUES),
        "parameters": PARAMETERS,
    },
)
REQUESTS = st.one_of(
    VALUES,
    st.fixed_dictionaries(
        {"inputs": st.one_of(st.lists(TENSORS, max_size=5), VALUES)},
        optional={
            "id": VALUES,
            "outputs": st.one_of(
                st.lists(
                    st.fixed_dictionaries(
                        {"name": st.one_of(st.sampled_from(["predict", "predict_proba", "output-0"]), VALUES)},
                        optional={"parameters": PARAMETERS},
                    ),
                    max_size=3,
                ),
                VALUES,
            ),
            "parameters": PARAMETERS,
        },
    ),
)
LENGTHS = st.one_of(st.none(), st.just("fits"), st.integers(-3, 80).map(str), st.text(max_size=6))


@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SCHEMAS), REQUESTS, st.binary(max_size=80), LENGTHS)
def test_whatever_the_json_says_it_is_decoded_or_refused(schema, document, tail, length):
    body = json.dumps(document).encode()
    headers = {} if length is None else {"length": str(len(body)) if length == "fits" else length}
    try:
        call = decode(body + tail if headers else body, schema, **headers)
    except RequestError:
        return
    for column in call.batch.columns.values() if call.batch.columns is not None else (call.batch.matrix,):
        assert len(column) == call.batch.rows


@settings(max_examples=400)
@given(st.sampled_from(SCHEMAS), st.binary(max_size=200), LENGTHS)
def test_whatever_the_bytes_are_they_are_decoded_or_refused(schema, body, length):
    headers = {} if length is None else {"length": str(len(body)) if length == "fits" else length}
    try:
        decode(body, schema, **headers)
    except RequestError:
        return


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(tensors.DATATYPES)),
    st.lists(st.integers(0, 3), max_size=3),
    st.binary(max_size=64),
    st.data(),
)
def test_whatever_a_binary_tensor_holds_it_is_decoded_or_refused(datatype, shape, raw, data):
    schema = data.draw(st.sampled_from(SCHEMAS))
    name = data.draw(st.sampled_from(["input", *schema.names]))
    size = data.draw(st.sampled_from([len(raw), len(raw) + 1, 0]))
    try:
        decode({"inputs": [binary(name, shape, datatype, size)]}, schema, raw)
    except RequestError:
        return
