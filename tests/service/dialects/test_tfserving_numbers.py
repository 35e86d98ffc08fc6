"""Numbers are taken at once where that gives what a look at each value gives: same bits, same refusals."""

import random
from collections import Counter
from dataclasses import replace

import numpy as np
import orjson
import pytest

from model_store.request_errors import InvalidInput
from model_store.schema import Column, Output, Schema
from model_store.validation.casts import cast_column
from model_store.validation.columns import numbers_by_column
from model_store.validation.rows import numbers_by_name, numbers_by_position
from service.dialects.tfserving.signatures import signatures
from service.dialects.tfserving.tables import is_table
from service.dialects.tfserving.tensors import from_inputs, from_instances, from_named, from_named_columns, from_plain

BODIES = 3000
DTYPES = ("float64", "float32", "int64", "int8", "uint64")
USUAL = (0, 1, -1, 7, 0.5, -0.0, 3.0, 2**53 + 1, 1e-310, 0.1)
UNUSUAL = (
    *(None, True, False, "1", "", [1.5], [], {}, {"b64": "MQ=="}),
    *(2**63, -(2**63), 2**64 - 1, 1e300, 3.5e38, 1.5, 200, -5),
)


def invented(chance):
    """A schema, and rows of values that mostly fit it, as JSON gives them."""
    width, rows = chance.randint(1, 5), chance.choice((1, 2, 9, 30))
    dtype = chance.choice(DTYPES)
    gaps, bounded, optional = (chance.random() < share for share in (0.3, 0.2, 0.2))
    columns = tuple(
        Column(f"c{i}", dtype, gaps, -2 if bounded else None, 9 if bounded else None, bounded=bounded)
        if i or not optional
        else Column("c0", dtype, nullable=True, optional=True)
        for i in range(width)
    )
    usual = USUAL if dtype.startswith("float") else (0, 1, 2, 100)
    values = [[chance.choice(usual) for _ in range(width)] for _ in range(rows)]
    for _ in range(chance.choice((0, 0, 0, 1, 2))):
        values[chance.randrange(rows)][chance.randrange(width)] = chance.choice(UNUSUAL)
    return Schema("table", columns, (Output("predict", "float64"),)), values


def disturbed(chance, record):
    """The record, or one with a key too many, too few, or another one."""
    names, kind = list(record), chance.randrange(40)
    if kind == 0:
        return {**record, "foreign": 1}
    if kind == 1:
        return {name: record[name] for name in names[1:]}
    return {**{name: record[name] for name in names[1:]}, "foreign": 1} if kind == len(names) + 1 else record


def sent(value):
    """The value as a request brings it."""
    return orjson.loads(orjson.dumps(value))


def outcome(take, *arguments):
    """The batch's bits, or the refusal's words and places."""
    try:
        batch = take(*arguments)
    except InvalidInput as error:
        return error.detail, error.faults
    columns = [batch.column(arguments[0].schema, i) for i in range(len(arguments[0].schema.columns))]
    return batch.rows, [(c.dtype, c.tolist() if c.dtype == object else c.tobytes()) for c in columns]


def each_value(schema, columns):
    """The bits of columns that fit, each cast by itself."""
    faults = []
    cast = [cast_column(column, list(v), str, faults) for column, v in zip(schema.columns, columns, strict=True)]
    assert not faults
    return np.column_stack(cast).tobytes()


def test_named_rows_are_what_a_look_at_each_value_makes_of_them():
    chance, seen = random.Random(1), Counter()
    for _ in range(BODIES):
        schema, rows = invented(chance)
        records = sent([disturbed(chance, dict(zip(schema.names, row, strict=True))) for row in rows])
        if is_table(records[0]):
            continue  # a list for the first of the rows: KServe's form
        known = signatures(schema)
        assert outcome(from_instances, known, records) == outcome(from_named, known, records)
        at_once = numbers_by_name(schema, records)
        if at_once is not None:
            assert at_once.matrix.tobytes() == each_value(schema, zip(*sent(rows), strict=True))
        seen[at_once is not None] += 1
    assert min(seen.values()) > BODIES / 10, seen


def test_plain_rows_are_what_a_look_at_each_value_makes_of_them():
    chance, seen = random.Random(4), Counter()
    for _ in range(BODIES):
        schema, rows = invented(chance)
        schema = replace(schema, layout="matrix")
        if chance.random() < 0.1:
            rows[-1] = chance.choice((rows[-1][1:], [*rows[-1], 1], rows[-1][0], None, [rows[-1]]))
        rows = sent(rows)
        known = signatures(schema)
        assert outcome(from_instances, known, rows) == outcome(from_plain, known, rows)
        at_once = numbers_by_position(schema, rows)
        if at_once is not None:
            assert at_once.matrix.tobytes() == each_value(schema, zip(*rows, strict=True))
            assert outcome(from_inputs, known, rows) == outcome(from_instances, known, rows)
        seen[at_once is not None] += 1
    assert min(seen.values()) > BODIES / 10, seen


def test_named_columns_are_what_a_look_at_each_value_makes_of_them():
    chance, seen = random.Random(2), Counter()
    for _ in range(BODIES):
        schema, rows = invented(chance)
        columns = {name: list(values) for name, values in zip(schema.names, zip(*rows, strict=True), strict=True)}
        if chance.random() < 0.1:
            columns[schema.names[-1]].pop()
        columns = sent(columns)
        known = signatures(schema)
        assert outcome(from_inputs, known, columns) == outcome(from_named_columns, known, columns)
        at_once = numbers_by_column(schema, columns)
        if at_once is not None:
            assert at_once.matrix.tobytes() == each_value(schema, columns.values())
        seen[at_once is not None] += 1
    assert min(seen.values()) > BODIES / 10, seen


@pytest.mark.parametrize("given", ["float32", "float64"])
@pytest.mark.parametrize("wanted", ["float32", "float64"])
@pytest.mark.parametrize("nullable", [False, True])
def test_arrays_of_floats_are_what_a_cast_of_each_column_makes_of_them(given, wanted, nullable):
    chance = np.random.default_rng(3)
    schema = Schema("table", tuple(Column(f"c{i}", wanted, nullable) for i in range(3)), (Output("predict", wanted),))
    seen = Counter()
    for _ in range(500):
        rows = chance.choice([0.1, -0.0, 1e-45, 3.4e38, 1e-310, 7.0], size=(chance.integers(1, 5), 3))
        if chance.random() < 0.5:
            rows.flat[chance.integers(rows.size)] = chance.choice([np.nan, np.inf, -np.inf, 3.5e38])
        with np.errstate(over="ignore"):
            columns = {name: rows[:, i].astype(given) for i, name in enumerate(schema.names)}
        faults = []
        cast = [cast_column(c, v, str, faults) for c, v in zip(schema.columns, columns.values(), strict=True)]
        at_once = numbers_by_column(schema, columns)
        assert (at_once is None) == bool(faults)
        if at_once is not None:
            assert at_once.matrix.tobytes() == np.column_stack(cast).tobytes()
        seen[at_once is None] += 1
    assert min(seen.values()) > 50, seen
