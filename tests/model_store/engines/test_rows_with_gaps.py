"""Whole numbers and bools with gaps: each row is answered as if it came alone."""

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import FunctionTransformer

from model_store.batch import Batch
from model_store.engines.estimator import EstimatorEngine
from model_store.schema import Column, Output, Schema


def written(rows):
    columns = [values.tolist() for _, values in pd.DataFrame(rows).items()]
    return np.array(["|".join(map(str, row)) for row in zip(*columns, strict=True)])


TEXT = FunctionTransformer(written)


def engine(*columns, layout="table"):
    return EstimatorEngine(TEXT, Schema(layout, columns, (Output("transform", "string"),)))


def objects(*values):
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def texts(found):
    return found["transform"].tolist()


def test_a_gap_makes_no_floats_of_other_rows():
    asked = engine(Column("a", "int64", nullable=True), Column("b", "int64", nullable=True), Column("c", "string"))
    columns = {"a": objects(3, None, 2**53 + 1, None), "b": objects(1, 2, None, None), "c": objects(*"wxyz")}
    found = texts(asked.predict(Batch(4, columns=columns), ["transform"]))
    assert found == ["3|1|w", "nan|2|x", "9007199254740993|nan|y", "nan|nan|z"]


def test_bools_stay_bools():
    asked = engine(Column("a", "bool", nullable=True), Column("c", "string"))
    batch = Batch(3, columns={"a": objects(True, None, False), "c": objects(*"xyz")})
    assert texts(asked.predict(batch, ["transform"])) == ["True|x", "None|y", "False|z"]


@pytest.mark.parametrize("layout", ["matrix", "table"])
def test_rows_without_gaps_are_a_matrix_of_whole_numbers(layout):
    asked = engine(Column("a", "int64", nullable=True), Column("b", "int64"), layout=layout)
    batch = Batch(2, columns={"a": objects(1, None), "b": np.array([3, 4])})
    gapped = "nan|4.0" if layout == "matrix" else "nan|4"
    assert texts(asked.predict(batch, ["transform"])) == ["1|3", gapped]
