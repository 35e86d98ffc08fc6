"""TensorFlow Serving's predict, from body to batch and from answer to body."""

import base64
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store.request_errors import InvalidInput, MalformedRequest, RequestError
from model_store.schema import Column, Output, Schema
from service.dialects.tfserving.predict import PREDICT
from service.dialects.tfserving.signatures import metadata, signatures
from service.errors import UnknownOutput
from service.wire import PredictionResult, WireRequest

CLASSES = Output("predict", "string", (), ("setosa", "virginica"))
PROBABILITIES = Output("predict_proba", "float64", (2,), ("setosa", "virginica"))


def matrix(width, dtype="float64", outputs=(CLASSES, PROBABILITIES), **column):
    return Schema("matrix", tuple(Column(f"x{i}", dtype, **column) for i in range(width)), outputs)


IRIS = matrix(4)
HALF = matrix(1, outputs=(Output("predict", "float64"),))
TABLE = Schema(
    "table",
    (
        Column("age", "int64"),
        Column("fare", "float64", nullable=True),
        Column("city", "string", nullable=True),
        Column("member", "bool"),
    ),
    (CLASSES, PROBABILITIES),
)
TEXT = Schema("series", (Column("text", "string"),), (CLASSES,))


def decode(schema, body):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return PREDICT.decode(WireRequest(raw), schema)


def refused(schema, body, error=InvalidInput):
    with pytest.raises(error) as caught:
        decode(schema, body)
    return caught.value


def encode(schema, call, outputs):
    answer = PREDICT.encode(PredictionResult("m", 1, schema, outputs), call)
    assert answer.media_type == "application/json"
    return answer.body


row = {"age": 31, "fare": 7.5, "city": "Oslo", "member": True}


class TestBody:
    def test_an_empty_body_says_that_the_document_is_empty(self):
        assert str(refused(IRIS, b"", MalformedRequest)) == "JSON Parse error: The document is empty"

    def test_bad_json_is_named_with_its_offset(self):
        assert "JSON Parse error: Invalid value. at offset: 1" in str(refused(IRIS, b"{", MalformedRequest))

    @pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null", b"NaN"])
    def test_a_root_that_is_no_object_is_refused(self, body):
        assert str(refused(IRIS, body, MalformedRequest)).endswith("Is not object")

    def test_nan_and_infinity_tokens_are_read(self):
        call = decode(matrix(2, nullable=True), b'{"instances": [[NaN, 1]]}')
        assert math.isnan(call.batch.matrix[0, 0])
        assert "Infinity" not in str(refused(IRIS, b'{"instances": [[NaN, 1, 2, 3]]}').detail)
        refused(IRIS, b'{"instances": [[Infinity, 1, 2, -Infinity]]}')

    def test_what_follows_the_root_is_ignored(self):
        assert decode(HALF, b'{"instances": [1]} and more').batch.rows == 1

    def test_deep_nesting_under_an_unknown_key_is_ignored(self):
        body = b'{"x": ' + b"[" * 500_000 + b"]" * 500_000 + b', "instances": [1.0]}'
        assert decode(HALF, body).batch.rows == 1

    @pytest.mark.parametrize("key", ["instances", "inputs", "signature_name", "examples"])
    def test_deep_nesting_under_a_known_key_is_refused(self, key):
        body = b'{"' + key.encode() + b'": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
        for schema in (IRIS, HALF, TEXT, TABLE):
            refused(schema, body, (InvalidInput, MalformedRequest))

    def test_unknown_keys_are_ignored(self):
        assert decode(HALF, {"instances": [1.0], "foo": {"bar": 1}}).batch.rows == 1

    def test_the_last_of_two_equal_keys_wins(self):
        assert decode(HALF, b'{"instances": [1.0], "instances": [1.0, 2.0]}').batch.rows == 2


class TestSignature:
    @pytest.mark.parametrize("name", [None, "", "serving_default"])
    def test_the_default_signature_is_the_default_output(self, name):
        body = {"instances": [[1, 2, 3, 4]]} | ({} if name is None else {"signature_name": name})
        assert decode(IRIS, body).outputs == ("predict",)

    def test_a_signature_is_an_output(self):
        body = {"signature_name": "predict_proba", "instances": [[1, 2, 3, 4]]}
        assert decode(IRIS, body).outputs == ("predict_proba",)

    def test_an_unknown_signature_is_refused(self):
        error = refused(IRIS, {"signature_name": "x", "instances": [[1, 2, 3, 4]]}, UnknownOutput)
        assert str(error) == 'Serving signature name: "x" not found in signature def'

    @pytest.mark.parametrize("name", [1, None, ["predict"], {}])
    def test_a_signature_name_must_be_a_string_and_is_looked_at_first(self, name):
        error = refused(IRIS, {"signature_name": name}, MalformedRequest)
        assert "not formatted correctly. 'signature_name' key must be a string value." in str(error)

    def test_check_finds_what_is_wrong_without_a_model(self):
        for body in (b"", b"[]", b'{"signature_name": 1}'):
            with pytest.raises(MalformedRequest):
                PREDICT.check(WireRequest(body))
        PREDICT.check(WireRequest(b"{}"))


class TestForms:
    def test_instances_and_inputs_together_are_refused(self):
        error = refused(IRIS, {"instances": [1], "inputs": [1]}, MalformedRequest)
        assert "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist" in str(error)

    def test_neither_instances_nor_inputs_is_refused(self):
        assert str(refused(IRIS, {}, MalformedRequest)) == "Missing 'inputs' or 'instances' key"

    @pytest.mark.parametrize("value", [1, "x", None, {}])
    def test_instances_must_be_a_list(self, value):
        error = refused(IRIS, {"instances": value}, MalformedRequest)
        assert str(error).endswith("Expecting 'instances' to be an list/array")

    def test_instances_must_not_be_empty(self):
        assert str(refused(IRIS, {"instances": []}, MalformedRequest)).endswith("No values in 'instances' array")

    def test_values_quoted_in_errors_are_cut_at_256_bytes(self):
        error = refused(IRIS, {"instances": "é" * 10_000}, MalformedRequest)
        assert len(str(error).encode()) < 256 + 80

    def test_a_list_after_an_object_is_refused(self):
        error = refused(TABLE, {"instances": [row, row, [1, 2, 3, 4]]})
        assert str(error) == "Expecting object but got list at item 2 of input list"
        assert error.faults[0].location == "instances[2]"

    def test_an_object_after_a_list_is_refused(self):
        error = refused(HALF, {"instances": [1.0, {"inputs": 1.0}]})
        assert str(error) == "Expecting value/list but got object at item 1 of input list"

    def test_a_plain_list_is_refused_where_there_are_several_inputs(self):
        error = refused(TABLE, {"instances": [1, 2]})
        assert str(error).startswith("instances is a plain list, but expecting list of objects as multiple input ")

    def test_an_unknown_key_in_a_named_row_is_refused(self):
        error = refused(TABLE, {"instances": [row, {**row, "X": 1}]})
        assert str(error).startswith("Failed to process element: 1 key: X of 'instances' list. Error: ")
        assert str(error).endswith("JSON object: does not have named input: X")
        assert error.faults[0].location == "instances[1].X"

    def test_a_missing_key_in_a_named_row_is_refused(self):
        error = refused(TABLE, {"instances": [{"age": 1, "city": "x", "fare": 1}]})
        assert str(error).startswith("Failed to process element: 0 of 'instances' list. JSON object: ")
        assert str(error).endswith(" keys must be equal to: age,city,fare,member")
        assert error.faults[0].location == "instances[0].member"

    def test_a_missing_column_is_named(self):
        error = refused(TABLE, {"inputs": {"age": [1], "fare": [1], "city": ["x"]}})
        assert str(error) == "Missing named input: member in 'inputs' object."

    def test_an_unknown_column_is_ignored(self):
        columns = {"age": [1, 2], "fare": [1, None], "city": ["x", None], "member": [True, False], "foo": "bar"}
        batch = decode(TABLE, {"inputs": columns}).batch
        assert batch.rows == 2
        assert batch.columns["city"].tolist() == ["x", None]

    def test_a_plain_value_is_refused_where_there_are_several_inputs(self):
        error = refused(TABLE, {"inputs": [1]})
        assert str(error) == "inputs: expected an object with the keys age, city, fare, member, got a list of 1"

    @pytest.mark.parametrize(
        "body",
        [
            {"instances": [[1, 2, 3, 4]]},
            {"instances": [{"input": [1, 2, 3, 4]}]},
            {"instances": [{"inputs": [1, 2, 3, 4]}]},
            {"inputs": [[1, 2, 3, 4]]},
            {"inputs": {"input": [[1, 2, 3, 4]]}},
            {"inputs": {"inputs": [[1, 2, 3, 4]], "foo": 1}},
        ],
    )
    def test_a_model_with_one_input_takes_all_forms(self, body):
        assert decode(IRIS, body).batch.matrix.tolist() == [[1.0, 2.0, 3.0, 4.0]]

    @pytest.mark.parametrize(
        "body",
        [
            {"instances": ["a"]},
            {"instances": [["a"]]},
            {"instances": [{"text": "a"}]},
            {"inputs": ["a"]},
            {"inputs": [["a"]]},
            {"inputs": "a"},
            {"inputs": {"text": ["a"]}},
            {"inputs": {"b64": "YQ=="}},
            {"inputs": {"text": {"b64": "YQ=="}}},
            {"instances": [{"b64": "YQ=="}]},
            {"instances": [{"text": {"b64": "YQ"}}]},
        ],
    )
    def test_a_text_model_takes_all_forms(self, body):
        assert decode(TEXT, body).batch.columns["text"].tolist() == ["a"]

    @pytest.mark.parametrize("body", [{"instances": [1, 2.5]}, {"instances": [[1], [2.5]]}, {"inputs": [1, 2.5]}])
    def test_a_matrix_of_one_column_takes_values_and_lists(self, body):
        assert decode(HALF, body).batch.matrix.tolist() == [[1.0], [2.5]]

    def test_named_rows_of_one_element_lists_are_taken(self):
        batch = decode(TABLE, {"instances": [{name: [value] for name, value in row.items()}]}).batch
        assert {name: values.tolist() for name, values in batch.columns.items()} == {k: [v] for k, v in row.items()}


class TestShapes:
    @pytest.mark.parametrize(
        ("instances", "words"),
        [
            ([[1, 2, 3, 4], [1, 2, 3]], "Expecting tensor size: 4 but got: 3"),
            ([[1, 2, 3, 4], [[1, 2], [3, 4]]], "Expecting shape [4] but got: [2,2]"),
            ([[1, 2, 3, 4], 4], "Expecting tensor size: 4 but got: 1"),
            ([[[1, 2], [3]]], "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
            ([[1, 2, 3, [4]]], "Encountered list at unexpected level: 1 expected < 1"),
            ([[[1], 2, 3, 4]], "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
        ],
    )
    def test_rows_that_do_not_agree_are_refused(self, instances, words):
        error = refused(IRIS, {"instances": instances})
        assert str(error).startswith("Failed to process element: ")
        assert str(error).endswith(f" of 'instances' list. Error: INVALID_ARGUMENT: {words}")

    def test_a_ragged_column_is_refused(self):
        error = refused(IRIS, {"inputs": [[1, 2, 3, 4], [1, 2, 3]]})
        assert str(error) == "Encountered list at unexpected size: 3 at level: 1 expected size: 4"
        assert error.faults[0].location == "inputs[1]"

    @pytest.mark.parametrize("form", ["instances", "inputs"])
    def test_rows_that_agree_on_a_wrong_width_are_refused(self, form):
        error = refused(IRIS, {form: [[1, 2, 3], [4, 5, 6]]})
        assert [fault.location for fault in error.faults] == [f"{form}[0]", f"{form}[1]"]
        assert error.faults[0].expected == "a list of 4 values"
        assert error.detail == f"{form}[0]: expected a list of 4 values, got a list of 3 (and 1 more)"

    def test_columns_of_different_lengths_are_refused(self):
        """A tensor may have its own length, but an estimator's columns are of one table."""
        refused(TABLE, {"inputs": {"age": [1, 2], "fare": [1], "city": ["x"], "member": [True]}})

    @pytest.mark.parametrize("inputs", [[], {"inputs": []}])
    def test_no_rows_are_refused(self, inputs):
        refused(IRIS, {"inputs": inputs})
        refused(TABLE, {"inputs": {name: [] for name in row}})

    def test_a_list_of_several_values_for_one_column_is_refused(self):
        error = refused(TABLE, {"instances": [row, {**row, "age": [1, 2]}]})
        assert "Failed to process element: 1 key: age of 'instances' list." in str(error)
        assert "Expecting tensor size: 1 but got: 2" in str(error)


class TestTypes:
    @pytest.mark.parametrize(
        ("dtype", "value", "words"),
        [
            ("float32", "a", 'JSON Value: "a" Type: String is not of expected type: float'),
            ("float32", True, "JSON Value: true Type: True is not of expected type: float"),
            ("float64", None, "JSON Value: null Type: Null is not of expected type: double"),
            ("float64", {"a": 1}, 'JSON Value: {"a":1} Type: Object is not of expected type: double'),
            ("float64", {"b64": "YQ=="}, 'JSON Value: {"b64":"YQ=="} Type: Object is not of expected type: double'),
            ("int64", 1.0, "JSON Value: 1.0 Type: Number is not of expected type: int64"),
            ("int32", 2**31, "JSON Value: 2147483648 Type: Number is not of expected type: int32"),
            ("uint32", -1, "JSON Value: -1 Type: Number is not of expected type: uint32"),
            ("int64", 2**63, "JSON Value: 9223372036854775808 Type: Number is not of expected type: int64"),
            ("uint64", 2**64, "JSON Value: 1.8446744073709552e+19 Type: Number is not of expected type: uint64"),
            ("int8", 300, "JSON Value: 300 Type: Number is not of expected type: int8"),
            ("int64", False, "JSON Value: false Type: False is not of expected type: int64"),
            ("int64", None, "JSON Value: null Type: Null is not of expected type: int64"),
            ("bool", 1, "JSON Value: 1 Type: Number is not of expected type: bool"),
            ("bool", "true", 'JSON Value: "true" Type: String is not of expected type: bool'),
            ("string", 1, "JSON Value: 1 Type: Number is not of expected type: string"),
            ("string", None, "JSON Value: null Type: Null is not of expected type: string"),
        ],
    )
    def test_a_value_of_the_wrong_type_is_refused(self, dtype, value, words):
        good = {"bool": True, "string": "x"}.get(dtype, 1)
        words += "; null is taken only if the model's publisher declares the column nullable" if value is None else ""
        error = refused(matrix(2, dtype), {"instances": [[good, good], [good, value]]})
        assert str(error) == f"Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: {words}"
        assert [fault.location for fault in error.faults] == ["instances[1][1]"]
        error = refused(matrix(2, dtype), {"inputs": [[good, good], [good, value]]})
        assert str(error) == words
        table = Schema("table", (Column("a", dtype), Column("b", "bool")), (CLASSES,))
        error = refused(table, {"instances": [{"a": good, "b": True}, {"a": value, "b": True}]})
        assert str(error).endswith(f" key: a of 'instances' list. Error: INVALID_ARGUMENT: {words}")
        error = refused(table, {"inputs": {"a": [good, value], "b": [True, True]}})
        assert str(error) == words
        assert [fault.location for fault in error.faults] == ["inputs.a[1]"]

    @pytest.mark.parametrize(
        ("dtype", "values"),
        [
            ("float32", [1, 2.5, -3e10, 10**30, 2**64 + 1]),
            ("float64", [1, 2.5, 2**53 + 1, 1e308]),
            ("int8", [-128, 127]),
            ("uint8", [0, 255]),
            ("int32", [-(2**31), 2**31 - 1]),
            ("int64", [-(2**63), 2**63 - 1]),
            ("uint64", [0, 2**64 - 1]),
            ("bool", [True, False]),
            ("string", ["", "é\u0000"]),
        ],
    )
    def test_values_of_the_right_type_are_taken(self, dtype, values):
        batch = decode(matrix(len(values), dtype), {"instances": [values]}).batch
        if batch.matrix is not None:
            assert batch.matrix.tolist() == np.array([values], dtype=dtype).tolist()
        else:
            assert [column[0] for column in batch.columns.values()] == values

    def test_a_number_too_large_for_the_type_is_refused(self):
        """TensorFlow Serving makes it an infinity, which no estimator takes."""
        assert refused(matrix(1, "float32"), {"instances": [1e300]}).faults[0].expected == "a finite number"

    def test_a_number_too_small_for_the_type_is_zero(self):
        assert decode(matrix(1, "float32"), {"instances": [1e-300]}).batch.matrix[0, 0] == 0

    @pytest.mark.parametrize("value", [b"null", b"NaN"])
    def test_missing_is_taken_where_a_column_is_nullable(self, value):
        batch = decode(matrix(2, nullable=True), b'{"instances": [[1, %s]]}' % value).batch
        assert math.isnan(batch.matrix[0, 1])

    def test_null_is_a_missing_string_or_number_in_a_table(self):
        batch = decode(TABLE, {"instances": [row, {**row, "fare": None, "city": None}]}).batch
        assert batch.columns["city"].tolist() == ["Oslo", None]
        assert math.isnan(batch.columns["fare"][1])

    def test_base64_is_read_in_every_place_of_a_string(self):
        text = base64.b64encode("Ål".encode()).decode()
        assert decode(TEXT, {"instances": [{"b64": text}, "x"]}).batch.columns["text"].tolist() == ["Ål", "x"]
        batch = decode(TABLE, {"instances": [{**row, "city": {"b64": text}}]}).batch
        assert batch.columns["city"].tolist() == ["Ål"]

    @pytest.mark.parametrize("text", ["%", "YQ===", "Y", "é"])
    def test_undecodable_base64_is_refused(self, text):
        error = refused(TEXT, {"instances": ["a", {"b64": text}]})
        assert str(error) == "Unable to base64 decode"
        assert error.faults[0].location == "instances[1]"

    def test_bytes_that_are_no_text_are_refused(self):
        assert "UTF-8" in str(refused(TEXT, {"instances": [{"b64": "/w=="}]}))

    def test_an_object_that_is_no_base64_is_refused(self):
        error = refused(TABLE, {"instances": [{**row, "city": {"b64": "YQ==", "a": 1}}]})
        assert str(error).endswith('{"b64":"YQ==","a":1} Type: Object is not of expected type: string')

    def test_at_most_twenty_faults_are_named(self):
        assert len(refused(IRIS, {"instances": [["a"] * 4] * 100}).faults) == 20

    def test_a_decimal_for_an_integer_is_named_beside_the_other_faults(self):
        error = refused(TABLE, {"instances": [{**row, "age": 1.0}, {**row, "age": 1.5, "member": 1}]})
        places = {fault.location for fault in error.faults}
        assert places == {"instances[0].age", "instances[1].age", "instances[1].member"}
        assert len(error.faults) == 3

    def test_a_value_outside_of_a_closed_set_is_refused(self):
        closed = Schema("series", (Column("c", "string", categories=("a", "b"), closed=True),), (CLASSES,))
        error = refused(closed, {"instances": ["a", "z"]})
        assert (error.faults[0].location, error.faults[0].got) == ("instances[1]", '"z"')


class TestAnswer:
    def test_row_form_is_answered_with_predictions(self):
        call = decode(IRIS, {"instances": [[1, 2, 3, 4]]})
        assert encode(IRIS, call, {"predict": np.array(["setosa"], dtype=object)}) == b'{"predictions":["setosa"]}'

    def test_columnar_form_is_answered_with_outputs(self):
        call = decode(HALF, {"inputs": [3.0, 4.0]})
        assert encode(HALF, call, {"predict": np.array([3.5, 4.0])}) == b'{"outputs":[3.5,4.0]}'

    def test_no_rows_are_an_empty_list(self):
        call = decode(HALF, {"instances": [1]})
        assert encode(HALF, call, {"predict": np.zeros(0)}) == b'{"predictions":[]}'

    def test_floats_show_that_they_are_floats_and_are_short(self):
        call = decode(HALF, {"instances": [1]})
        body = encode(HALF, call, {"predict": np.float32([3, 0.2, 9e6, 3e-5, 1e20])})
        assert body == b'{"predictions":[3.0,0.2,9000000.0,0.00003,1e+20]}'

    def test_integers_are_plain_numbers(self):
        call = decode(HALF, {"instances": [1]})
        assert encode(HALF, call, {"predict": np.array([2**62])}) == b'{"predictions":[4611686018427387904]}'

    def test_what_is_not_finite_is_a_bare_token(self):
        call = decode(HALF, {"instances": [1]})
        body = encode(HALF, call, {"predict": np.array([math.nan, math.inf, -math.inf])})
        assert body == b'{"predictions":[NaN,Infinity,-Infinity]}'


class TestMetadata:
    def test_a_matrix_model_has_one_input(self):
        document = metadata("iris", 123, IRIS)
        assert document["model_spec"] == {"name": "iris", "signature_name": "", "version": "123"}
        made = document["metadata"]["signature_def"]["signature_def"]
        assert set(made) == {"serving_default", "predict", "predict_proba"}
        assert made["serving_default"] == made["predict"]
        assert made["predict_proba"] == {
            "inputs": {
                "input": {
                    "dtype": "DT_DOUBLE",
                    "tensor_shape": {
                        "dim": [{"size": "-1", "name": ""}, {"size": "4", "name": ""}],
                        "unknown_rank": False,
                    },
                    "name": "input:0",
                }
            },
            "outputs": {
                "predict_proba": {
                    "dtype": "DT_DOUBLE",
                    "tensor_shape": {
                        "dim": [{"size": "-1", "name": ""}, {"size": "2", "name": ""}],
                        "unknown_rank": False,
                    },
                    "name": "predict_proba:0",
                }
            },
            "method_name": "tensorflow/serving/predict",
            "defaults": {},
        }

    def test_a_table_model_has_an_input_for_each_column(self):
        made = metadata("m", 1, TABLE)["metadata"]["signature_def"]["signature_def"]["serving_default"]
        types = {name: info["dtype"] for name, info in made["inputs"].items()}
        assert types == {"age": "DT_INT64", "fare": "DT_DOUBLE", "city": "DT_STRING", "member": "DT_BOOL"}
        assert made["outputs"]["predict"]["dtype"] == "DT_STRING"

    def test_a_schema_s_signatures_are_worked_out_once(self):
        assert signatures(IRIS) is signatures(IRIS)
        for _ in range(300):
            assert signatures(matrix(2)).schema.columns[1].name == "x1"


class TestLargeRefusals:
    def test_a_refusal_stays_short_whatever_was_sent(self):
        long = "x" * 100_000
        for schema, body in (
            (TABLE, {"instances": [{long: 1, **row}]}),
            (TABLE, {"instances": [{f"{long}{i}": 1 for i in range(30)}]}),
            (TABLE, {"instances": [{**row, "city": [long], "age": [long]}, {**row, "city": long}]}),
            (IRIS, {"instances": [[long] * 4] * 50}),
            (TEXT, {"instances": [{"b64": long + "%"}]}),
            (IRIS, {"instances": long}),
            (IRIS, {"signature_name": long}),
        ):
            error = refused(schema, body, RequestError)
            places = sum(len(fault.location + fault.got + fault.expected) for fault in error.faults)
            assert len(error.detail) + places < 10_000

    def test_of_many_values_the_wrong_one_is_quoted(self):
        instances = [[1, 2, 3, 4]] * 50_000 + [[1, 2, 3, "x"]]
        error = refused(IRIS, {"instances": instances})
        words = 'JSON Value: "x" Type: String is not of expected type: double'
        assert error.detail == f"Failed to process element: 50000 of 'instances' list. Error: INVALID_ARGUMENT: {words}"
        assert error.faults[0].location == "instances[50000][3]"


SCHEMAS = st.sampled_from([IRIS, HALF, TABLE, TEXT, matrix(2, "int64"), matrix(2, "string"), matrix(1, "bool")])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just({"b64": "YQ=="}),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*row, "inputs", "text", "b64", "a"]), inner, max_size=4)
    ),
    max_leaves=12,
)
BODIES = st.fixed_dictionaries(
    {},
    optional={"instances": VALUES | st.lists(VALUES), "inputs": VALUES, "signature_name": st.just("predict") | VALUES},
)


@given(SCHEMAS, BODIES | VALUES)
def test_any_json_is_decoded_or_refused_by_a_service_error(schema, body):
    try:
        outcome = decode(schema, body)
    except RequestError as error:
        outcome = error
    if isinstance(outcome, RequestError):
        assert 0 < len(outcome.detail.encode()) < 3000
    else:
        assert outcome.batch.rows >= 1
        assert outcome.outputs[0] in {output.name for output in schema.outputs}


@given(SCHEMAS, st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused_by_a_service_error(schema, body):
    with pytest.raises(RequestError):
        decode(schema, body)


@given(
    st.integers(1, 5).flatmap(lambda k: st.lists(st.lists(st.floats(-1e9, 1e9), min_size=k, max_size=k), min_size=1))
)
def test_rows_come_out_as_they_went_in(rows):
    schema = matrix(len(rows[0]))
    for body in ({"instances": rows}, {"inputs": rows}, {"instances": [{"inputs": each} for each in rows]}):
        assert decode(schema, body).batch.matrix.tolist() == rows
