"""Rows on their way into an estimator."""

import numpy as np
import pytest

from model_store.batch import Batch, take
from model_store.schema import Column, Output, Schema

OUTPUTS = (Output("predict", "float64"),)
NUMBERS = Schema("matrix", (Column("a", "float64"), Column("b", "float64")), OUTPUTS)
MIXED = Schema("table", (Column("a", "float64"), Column("b", "string")), OUTPUTS)
MATRIX = Batch(2, matrix=np.array([[1.0, 2.0], [3.0, 4.0]]))
COLUMNS = Batch(2, columns={"a": np.array([1.0, 3.0]), "b": np.array(["x", None], dtype=object)})


@pytest.mark.parametrize(("schema", "batch", "values"), [(NUMBERS, MATRIX, [2.0, 4.0]), (MIXED, COLUMNS, ["x", None])])
def test_a_column_is_had_by_its_place_in_the_schema(schema, batch, values):
    assert batch.column(schema, 1).tolist() == values


@pytest.mark.parametrize("batch", [MATRIX, COLUMNS])
def test_rows_are_taken_in_the_order_asked_for(batch):
    schema = NUMBERS if batch is MATRIX else MIXED
    taken = take(batch, np.array([1, 0, 1]))
    assert taken.rows == 3
    assert taken.column(schema, 0).tolist() == [3.0, 1.0, 3.0]
