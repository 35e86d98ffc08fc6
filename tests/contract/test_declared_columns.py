"""Columns that an owner declared: optional ones may be left out and ranges refuse, in every dialect and body format."""

import io
import json
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from jsonschema import Draft202012Validator

from model_store.request_errors import InvalidInput, RequestError
from model_store.schema import Column, Output, Schema
from service.dialects.mlflow import bodies as mlflow
from service.dialects.mlflow.invocations import INVOCATIONS
from service.dialects.openinference import bodies as openinference
from service.dialects.openinference import metadata
from service.dialects.openinference.infer import INFER
from service.dialects.tfserving import bodies as tfserving
from service.dialects.tfserving.examples import CLASSIFY, REGRESS
from service.dialects.tfserving.kserve_v1 import PREDICT
from service.wire import WireRequest

OUTPUTS = (Output("predict", "float64"), Output("predict_proba", "float64", (2,), ("a", "b")))
AGE = Column("age", "int64", minimum=0, maximum=120, bounded=True)
INCOME = Column("income", "float64", nullable=True, optional=True, minimum=0, bounded=True)
NOTE = Column("note", "string", nullable=True, optional=True)
TABLE = Schema("table", (AGE, INCOME, NOTE), OUTPUTS)
SHARE = Column("x0", "float64", minimum=0, maximum=1, bounded=True)
MATRIX = Schema("matrix", (SHARE, Column("x1", "float64")), OUTPUTS)
ROWS = [{"age": 31, "income": 10.5, "note": "x"}, {"age": 32, "income": 11.0, "note": "y"}]


def records(names):
    return [{name: row[name] for name in names} for row in ROWS]


def by_column(rows):
    return {name: [row[name] for row in rows] for name in rows[0]}


def asked(dialect, document, schema=TABLE, media_type="application/json"):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return dialect.decode(WireRequest(body, {"content-type": media_type}), schema).batch


def tensors(rows):
    kinds = {"age": "INT64", "note": "BYTES"}
    columns = by_column(rows).items()
    made = [{"name": n, "shape": [len(v), 1], "datatype": kinds.get(n, "FP64"), "data": v} for n, v in columns]
    return {"inputs": made}


def arrow(rows):
    table, sink = pa.Table.from_pylist(rows), io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def split(rows):
    return {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}


WAYS = {
    "tfserving instances": lambda rows: asked(PREDICT, {"instances": rows}),
    "tfserving inputs": lambda rows: asked(PREDICT, {"inputs": by_column(rows)}),
    "tfserving classify": lambda rows: asked(CLASSIFY, {"examples": rows}),
    "tfserving regress": lambda rows: asked(REGRESS, {"examples": rows}),
    "kserve tables": lambda rows: asked(PREDICT, {"instances": [by_column(rows)]}),
    "openinference": lambda rows: asked(INFER, tensors(rows)),
    "mlflow records": lambda rows: asked(INVOCATIONS, {"dataframe_records": rows}),
    "mlflow split": lambda rows: asked(INVOCATIONS, {"dataframe_split": split(rows)}),
    "mlflow instances": lambda rows: asked(INVOCATIONS, {"instances": rows}),
    "mlflow inputs": lambda rows: asked(INVOCATIONS, {"inputs": by_column(rows)}),
    "csv": lambda rows: asked(INVOCATIONS, pd.DataFrame(rows).to_csv(index=False).encode(), TABLE, "text/csv"),
    "parquet": lambda rows: asked(
        INVOCATIONS, pd.DataFrame(rows).to_parquet(index=False), TABLE, "application/vnd.apache.parquet"
    ),
    "arrow": lambda rows: asked(INVOCATIONS, arrow(rows), TABLE, "application/vnd.apache.arrow.stream"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("names", [("age",), ("age", "note"), ("age", "income"), ("note", "income", "age")])
def test_an_optional_column_that_is_left_out_is_missing_in_every_row(way, names):
    batch = WAYS[way](records(names))
    assert batch.rows == 2
    assert batch.columns["age"].tolist() == [31, 32]
    income, note = batch.columns["income"], batch.columns["note"].tolist()
    assert income.dtype == np.float64
    assert income.tolist() == [10.5, 11.0] if "income" in names else np.isnan(income).all()
    assert note == (["x", "y"] if "note" in names else [None, None])


@pytest.mark.parametrize("way", WAYS)
def test_a_column_that_is_not_optional_has_to_be_there(way):
    with pytest.raises(InvalidInput) as caught:
        WAYS[way](records(("income", "note")))
    assert "age" in str(caught.value)


def test_records_may_each_leave_out_another_column():
    found = [{"age": 31, "note": "x"}, {"age": 32, "income": 11.0}, {"age": 33}]
    for dialect, field in ((PREDICT, "instances"), (INVOCATIONS, "instances"), (INVOCATIONS, "dataframe_records")):
        batch = asked(dialect, {field: found})
        assert batch.columns["note"].tolist() == ["x", None, None]
        assert [None if math.isnan(value) else value for value in batch.columns["income"]] == [None, 11.0, None]
    tables = [{"age": [31], "note": ["x"]}, {"age": [32, 33], "income": [11.0, 12.0]}]
    batch = asked(PREDICT, {"instances": tables})
    assert batch.columns["note"].tolist() == ["x", None, None]
    assert batch.columns["income"].tolist()[1:] == [11.0, 12.0]


def test_a_misspelt_column_next_to_optional_ones_is_refused_where_the_protocol_refuses_unknown_ones():
    wrong = [{"age": 31, "incme": 11.0}]
    for way in ("tfserving instances", "openinference"):
        with pytest.raises(InvalidInput, match="incme"):
            WAYS[way](wrong)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize("value", [121, -1])
def test_a_whole_number_outside_of_its_declared_range_is_refused(way, count, value):
    rows = [{"age": 31, "income": 10.5, "note": "x"} for _ in range(count)]
    rows[-1]["age"] = value
    with pytest.raises(InvalidInput) as caught:
        WAYS[way](rows)
    found = [(fault.expected, fault.got) for fault in caught.value.faults]
    assert found == [("a whole number from 0 to 120", str(value))]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("count", [1, 100])
def test_a_range_may_have_one_end(way, count):
    rows = [{"age": 31, "income": 1e300, "note": "x"} for _ in range(count)]
    assert WAYS[way](rows).columns["income"].tolist() == [1e300] * count
    rows[-1]["income"] = -0.5
    with pytest.raises(InvalidInput) as caught:
        WAYS[way](rows)
    assert [fault.expected for fault in caught.value.faults] == ["a finite number from 0 or null"]


def npy(matrix):
    body = io.BytesIO()
    np.save(body, matrix)
    return body.getvalue()


def one_tensor(matrix, datatype="FP64"):
    flat = np.asarray(matrix).ravel().tolist()
    return {"inputs": [{"name": "input", "shape": list(np.shape(matrix)), "datatype": datatype, "data": flat}]}


MATRICES = {
    "tfserving instances": lambda rows: asked(PREDICT, {"instances": rows}, MATRIX),
    "tfserving inputs": lambda rows: asked(PREDICT, {"inputs": rows}, MATRIX),
    "openinference": lambda rows: asked(INFER, one_tensor(rows), MATRIX),
    "openinference float32": lambda rows: asked(INFER, one_tensor(rows, "FP32"), MATRIX),
    "mlflow inputs": lambda rows: asked(INVOCATIONS, {"inputs": rows}, MATRIX),
    "npy": lambda rows: asked(INVOCATIONS, npy(np.array(rows, dtype=float)), MATRIX, "application/x-npy"),
}


@pytest.mark.parametrize("way", MATRICES)
@pytest.mark.parametrize("count", [1, 100])
def test_a_matrix_is_looked_at_by_the_range_of_each_column(way, count):
    rows = [[0.5, -7.0] for _ in range(count)]
    assert MATRICES[way](rows).matrix.tolist() == rows
    rows[-1][0] = 1.5
    with pytest.raises(RequestError) as caught:
        MATRICES[way](rows)
    assert [(fault.expected, fault.got) for fault in caught.value.faults] == [("a finite number from 0 to 1", "1.5")]


def described(dialect, verb, schema=TABLE):
    return Draft202012Validator(dict(dialect.bodies(schema)[verb].request["application/json"]))


BODIES = {
    "instances": (tfserving, "predict", lambda rows: {"instances": rows}),
    "inputs": (tfserving, "predict", lambda rows: {"inputs": by_column(rows)}),
    "examples": (tfserving, "classify", lambda rows: {"examples": rows}),
    "records": (mlflow, "invocations", lambda rows: {"dataframe_records": rows}),
    "columns": (mlflow, "invocations", lambda rows: {"inputs": by_column(rows)}),
    "tensors": (openinference, "infer", tensors),
}


@pytest.mark.parametrize("form", BODIES)
def test_the_api_description_takes_what_is_taken(form):
    dialect, verb, made = BODIES[form]
    schema = described(dialect, verb)
    schema.validate(schema.schema["examples"][0])
    for names in (("age",), ("age", "note"), TABLE.names):
        schema.validate(made(records(names)))
    assert not schema.is_valid(made(records(("income", "note"))))
    for place, value in (("age", 121), ("age", -1), ("income", -0.5)):
        assert not schema.is_valid(made([{**ROWS[0], place: value}]))


def test_the_api_description_of_a_matrix_has_the_range_of_each_column():
    schema = described(tfserving, "predict", MATRIX)
    assert schema.is_valid({"instances": [[0.5, -7]]})
    assert not schema.is_valid({"instances": [[1.5, -7]]})
    assert described(openinference, "infer", MATRIX).is_valid(one_tensor([[0.5, -7.0]]))


@pytest.mark.parametrize(("low", "high"), [(10, None), (None, -10), (123456, 123457), (1.00001, 1.00002)])
@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_examples_are_in_their_range(dtype, low, high):
    if dtype == "int64" and isinstance(low, float):
        return
    schema = Schema("table", (Column("a", dtype, minimum=low, maximum=high, bounded=True),), OUTPUTS)
    found = described(tfserving, "predict", schema)
    found.validate(found.schema["examples"][0])


def test_metadata_of_the_open_inference_protocol_says_what_is_declared():
    unit = Schema("table", (Column("a", "float64", unit="cm"), Column("b", "float64", minimum=0)), OUTPUTS)
    assert [tensor.to_json().get("parameters") for tensor in metadata.inputs(unit)] == [{"unit": "cm"}, None]
    assert [tensor.to_json().get("parameters") for tensor in metadata.inputs(TABLE)] == [
        {"minimum": 0, "maximum": 120},
        {"optional": True, "minimum": 0},
        {"optional": True},
    ]


def test_a_description_names_unit_and_what_may_be_left_out():
    column = Column("age", "float64", nullable=True, optional=True, minimum=0, maximum=9, bounded=True, unit="years")
    words = json.dumps(described(tfserving, "predict", Schema("table", (column, NOTE), OUTPUTS)).schema)
    assert "age (float64, in years, may be left out)" in words
    assert "seen from" not in words
