"""Plain tensors of floats are taken at once, where that gives what a look at each of their members gives."""

import json
import random
from collections import Counter

import pytest

from model_store.codecs.json import loads
from model_store.request_errors import RequestError
from model_store.schema import Column, Output, Schema
from service.dialects.openinference.infer import INFER
from service.dialects.openinference.inputs import batch, plain
from service.dialects.openinference.tensors import Tail, read
from service.wire import WireRequest

BODIES = 3000
MOST_ROWS = 20
USUAL = (0, 1, -1, 0.5, -0.0, 3.0, 2**53 + 1, 1e-310, 0.1, 1e30)
UNUSUAL = (None, True, "1", [], [1.5], {}, 2**63, 10**25, 1e300, 3.5e38)
FORMS = (
    {"datatype": "FP16"}, {"datatype": "INT64"}, {"datatype": ["FP64"]}, {"datatype": None}, {"shape": None},
    {"shape": []}, {"shape": [0]}, {"shape": [21, 1]}, {"shape": [True, 1]}, {"shape": [1.0, 1]}, {"shape": [2, 2]},
    {"shape": [-1]}, {"shape": [2**40]}, {"shape": [1, 1, 1]}, {"name": 7}, {"name": None}, {"name": "c0"},
    {"name": "foreign"}, {"parameters": {}}, {"parameters": {"content_type": "np"}}, {"parameters": 1}, {"data": None},
    {"data": []}, {"data": {}}, {"data": [[[1.0]]]}, {"data": [1.0, [1.0]]}, {"foreign": 1},
)  # fmt: skip


def sent(value):
    """The value as a request brings it."""
    return loads(json.dumps(value).encode())


def invented(chance):
    """A schema of one float type, and documents for it that are mostly plain."""
    width, rows = chance.randint(1, 4), chance.choice((1, 2, 20))
    gaps, low = chance.random() < 0.3, -2 if chance.random() < 0.2 else None
    dtype = chance.choice(("float64", "float32"))
    columns = tuple(Column(f"c{i}", dtype, gaps, low, bounded=low is not None) for i in range(width))
    schema = Schema(chance.choice(("matrix", "table")), columns, (Output("predict", "float64"),))
    values = [[chance.choice(USUAL) for _ in range(width)] for _ in range(rows)]
    if chance.random() < 0.3:
        values[chance.randrange(rows)][chance.randrange(width)] = chance.choice(UNUSUAL)
    datatype = chance.choice(("FP64", "FP32"))
    if chance.random() < 0.5:
        data = values if chance.random() < 0.3 else [value for row in values for value in row]
        documents = [{"name": "x", "datatype": datatype, "shape": [rows, width], "data": data}]
    else:
        shape = [rows] if chance.random() < 0.5 else [rows, 1]
        by_column = zip(schema.names, zip(*values, strict=True), strict=True)
        documents = [{"name": n, "datatype": datatype, "shape": shape, "data": list(v)} for n, v in by_column]
    if chance.random() < 0.3:
        chance.choice(documents).update(chance.choice(FORMS))
    if chance.random() < 0.05:
        chance.choice(documents).pop(chance.choice(("name", "datatype", "shape", "data")))
    if chance.random() < 0.05:
        documents = [chance.choice((*documents, None, [])) for _ in documents]
    return schema, sent(documents)


def outcome(take):
    """The batch's bits, or the refusal's words and places."""
    try:
        made = take()
    except RequestError as error:
        return type(error), error.detail, error.faults
    return made.rows, made.matrix.dtype, made.matrix.shape, made.matrix.tobytes()


def each_looked_at(schema, documents):
    documents = documents[: len(schema.columns) + 1]
    tensors = [read(one, f"inputs[{i}]", Tail(None), "np", MOST_ROWS) for i, one in enumerate(documents)]
    return batch(schema, tensors)


def test_plain_tensors_are_what_a_look_at_each_member_makes_of_them():
    chance, seen = random.Random(5), Counter()
    for _ in range(BODIES):
        schema, documents = invented(chance)
        expected = outcome(lambda schema=schema, documents=documents: each_looked_at(schema, documents))
        body = json.dumps({"inputs": documents}).encode()
        request = WireRequest(body, max_rows=MOST_ROWS)
        assert outcome(lambda r=request, schema=schema: INFER.decode(r, schema).batch) == expected, documents
        try:
            seen[plain(schema, documents, MOST_ROWS) is not None] += 1
        except RequestError:
            seen["refused"] += 1
    assert min(seen[True], seen[False]) > BODIES / 3, seen
    assert seen["refused"] > BODIES / 200, seen


@pytest.mark.parametrize("entry", [{"name": "predict"}, {"name": "output0"}, {"name": "predict", "parameters": {}}])
def test_an_output_is_found_by_its_name_alone_and_with_more_said_of_it(entry):
    schema = Schema("matrix", (Column("c0", "float64"),), (Output("predict", "float64"), Output("other", "float64")))
    document = {"name": "x", "datatype": "FP64", "shape": [1], "data": [1.0]}
    call = INFER.decode(WireRequest(json.dumps({"inputs": [document], "outputs": [entry]}).encode()), schema)
    assert call.outputs == ("predict",)
    assert [(one.name, one.output.name, one.binary, one.classes) for one in call.context.wanted] == [
        (entry["name"], "predict", False, 0)
    ]
