"""A sample's frame, read into a schema and a batch, comes back as it was: dtypes, units, zones, categories, gaps."""

import datetime as dt
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from model_store.batch import batch_of, estimator_input
from model_store.capture.columns.table import read_columns
from model_store.reference import golden
from model_store.reference.golden import Golden
from model_store.schema import Output, Schema

LARGE = 2**53 + 1
DAYS = pd.to_datetime(["2024-01-01", None, "2024-03-31", "1500-01-01"])
HOURS = pd.to_timedelta([1, None, 3, 4], unit="h")


def objects(*values):
    return pd.Series(values, dtype=object)


def arrow(values, kind):
    return pd.Series(values).astype(pd.ArrowDtype(kind))


COLUMNS = {
    "int8": pd.Series([1, 2, 3, 4], dtype="int8"),
    "uint64": pd.Series([2**63 + 5] * 4, dtype="uint64"),
    "float16": pd.Series([0.5, np.nan, 1, 2], dtype="float16"),
    "float32": pd.Series([0.1, np.nan, 1, 2], dtype="float32"),
    "long double": pd.Series([0.1, 1, 2, 3], dtype="longdouble"),
    "bool": [True, False, True, True],
    "Int64": pd.array([1, None, LARGE, 4], dtype="Int64"),
    "UInt64": pd.array([1, None, 2**63 + 1, 4], dtype="UInt64"),
    "Int64 without gaps": pd.array([1, 2, LARGE, 4], dtype="Int64"),
    "Float32": pd.array([1.5, None, 2, 4], dtype="Float32"),
    "boolean": pd.array([True, None, False, True], dtype="boolean"),
    "str": ["a", None, "c", ""],
    "string": pd.array(["a", None, "c", ""], dtype="string"),
    "string[python]": pd.array(["a", None, "c", ""], dtype="string[python]"),
    "None": objects("a", None, "c", ""),
    "NaN": objects("a", np.nan, "c", ""),
    "NA": objects("a", pd.NA, "c", ""),
    "whole objects": objects(1, None, LARGE, 4),
    "whole objects with NaN": objects(1, np.nan, LARGE, 4),
    "whole objects without gaps": objects(1, 2, 3, 4),
    "float objects": objects(1.5, None, 3.0, 4.0),
    "bool objects": objects(True, None, False, True),
    "bool objects without gaps": objects(True, True, False, True),
    "nothing at all": objects(None, None, None, None),
    "times": DAYS,
    "times in seconds": DAYS.as_unit("s"),
    "times in nanoseconds": DAYS[:3].as_unit("ns").append(DAYS[:1].as_unit("ns")),
    "zone": DAYS.tz_localize("Europe/Oslo"),
    "UTC in seconds": DAYS.as_unit("s").tz_localize("UTC"),
    "offset": DAYS.tz_localize(dt.timezone(dt.timedelta(hours=2))),
    "durations": HOURS,
    "durations in milliseconds": HOURS.as_unit("ms"),
    "ordered categories": pd.Categorical(["a", None, "b", "a"], categories=["b", "a", "z"], ordered=True),
    "whole categories": pd.Categorical([3, None, 1, 3]),
    "whole categories without gaps": pd.Categorical([3, 2, 1, 3]),
    "small categories": pd.Categorical(pd.Series([1, 2, 1, 2], dtype="int8")),
    "float categories": pd.Categorical([3.5, None, 1, 3.5]),
    "bool categories": pd.Categorical([True, None, False, True]),
    "object categories": pd.Categorical(objects("a", None, "b", "a")),
    "string categories": pd.Categorical(pd.Series(["a", None, "b", "a"], dtype="string")),
    "Int64 categories": pd.Categorical(pd.Series([1, None, 2, 1], dtype="Int64")),
    "time categories": pd.Categorical(DAYS),
    "zoned categories": pd.Categorical(DAYS.tz_localize("Europe/Oslo")),
    "Arrow int64": pd.Series([1, None, LARGE, 4], dtype="int64[pyarrow]"),
    "Arrow int16": pd.Series([1, 2, 3, 4], dtype="int16[pyarrow]"),
    "Arrow double": pd.Series([1, None, 2.5, 4], dtype="double[pyarrow]"),
    "Arrow float": pd.Series([1, None, 2.5, 4], dtype="float[pyarrow]"),
    "Arrow bool": pd.Series([True, None, False, True], dtype="bool[pyarrow]"),
    "Arrow text": pd.Series(["a", None, "b", ""], dtype=pd.ArrowDtype(pa.string())),
    "Arrow large text": pd.Series(["a", None, "b", ""], dtype=pd.ArrowDtype(pa.large_string())),
    "Arrow times": arrow(DAYS, pa.timestamp("us")),
    "Arrow zone": arrow(DAYS.tz_localize("Europe/Oslo"), pa.timestamp("ms", "Europe/Oslo")),
    "Arrow dates": pd.Series([dt.date(2024, 1, 1), None, dt.date(1600, 1, 1), None], dtype=pd.ArrowDtype(pa.date32())),
    "Arrow durations": arrow(HOURS, pa.duration("us")),
    "sparse": pd.arrays.SparseArray([0.0, 1, 0, 2.5], fill_value=0.0),
    "sparse, zero without a point": pd.arrays.SparseArray([0.0, 1, 0, 2.5], fill_value=0),
    "sparse with gaps": pd.arrays.SparseArray([np.nan, 1, np.nan, 2.5]),
    "sparse whole": pd.arrays.SparseArray([0, 1, 0, 2]),
    "sparse bools": pd.arrays.SparseArray([False, True, False, True]),
    "time objects": objects(*[pd.Timestamp("2024-01-01"), None] * 2),
    "zoned time objects": objects(*[pd.Timestamp("2024-01-01", tz="UTC"), pd.NaT] * 2),
    "datetime objects": objects(*[pd.Timestamp("2024-01-01T05").to_pydatetime()] * 4),
    "date objects": objects(*[dt.date(2024, 1, 1), None] * 2),
    "timedelta objects": objects(*[dt.timedelta(1, 5)] * 4),
    "Timedelta objects": objects(*[pd.Timedelta(1, "h"), pd.NaT] * 2),
    0: [1, 2, 3, 4],
    "": [1, 2, 3, 4],
}


@pytest.mark.parametrize("label", COLUMNS)
def test_a_column_comes_back_as_it_was(label):
    frame = pd.DataFrame({label: COLUMNS[label], "text": ["x"] * 4})
    columns, values = read_columns("table", frame)
    schema = Schema("table", columns, (Output("predict", "float64"),))
    read = Schema.from_json(json.loads(json.dumps(schema.to_json())))
    assert read == schema
    assert_same(frame, estimator_input(read, batch_of(schema, values)))
    stored = golden.from_bytes(golden.to_bytes(Golden(batch_of(schema, values), {})))
    assert_same(frame, estimator_input(read, stored.batch))


def assert_same(one, other):
    pd.testing.assert_frame_equal(one, other, check_exact=True, check_freq=False)
    if one.iloc[:, 0].dtype == object:
        assert [type(value) for value in one.iloc[:, 0]] == [type(value) for value in other.iloc[:, 0]]


def test_the_first_releases_fields_alone_say_a_plain_column():
    columns, _ = read_columns("table", pd.DataFrame({"a": [1.5], "b": ["x"]}))
    assert list(columns[0].to_json()) == [
        *("name", "dtype", "nullable", "minimum", "maximum"),
        *("categories", "closed", "held", "missing"),
    ]
