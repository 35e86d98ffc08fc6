"""The document of what is declared: what it says, and the one sentence for what is wrong in it."""

import json
from typing import NamedTuple

import numpy as np
import pytest

from model_store.declaration.document import TYPES, Declaration, DeclaredColumn, load, read
from model_store.errors import BadSchema

AGE = {"type": "int64", "nullable": True, "minimum": 0, "maximum": 120, "unit": "years"}


def test_a_document_declares_only_what_it_names():
    known = {"categories": ["a", "b"], "unknown": "refuse"}
    found = read({"columns": {"age": AGE, "plan": known}, "outputs": ["predict"]})
    age = DeclaredColumn(type="int64", nullable=True, minimum=0, maximum=120, unit="years")
    plan = DeclaredColumn(categories=("a", "b"), unknown="refuse")
    assert found == Declaration({"age": age, "plan": plan}, outputs=("predict",))
    assert read({}) == Declaration()


def test_a_star_is_declared_of_every_column_and_a_column_s_own_words_beat_it():
    found = read({"columns": {"*": {"type": "float64", "nullable": True}, "age": {"nullable": False}}})
    assert set(found.columns) == {"age"}
    assert found.columns["age"].over(found.everywhere) == DeclaredColumn(type="float64", nullable=False)


def test_a_list_of_columns_declares_them_in_their_order():
    found = read({"columns": [{"type": "float64"}, {}]})
    assert found.in_order == (DeclaredColumn(type="float64"), DeclaredColumn())


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_can_be_declared(kind):
    assert read({"columns": {"a": {"type": kind}}}).columns["a"].type == kind


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"colums": {}}, "colums: there is no such key: expected one of columns, outputs; is 'columns' meant?"),
        ({"columns": 3}, "columns: expected a JSON object, got 3"),
        ({"columns": []}, "columns: expected a list that is not empty, got []"),
        ({"columns": [{}, 1]}, "columns[1]: expected a JSON object, got 1"),
        ({"columns": {"age": None}}, "columns.age: expected a JSON object, got null"),
        ({"columns": {"age": {"dtype": "int64"}}}, "columns.age.dtype: there is no such key"),
        ({"columns": {"age": {"type": "int"}}}, "columns.age.type: expected one of float32, float64"),
        ({"columns": {"age": {"type": ["int64"]}}}, "columns.age.type: expected one of float32, float64"),
        ({"columns": {"age": {"nullable": "yes"}}}, 'columns.age.nullable: expected true or false, got "yes"'),
        ({"columns": {"age": {"optional": 1}}}, "columns.age.optional: expected true or false, got 1"),
        ({"columns": {"age": {"minimum": True}}}, "columns.age.minimum: expected a finite number, got true"),
        ({"columns": {"age": {"minimum": 3, "maximum": 2}}}, "columns.age.maximum: expected a number from 3"),
        ({"columns": {"age": {"categories": []}}}, "columns.age.categories: expected a list that is not empty"),
        (
            {"columns": {"age": {"categories": ["a", "a"]}}},
            'categories[1]: expected each value once, got "a"',
        ),
        (
            {"columns": {"age": {"categories": [None]}}},
            "categories[0]: expected a string, a number or a bool",
        ),
        ({"columns": {"age": {"unknown": "warn"}}}, 'columns.age.unknown: expected one of accept, refuse, got "warn"'),
        ({"columns": {"age": {"unit": 3}}}, "columns.age.unit: expected a string, got 3"),
        ({"columns": {"age": {"optional": True, "nullable": False}}}, "columns.age.nullable: expected true"),
        ({"outputs": "predict"}, 'outputs: expected a list that is not empty, got "predict"'),
        ({"outputs": []}, "outputs: expected a list that is not empty, got []"),
        ({"outputs": [1]}, "outputs[0]: expected a string, got 1"),
        ({"outputs": ["predict", "predict"]}, 'outputs[1]: expected each value once, got "predict"'),
        ([1], "the document: expected a JSON object, got [1]"),
        ({"columns": {"a": {"minimum": float("nan")}}}, "holds what no JSON can"),
        ({"columns": {"a": {"minimum": np.float32(1)}}}, "holds what no JSON can"),
        ({"inputs": "x"}, 'inputs: expected a list, or the JSON of one, got "x"'),
        ({"inputs": []}, "inputs: expected a list that is not empty, got []"),
        ({"inputs": [3]}, "inputs[0]: expected a JSON object, got 3"),
        ({"inputs": [{"name": "a", "type": "binary"}]}, "inputs[0].type: expected one of boolean, integer"),
        ({"signature": {"inputs": [{"name": "a"}]}}, "signature.inputs[0].type: expected one of boolean, integer"),
        (
            {"inputs": [{"name": "a", "type": "long", "required": 1}]},
            "inputs[0].required: expected true or false",
        ),
        ({"inputs": [{"type": "tensor"}]}, "inputs[0].tensor-spec: expected a JSON object, got null"),
        ({"inputs": [{"type": "tensor", "tensor-spec": {"dtype": "complex64"}}]}, "tensor-spec.dtype: expected one of"),
        (
            {"inputs": [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 28, 28]}}]},
            "inputs[0].tensor-spec.shape: expected [-1, columns], got [-1, 28, 28]",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_with_its_place(document, said):
    with pytest.raises(BadSchema) as caught:
        load(document)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_document_is_read_from_a_file(tmp_path):
    path = tmp_path / "schema.json"
    path.write_text(json.dumps({"columns": {"age": AGE}}), "utf-8")
    assert load(path) == load(str(path)) == {"columns": {"age": AGE}}


@pytest.mark.parametrize("text", ["", "signature:\n  inputs: '[]'\n", "[" * 100_000, "\xff"])
def test_a_file_that_is_no_json_is_refused(tmp_path, text):
    path = tmp_path / "MLmodel"
    path.write_text(text, "latin-1")
    with pytest.raises(BadSchema, match="is not JSON"):
        load(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadSchema, match=r"there is no declared schema .*none\.json"):
        load(tmp_path / "none.json")


COLUMNS = [
    {"type": "long", "name": "age", "required": True},
    {"type": "integer", "name": "rooms"},
    {"type": "double", "name": "income", "required": False},
    {"type": "float", "name": "share", "optional": True},
    {"type": "string", "name": "plan"},
    {"type": "boolean", "name": "member"},
    {"type": "datetime", "name": "since"},
]


class ModelSignature(NamedTuple):
    """What MLflow's class of that name has of interest here."""

    document: dict

    def to_dict(self):
        return self.document


@pytest.mark.parametrize(
    "given",
    [
        {"inputs": json.dumps(COLUMNS), "outputs": '[{"type": "long"}]', "params": None},
        {"inputs": COLUMNS},
        {"signature": {"inputs": json.dumps(COLUMNS)}, "flavors": {}},
        ModelSignature({"inputs": json.dumps(COLUMNS), "outputs": None, "params": None}),
    ],
)
def test_a_signature_of_mlflow_declares_types_and_optional_columns(given):
    found = read(load(given))
    assert {name: column.type for name, column in found.columns.items()} == {
        "age": "int64",
        "rooms": "int32",
        "income": "float64",
        "share": "float32",
        "plan": "string",
        "member": "bool",
        "since": "datetime",
    }
    assert [name for name, column in found.columns.items() if column.optional] == ["income", "share"]
    assert found.outputs == ()


def test_columns_of_a_signature_without_names_are_in_order():
    found = read({"inputs": [{"type": "double"}, {"type": "long", "required": False}]})
    assert found.in_order == (DeclaredColumn(type="float64"), DeclaredColumn(type="int64", optional=True))


@pytest.mark.parametrize(("shape", "width"), [([-1, 3], 3), ([-1], 1)])
def test_a_tensor_of_a_signature_declares_its_type_of_each_column(shape, width):
    found = read({"inputs": [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": shape}}]})
    assert found.in_order == (DeclaredColumn(type="float32"),) * width


def test_a_tensor_of_any_width_declares_its_type_of_every_column():
    found = read({"inputs": [{"type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1, -1]}}]})
    assert found.everywhere == DeclaredColumn(type="string")


def test_what_mlflow_knows_nothing_of_declares_nothing():
    assert read({"inputs": '[{"type": "any", "required": true}]'}) == Declaration()
    inputs = [{"type": "any", "name": "a", "required": False}, {"type": "long", "name": "b"}]
    assert read({"inputs": inputs}).columns == {"a": DeclaredColumn(optional=True), "b": DeclaredColumn(type="int64")}


def test_tensors_with_names_declare_columns():
    tensor = {"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}
    assert read({"inputs": [{**tensor, "name": "age"}]}).columns == {"age": DeclaredColumn(type="int64")}
