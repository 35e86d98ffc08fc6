"""Whatever JSON brings, validation answers a batch that equals a plain conversion, or names the faults."""

import math
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from model_store.request_errors import MOST_FAULTS, InvalidInput
from model_store.schema import DTYPES, FLOATS, INTEGERS, NUMBERS, TIMEDELTAS, Column, Output, Schema
from model_store.validation.columns import from_columns, from_matrix
from model_store.validation.rows import from_records, from_rows

untimed = settings(deadline=None)  # the first date imports pandas
OUT = (Output("predict", "float64"),)

numbers = st.one_of(
    st.integers(-200, 200),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.floats(-1e3, 1e3).map(round),
    st.sampled_from([0, 1, 0.0, 1.0, -0.0, 2**53, 2.0**53, 3.4028235677973366e38, 10**400, 1e308]),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=5), st.sampled_from(["a", "b", "2026-01-01"]))
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
CATEGORIES = {"string": ("a", "b"), "float64": (1.0, 2.0), "int64": (1, 2), "bool": (True,)}


@st.composite
def columns_of(draw, name):
    dtype = draw(st.sampled_from(DTYPES))
    closed = dtype in CATEGORIES and draw(st.booleans())
    column = Column(name, dtype, draw(st.booleans()), None, None, CATEGORIES.get(dtype, ()) if closed else (), closed)
    return draw(ranged(column))


@st.composite
def ranged(draw, column):
    low, high = draw(st.sampled_from([None, -3, 0])), draw(st.sampled_from([None, 1, 100]))
    if column.dtype not in NUMBERS or low is high is None:
        return column
    return replace(column, minimum=low, maximum=high, bounded=draw(st.booleans()))


@st.composite
def schemas(draw):
    width = draw(st.integers(1, 4))
    if draw(st.booleans()):
        column = draw(columns_of("c"))
        columns = tuple(
            draw(ranged(replace(column, name=f"c{i}", nullable=draw(st.booleans()), bounded=False)))
            for i in range(width)
        )
    else:
        columns = tuple(draw(columns_of(f"c{i}")) for i in range(width))
    return Schema(draw(st.sampled_from(["matrix", "table"])), columns, OUT)


def fits(column, value):
    """Whether a value belongs into a column, said in the plainest way."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return column.nullable
    return _has_type(column, value) and (not column.closed or value in column.categories) and _in_range(column, value)


def _in_range(column, value):
    number = converted(column, value)
    too_low = column.bounded and column.minimum is not None and number < column.minimum
    return not too_low and not (column.bounded and column.maximum is not None and number > column.maximum)


def _has_type(column, value):
    if column.dtype in FLOATS:
        return type(value) in {int, float} and _finite(value, column.dtype)
    if column.dtype in INTEGERS:
        info = np.iinfo(column.dtype)
        whole = type(value) is int or (type(value) is float and value.is_integer())
        return whole and info.min <= value <= info.max
    return type(value) is {"bool": bool, "string": str}.get(column.dtype, str)


def _finite(value, dtype):
    try:
        with np.errstate(over="ignore"):
            return bool(np.isfinite(np.dtype(dtype).type(float(value))))
    except OverflowError:
        return False


def converted(column, value):
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if column.dtype in FLOATS:
        return np.dtype(column.dtype).type(value).item()
    if column.dtype in INTEGERS:
        return int(value)
    return value


def columns_in(batch):
    return list(batch.matrix.T) if batch.matrix is not None else list(batch.columns.values())


def seen(batch, schema):
    """A batch's values, row by row, None for missing."""
    if batch.matrix is not None:
        assert batch.matrix.dtype == schema.columns[0].dtype
    else:
        assert list(batch.columns) == list(schema.names)
    rows = zip(*(values.tolist() for values in columns_in(batch)), strict=True)
    return [[None if value is None or value != value else value for value in row] for row in rows]  # noqa: PLR0124


def check(error):
    assert 0 < len(error.faults) <= MOST_FAULTS
    assert str(error)


def outcome(call):
    """What a call gives: its batch, or None where it refuses."""
    try:
        return call()
    except InvalidInput as error:
        check(error)
        return None


def judge(schema, rows, call):
    batch = outcome(call)
    assert batch is None or batch.rows == len(rows)
    if any(column.time_unit for column in schema.columns):
        return
    assert (batch is not None) == all(
        fits(column, value) for row in rows for column, value in zip(schema.columns, row, strict=True)
    )
    if batch is not None:
        wanted = [[converted(*cell) for cell in zip(schema.columns, row, strict=True)] for row in rows]
        assert seen(batch, schema) == wanted


@st.composite
def rows_for(draw, values, most=15):
    schema = draw(schemas())
    width = len(schema.columns)
    row = st.lists(values, min_size=width, max_size=width)
    return schema, draw(st.lists(row, min_size=1, max_size=most))


@st.composite
def fitting(draw):
    """Rows that all fit but for a few values."""
    schema = draw(schemas())
    strategies = [_good(column) for column in schema.columns]
    rows = draw(st.lists(st.tuples(*strategies).map(list), min_size=1, max_size=30))
    for _ in range(draw(st.integers(0, 2))):
        rows[draw(st.integers(0, len(rows) - 1))][draw(st.integers(0, len(strategies) - 1))] = draw(scalars)
    return schema, rows


def _good(column):
    if column.closed:
        good = st.sampled_from(column.categories)
    elif column.dtype in FLOATS:
        good = st.integers(-5, 5) | st.floats(-1e9, 1e9)
    elif column.dtype in INTEGERS:
        info = np.iinfo(column.dtype)
        good = st.integers(int(info.min), int(info.max)) | st.integers(0, 100).map(float)
    else:
        time = "P1DT2H" if column.dtype in TIMEDELTAS else "2026-01-01"
        good = {"bool": st.booleans(), "string": st.text(max_size=4)}.get(column.dtype, st.just(time))
    return st.none() | good if column.nullable else good


@untimed
@given(st.one_of(rows_for(scalars), rows_for(numbers), fitting()))
def test_rows_fit_exactly_when_each_value_does(case):
    schema, rows = case
    judge(schema, rows, lambda: from_rows(schema, rows))


@untimed
@given(st.one_of(rows_for(scalars), rows_for(numbers), fitting()), st.booleans())
def test_records_fit_exactly_when_each_value_does(case, exact):
    schema, rows = case
    records = [dict(zip(schema.names, row, strict=True)) for row in rows]
    judge(schema, rows, lambda: from_records(schema, records, exact=exact))


@untimed
@given(st.one_of(rows_for(scalars), rows_for(numbers), fitting()))
def test_columns_fit_exactly_when_each_value_does(case):
    schema, rows = case
    columns = {name: list(values) for name, values in zip(schema.names, zip(*rows, strict=True), strict=True)}
    judge(schema, rows, lambda: from_columns(schema, columns))


@untimed
@given(schemas(), st.lists(json_values, max_size=5))
def test_any_json_gives_a_batch_or_faults_as_rows(schema, rows):
    batch = outcome(lambda: from_rows(schema, rows))
    assert batch is None or batch.rows == len(rows)


@untimed
@given(
    schemas(),
    st.lists(json_values | st.dictionaries(st.sampled_from(["c0", "c1", "x"]), json_values), max_size=5),
    st.booleans(),
)
def test_any_json_gives_a_batch_or_faults_as_records(schema, records, exact):
    batch = outcome(lambda: from_records(schema, records, exact=exact))
    assert batch is None or batch.rows == len(records)


@untimed
@given(schemas(), st.dictionaries(st.sampled_from(["c0", "c1", "c2", "x"]), json_values))
def test_any_json_gives_a_batch_or_faults_as_columns(schema, columns):
    outcome(lambda: from_columns(schema, columns))


@untimed
@given(st.sampled_from(FLOATS + INTEGERS), st.sampled_from(FLOATS + INTEGERS), st.booleans(), st.data())
def test_arrays_of_numbers_are_cast_without_loss_of_range(given_as, wanted, nullable, data):
    kind = np.dtype(given_as)
    if kind.kind == "f":
        values = data.draw(st.lists(st.floats(width=kind.itemsize * 8), min_size=1, max_size=20))
    else:
        info = np.iinfo(kind)
        values = data.draw(st.lists(st.integers(int(info.min), int(info.max)), min_size=1, max_size=20))
    schema = Schema("matrix", (Column("c0", wanted, nullable),), OUT)
    matrix = np.array(values, dtype=kind).reshape(-1, 1)
    rows = [[value] for value in matrix[:, 0].tolist()]
    judge(schema, rows, lambda: from_matrix(schema, matrix))
