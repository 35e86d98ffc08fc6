"""TensorFlow Serving's classify and regress, from body to batch and from answer to body."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store.request_errors import InvalidInput, MalformedRequest, RequestError
from model_store.schema import Column, Output, Schema
from service.dialects.tfserving.examples import CLASSIFY, REGRESS
from service.errors import UnknownOutput
from service.wire import PredictionResult, WireRequest

NAMES = ("sepal length", "sepal width", "petal length", "petal width")
CLASSIFIER = Schema(
    "matrix",
    tuple(Column(name, "float64") for name in NAMES),
    (Output("predict", "int64", (), (0, 1)), Output("predict_proba", "float64", (2,), (0, 1))),
    "classifier",
)
STRINGS = (Output("predict", "string", (), ("no", "yes")), Output("predict_proba", "float32", (2,), ("no", "yes")))
TABLE = Schema(
    "table",
    (
        Column("age", "int64"),
        Column("fare", "float64", nullable=True),
        Column("city", "string", nullable=True),
        Column("member", "bool"),
    ),
    STRINGS,
    "classifier",
)
REGRESSOR = Schema("table", TABLE.columns, (Output("predict", "float64"),), "regressor")
TWO_TARGETS = Schema("table", TABLE.columns, (Output("predict", "float64", (2,)),), "regressor")
DECISION = Schema("table", TABLE.columns, (STRINGS[0], Output("decision_function", "float64")), "classifier")
ROW = {"age": 31, "fare": 7.5, "city": "Oslo", "member": True}


def decode(schema, body, dialect=CLASSIFY):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return dialect.decode(WireRequest(raw), schema)


def refused(schema, body, error=(InvalidInput, MalformedRequest), dialect=CLASSIFY):
    with pytest.raises(error) as caught:
        decode(schema, body, dialect)
    return caught.value


def values(batch):
    return {name: column.tolist() for name, column in batch.columns.items()}


@pytest.mark.parametrize("dialect", [CLASSIFY, REGRESS])
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"[]", "Is not object"),
        (b"{}", "When method is classify, key 'examples' is expected and was not found"),
        (b'{"examples": 1}', "Expecting 'examples' value to be an list/array"),
        (b'{"examples": []}', "'examples' value is an empty array"),
        (b'{"examples": [1]}', "Example must be JSON object but got JSON Number"),
        (b'{"examples": [{}, null]}', "Example must be JSON object but got JSON Null"),
        (b'{"examples": [[]]}', "Example must be JSON object but got JSON Array"),
        (b'{"examples": [{}], "context": "x"}', "Example must be JSON object but got JSON String"),
        (b'{"signature_name": 1}', "'signature_name' key must be a string value."),
    ],
)
def test_a_body_without_examples_is_refused_whatever_the_model(dialect, body, words):
    schema = CLASSIFIER if dialect is CLASSIFY else REGRESSOR
    assert words in str(refused(schema, body, MalformedRequest, dialect))
    with pytest.raises(MalformedRequest) as caught:
        dialect.check(WireRequest(body))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("feature", "words"),
    [
        ([1, 2.5], "examples[0].f[1]: expected a value of kind int64, got 2.5"),
        ([2.5, 1], "examples[0].f[1]: expected a value of kind float, got 1"),
        (["a", 1], "examples[0].f[1]: expected a value of kind bytes, got 1"),
        (None, "Feature: f has element with unexpected JSON type: Null"),
        ([None], "Feature: f has element with unexpected JSON type: Null"),
        ([[1]], "Feature: f has element with unexpected JSON type: Array"),
        ({"a": 1}, "Feature: f has element with unexpected JSON type: Object"),
        (2**63, "examples[0].f: expected a whole number below 2**63, got 9223372036854775808"),
        ({"b64": "%"}, "Unable to base64 decode"),
    ],
)
def test_a_feature_is_of_one_kind(feature, words):
    assert str(refused(TABLE, {"examples": [{**ROW, "f": feature}]}, InvalidInput)) == words


def test_features_are_values_or_lists_of_one():
    examples = [ROW, {name: [value] for name, value in ROW.items()}, {**ROW, "city": {"b64": "WA"}, "other": [1, 2]}]
    batch = decode(TABLE, {"examples": examples}).batch
    assert values(batch) == {"age": [31] * 3, "fare": [7.5] * 3, "city": ["Oslo", "Oslo", "X"], "member": [True] * 3}


def test_bools_are_ones_and_zeros_among_integers():
    example = {"inputs": [True, 2, False, 4]}
    assert decode(CLASSIFIER, {"examples": [example]}).batch.matrix.tolist() == [[1.0, 2.0, 0.0, 4.0]]
    assert values(decode(TABLE, {"examples": [{**ROW, "age": True, "member": 0}]}).batch)["member"] == [False]


def test_a_row_of_an_array_model_is_features_by_column_or_all_in_one():
    named = dict(zip(NAMES, [1, 2.5, 3, 4], strict=True))
    assert decode(CLASSIFIER, {"examples": [named]}).batch.matrix.tolist() == [[1, 2.5, 3, 4]]
    error = refused(CLASSIFIER, {"examples": [{"inputs": [1, 2, 3, 4]}, {"inputs": [1, 2]}]})
    assert str(error) == "examples[1].inputs: expected 4 values, got 2"


def test_a_float_is_refused_for_an_integer_and_a_missing_feature_is_named():
    error = refused(TABLE, {"examples": [ROW, {**ROW, "age": 1.0}, {"age": [1, 2]}]})
    assert [fault.location for fault in error.faults] == ["examples[1].age", "examples[2].age", "examples[2].member"]


def test_an_absent_feature_is_missing_where_the_column_is_nullable():
    batch = decode(TABLE, {"examples": [{"age": 1, "member": True, "fare": []}]}).batch
    assert batch.columns["city"].tolist() == [None]
    assert math.isnan(batch.columns["fare"][0])


def test_the_context_is_part_of_every_example_and_repeated_by_none():
    context = {"city": "Oslo", "fare": 7.5}
    batch = decode(TABLE, {"context": context, "examples": [{"age": 1, "member": True}] * 2}).batch
    assert values(batch)["city"] == ["Oslo", "Oslo"]
    error = refused(TABLE, {"context": context, "examples": [{"age": 1, "member": True}, ROW]})
    assert "expected a feature that is not in the context, got both" in str(error)
    assert error.faults[0].location == "examples[1].fare"


def test_classify_answers_pairs_of_label_and_probability():
    call = decode(CLASSIFIER, {"examples": [{"inputs": [1, 2, 3, 4]}]})
    assert call.outputs == ("predict_proba",)
    answered = PredictionResult("m", 1, CLASSIFIER, {"predict_proba": np.array([[0.25, 0.75], [1, 0]])})
    assert CLASSIFY.encode(answered, call).body == b'{"results":[[["0",0.25],["1",0.75]],[["0",1.0],["1",0.0]]]}'


def test_classify_writes_float32_in_its_shortest_form():
    call = decode(TABLE, {"examples": [ROW]})
    answered = PredictionResult("m", 1, TABLE, {"predict_proba": np.float32([[0.2, 0.8]])})
    assert CLASSIFY.encode(answered, call).body == b'{"results":[[["no",0.2],["yes",0.8]]]}'


def test_regress_answers_numbers():
    call = decode(REGRESSOR, {"examples": [ROW]}, REGRESS)
    assert call.outputs == ("predict",)
    answered = PredictionResult("m", 1, REGRESSOR, {"predict": np.array([2.5, math.nan, 3.0])})
    assert REGRESS.encode(answered, call).body == b'{"results":[2.5,NaN,3.0]}'
    integers = PredictionResult("m", 1, REGRESSOR, {"predict": np.array([[3], [4]])})
    assert REGRESS.encode(integers, call).body == b'{"results":[3.0,4.0]}'


@pytest.mark.parametrize(
    ("schema", "dialect", "name", "words"),
    [
        (REGRESSOR, CLASSIFY, "", "Expected classification signature method_name to be tensorflow/serving/classify."),
        (TABLE, REGRESS, "", "Expected regression signature method_name to be tensorflow/serving/regress."),
        (TWO_TARGETS, REGRESS, "", "Expected regression signature"),
        (TABLE, CLASSIFY, "predict", "Expected classification signature"),
        (TABLE, CLASSIFY, "x", 'Serving signature name: "x" not found in signature def'),
    ],
)
def test_a_model_that_cannot_classify_or_regress_says_so(schema, dialect, name, words):
    body = {"examples": [ROW], "signature_name": name}
    assert words in str(refused(schema, body, UnknownOutput, dialect))


def test_a_signature_may_name_another_output():
    body = {"examples": [ROW], "signature_name": "decision_function"}
    assert decode(DECISION, body, REGRESS).outputs == ("decision_function",)
    assert decode(TABLE, {"examples": [ROW], "signature_name": "predict_proba"}).outputs == ("predict_proba",)


@pytest.mark.parametrize("whole", ["input", "inputs"])
def test_all_of_a_row_is_one_feature_by_the_tensor_s_name(whole):
    examples = [{whole: [1, 2, 3, 4]}, {whole: [5, 6, 7, 8.5]}]
    assert decode(CLASSIFIER, {"examples": examples[:1]}).batch.matrix.tolist() == [[1, 2, 3, 4]]
    error = refused(CLASSIFIER, {"examples": [{whole: ["a", "b", "c", "d"]}]})
    assert error.faults[0].location == f"examples[0].{whole}[0]"


@pytest.mark.parametrize(
    ("verb", "dialect", "schema", "output"),
    [("classify", CLASSIFY, TABLE, "predict_proba"), ("regress", REGRESS, REGRESSOR, "predict")],
)
def test_a_verb_s_own_method_is_a_name_of_its_signature(verb, dialect, schema, output):
    """As in the requests of TensorFlow Serving's own documentation."""
    asked = {"signature_name": f"tensorflow/serving/{verb}", "context": {"city": "Oslo"}}
    call = decode(schema, asked | {"examples": [{"age": 1, "member": True}]}, dialect)
    assert call.outputs == (output,)
    other = {"classify": "regress", "regress": "classify"}[verb]
    refused(schema, {"signature_name": f"tensorflow/serving/{other}", "examples": [ROW]}, UnknownOutput, dialect)


def test_a_refusal_stays_short_whatever_was_sent():
    long = "x" * 100_000
    for body in (
        {"examples": [{long: None}]},
        {"examples": [{long: [1, 2.0]}]},
        {"examples": [{long: 1}], "context": {long: 1}},
        {"examples": [{}] * 1000},
        {"examples": long},
        {"examples": [ROW], "signature_name": long},
    ):
        error = refused(TABLE, body, RequestError)
        assert len(error.detail) + sum(len(fault.location + fault.got) for fault in error.faults) < 4000


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just({"b64": "YQ=="}),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*ROW, "inputs", "b64", "a"]), inner, max_size=4)
    ),
    max_leaves=12,
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "examples": VALUES | st.lists(st.dictionaries(st.sampled_from([*ROW, "inputs"]), VALUES)),
        "context": VALUES,
        "signature_name": st.just("predict") | VALUES,
    },
)


@given(st.sampled_from([CLASSIFIER, TABLE, REGRESSOR]), st.sampled_from([CLASSIFY, REGRESS]), BODIES | VALUES)
def test_any_json_is_decoded_or_refused_by_a_service_error(schema, dialect, body):
    try:
        rows = decode(schema, body, dialect).batch.rows
    except RequestError:
        rows = None
    assert rows is None or rows == len(body["examples"])
