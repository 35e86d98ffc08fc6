"""Rows of several outputs, and pairs of label and score, are the same text in few rows and in many."""

import json
import random

import numpy as np
import pytest

from model_store.codecs.json import dumps
from model_store.schema import Column, Output, Schema
from service.dialects.mlflow.invocations import INVOCATIONS
from service.dialects.tfserving.examples import CLASSIFY
from service.wire import Call, PredictionResult

NUMBERS = {
    "float64": [0.0, -0.0, 0.1, 1e300, 5e-324, float("nan"), float("inf"), float("-inf"), 123456789.125],
    "float32": [0.0, -0.0, 0.1, 3e38, 1e-45, float("nan"), float("inf"), float("-inf"), 16777216.0],
    "int64": [0, -1, 2**63 - 1, -(2**63), 2**53 + 1],
    "uint8": [0, 255, 7],
    "bool": [True, False],
}
NAMES = ("predict", "100 %b %", 'a "quoted" name', "zero\0", "Ü")


def drawn(chance, dtype, shape):
    return np.array(chance.choices(NUMBERS[dtype], k=int(np.prod(shape)))).astype(dtype).reshape(shape)


def answer(outputs, labels=()):
    described = tuple(Output(name, array.dtype.name, array.shape[1:], labels) for name, array in outputs.items())
    return PredictionResult("m", 1, Schema("matrix", (Column("c0", "float64"),), described, "classifier"), outputs)


def test_records_of_many_rows_are_those_of_each_row_by_itself():
    chance = random.Random(6)
    for _ in range(500):
        rows = chance.choice((9, 10, 40))
        shapes = [chance.choice(((rows,), (rows, 1), (rows, 3), (rows, 0))) for _ in NAMES[: chance.randint(2, 5)]]
        drawn_by_name = zip(NAMES, shapes, strict=False)
        outputs = {name: drawn(chance, chance.choice(list(NUMBERS)), shape) for name, shape in drawn_by_name}
        call = Call(None, tuple(outputs), ())
        singles = [{name: array[row : row + 1] for name, array in outputs.items()} for row in range(rows)]
        texts = [INVOCATIONS.encode(answer(one), call).body[len('{"predictions":[') : -2] for one in singles]
        assert INVOCATIONS.encode(answer(outputs), call).body == b'{"predictions":[%b]}' % b",".join(texts)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("labels", [(0, 1), ("a%b", 'q"', "zero\0"), ("Ü",)])
def test_pairs_of_many_rows_are_those_of_each_row_by_itself(dtype, labels):
    chance = random.Random(7)
    for rows in (9, 10, 40):
        scores = drawn(chance, dtype, (rows, len(labels)))
        call = Call(None, ("predict_proba",), None)
        singles = [answer({"predict_proba": scores[row : row + 1]}, labels) for row in range(rows)]
        texts = [CLASSIFY.encode(one, call).body[len('{"results":[') : -2] for one in singles]
        body = CLASSIFY.encode(answer({"predict_proba": scores}, labels), call).body
        assert body == b'{"results":[%b]}' % b",".join(texts)
        read = json.loads(body)["results"][0]
        assert [label for label, _ in read] == [label if isinstance(label, str) else str(label) for label in labels]


def test_an_output_of_text_is_written_next_to_numbers():
    outputs = {"predict": np.array(["a,b", '"'] * 5, dtype=object), "score": np.arange(10.0)}
    body = INVOCATIONS.encode(answer(outputs), Call(None, tuple(outputs), ())).body
    assert json.loads(body)["predictions"][1] == {"predict": '"', "score": 1.0}
    assert body.startswith(dumps({"predictions": [{"predict": "a,b", "score": 0.0}]})[:-2])
