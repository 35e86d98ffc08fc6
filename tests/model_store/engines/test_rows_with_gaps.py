"""Whole numbers and bools with gaps: each row is answered as if it came alone."""

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import FunctionTransformer

from model_store.batch import Batch
from model_store.engines.estimator import EstimatorEngine
from model_store.request_errors import InvalidInput
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


class Counting:
    """Answers the sum of the first two columns, missing ones as 0, and counts its predictions."""

    def __init__(self):
        self.calls = 0

    def predict(self, rows):
        self.calls += 1
        return np.nan_to_num(np.asarray(rows, dtype=float)).sum(axis=1)


WHOLE = Schema(
    "table",
    tuple(Column(name, "int64", nullable=True) for name in "abcdefghij"),
    (Output("predict", "float64"),),
)


def random_gaps(rows):
    random = np.random.default_rng(0)
    return {c.name: objects(*[None if random.random() < 0.5 else 1 for _ in range(rows)]) for c in WHOLE.columns}


def test_an_estimator_that_takes_floats_for_whole_numbers_predicts_all_rows_with_gaps_at_once():
    estimator = Counting()
    asked = EstimatorEngine(estimator, WHOLE)
    whole = Batch(3, matrix=np.ones((3, 10), dtype=np.int64))
    asked.compare_floats(whole, asked.predict(whole, ["predict"]))
    estimator.calls = 0
    columns = random_gaps(500)
    found = asked.predict(Batch(500, columns=columns), ["predict"])["predict"]
    assert estimator.calls == 2  # and the one row that has none
    assert found.tolist() == [sum(value or 0 for value in row) for row in zip(*columns.values(), strict=True)]


def test_more_patterns_of_gaps_than_one_request_may_have_are_refused():
    asked = EstimatorEngine(Counting(), WHOLE)
    with pytest.raises(InvalidInput, match="at most 256 are answered at once, so send fewer rows"):
        asked.predict(Batch(500, columns=random_gaps(500)), ["predict"])


def test_numbers_beyond_floats_are_predicted_apart_all_the_same():
    estimator = Counting()
    asked = EstimatorEngine(estimator, WHOLE)
    whole = Batch(3, matrix=np.ones((3, 10), dtype=np.int64))
    asked.compare_floats(whole, asked.predict(whole, ["predict"]))
    estimator.calls = 0
    columns = {c.name: objects(1, 1) for c in WHOLE.columns} | {"a": objects(2**53 + 1, 1), "b": objects(None, 1)}
    asked.predict(Batch(2, columns=columns), ["predict"])
    assert estimator.calls == 2


def test_an_estimator_that_tells_floats_from_whole_numbers_never_gets_them_together():
    asked = engine(Column("a", "int64", nullable=True), Column("c", "string"))
    whole = Batch(2, columns={"a": np.array([1, 2]), "c": objects("x", "y")})
    asked.compare_floats(whole, asked.predict(whole, ["transform"]))
    found = asked.predict(Batch(2, columns={"a": objects(3, None), "c": objects("x", "y")}), ["transform"])
    assert texts(found) == ["3|x", "nan|y"]


class Picky:
    """Answers sums of whole numbers, and no rows of floats alone."""

    def predict(self, frame):
        if all(dtype.kind == "f" for dtype in frame.dtypes):
            raise TypeError("floats")
        return frame.fillna(0).sum(axis=1).to_numpy(dtype=float)


def test_an_estimator_that_fails_on_floats_is_asked_apart():
    columns = (Column("a", "int64", nullable=True), Column("b", "float64"))
    asked = EstimatorEngine(Picky(), Schema("table", columns, WHOLE.outputs))
    whole = Batch(2, columns={"a": np.array([1, 2]), "b": np.array([0.5, 1.5])})
    asked.compare_floats(whole, asked.predict(whole, ["predict"]))
    assert asked.predict(whole, ["predict"])["predict"].tolist() == [1.5, 3.5]


def test_without_answers_to_compare_nothing_is_taken_for_proven():
    asked = engine(Column("a", "int64", nullable=True), Column("c", "string"))
    asked.compare_floats(Batch(2, columns={"a": np.array([1, 2]), "c": objects("x", "y")}), {})
    found = asked.predict(Batch(2, columns={"a": objects(3, None), "c": objects("x", "y")}), ["transform"])
    assert texts(found) == ["3|x", "nan|y"]


class Squares:
    """Answers squares, which wrap in int8."""

    def predict(self, frame):
        values = frame["a"].to_numpy()
        values = np.nan_to_num(values) if values.dtype.kind == "f" else values
        return (values * values).astype(float)


def test_rows_without_gaps_keep_their_type_also_where_floats_answered_the_same():
    columns = (Column("a", "int8", nullable=True), Column("c", "string"))
    asked = EstimatorEngine(Squares(), Schema("table", columns, WHOLE.outputs))
    small = Batch(2, columns={"a": np.array([1, 2], np.int8), "c": objects("x", "y")})
    asked.compare_floats(small, asked.predict(small, ["predict"]))
    found = asked.predict(Batch(2, columns={"a": objects(100, None), "c": objects("x", "y")}), ["predict"])
    assert found["predict"].tolist() == [16, 0]
