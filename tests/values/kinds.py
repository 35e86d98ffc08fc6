"""Columns of every dtype that pandas has, made of a generator of random numbers: ordinary values and odd ones."""

import datetime as dt
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa

UNITS = ("s", "ms", "us", "ns")
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC", "+05:30")
TEXTS = (
    "a",
    "b",
    "NA",
    "null",
    "007",
    "1e5",
    "true",
    " x ",
    "Straße",
    "東京",
    'say "x", or\nnot',
    "2024-01-01",
    "-",
    "x" * 300,
)
EMPTY = (*TEXTS[:3], "")
MOMENTS = (
    "2024-03-31 00:59:59",  # the hours around summer time, in UTC
    "2024-03-31 01:00:00",
    "2024-10-27 00:30:00",
    "2024-10-27 01:30:00",
    "2024-11-03 05:30:00",
    "2024-11-03 06:30:00",
    "1969-12-31 23:59:59",
    "2024-02-29 12:00:00",
    "1900-01-01 00:00:00",
)
STANDARD = MOMENTS[:-1]
"""Before zones had standard time their offsets had seconds, such as +05:21:10, which pandas writes and cannot read."""
FRACTIONS = {"s": 0, "ms": 123, "us": 123_456, "ns": 123_456_789}
SECONDS = (0, 1, -1, 3600, -86_400, 10**8)


def floats(dtype, rng, rows):
    limits = np.finfo(dtype)
    odd = [0.0, -0.0, 1.5, -2.25, 0.1, float(limits.max), float(limits.tiny), float(limits.smallest_subnormal), 3.0]
    return pd.Series(np.array(rng.choice(odd, rows), dtype=dtype))


def integers(dtype, rng, rows):
    limits = np.iinfo(dtype)
    odd = [0, 1, 2, 7, limits.max, limits.min, *(n for n in (2**53 + 1, 2**24 + 1) if n <= limits.max)]
    return pd.Series(np.array([odd[i] for i in rng.integers(0, len(odd), rows)], dtype=dtype))


def chosen(values, dtype, rng, rows):
    return pd.Series([values[i] for i in rng.integers(0, len(values), rows)], dtype=dtype)


def moments(unit, rng, rows, among=MOMENTS):
    drawn = pd.Series(np.array(rng.choice(among, rows), dtype=f"datetime64[{unit}]"))
    return drawn + np.timedelta64(FRACTIONS[unit] if rng.integers(2) else 0, unit)


def zoned(unit, zone, rng, rows):
    return moments(unit, rng, rows, STANDARD).dt.tz_localize("UTC").dt.tz_convert(zone)


def any_zone(unit, rng, rows):
    return zoned(unit, ZONES[rng.integers(len(ZONES))], rng, rows)


def durations(unit, rng, rows):
    return pd.Series(rng.choice(SECONDS, rows).astype("timedelta64[s]").astype(f"timedelta64[{unit}]"))


def categories(values, ordered, rng, rows):
    known = pd.Series(values).iloc[rng.permutation(len(values))]
    drawn = known.iloc[rng.integers(0, max(len(values) - 1, 1), rows)]  # the last one is never used
    return pd.Series(pd.Categorical(drawn, categories=pd.Index(known), ordered=ordered))


def arrow(kind, values, rng, rows):
    drawn = [values[i] for i in rng.integers(0, len(values), rows)]
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.array(drawn, type=kind)))


def dictionary(rng, rows):
    drawn = pa.array([TEXTS[i] for i in rng.integers(0, 5, rows)]).dictionary_encode()
    return pd.Series(pd.arrays.ArrowExtensionArray(drawn))


def sparse(dtype, rng, rows):
    return pd.Series(rng.choice([0, 0, 0, 1, 5], rows)).astype(pd.SparseDtype(dtype, 0))


INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
NULLABLE = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
TIMES = tuple(pd.to_datetime(list(STANDARD)).to_pydatetime())
DATES = tuple(moment.date() for moment in TIMES)
FLOATING = (0.5, -2.25, 0.1, 1e300, 3.0)
NUMBERS = {
    **{dtype: partial(integers, dtype) for dtype in INTEGERS},
    **{dtype: partial(floats, dtype) for dtype in ("float16", "float32", "float64")},
    **{dtype: lambda rng, rows, dtype=dtype: integers(dtype.lower(), rng, rows).astype(dtype) for dtype in NULLABLE},
    **{
        dtype: lambda rng, rows, dtype=dtype: floats(dtype.lower(), rng, rows).astype(dtype)
        for dtype in ("Float32", "Float64")
    },
    "int64[pyarrow]": partial(arrow, pa.int64(), (0, 7, 2**53 + 1, -(2**63))),
    "uint8[pyarrow]": partial(arrow, pa.uint8(), (0, 7, 255)),
    "double[pyarrow]": partial(arrow, pa.float64(), FLOATING),
    "float[pyarrow]": partial(arrow, pa.float32(), (0.5, 3.0)),
    "Sparse[float64]": partial(sparse, "float64"),
    "Sparse[int64]": partial(sparse, "int64"),
}
FLAGS = {
    "bool": partial(chosen, (True, False), "bool"),
    "boolean": partial(chosen, (True, False), "boolean"),
    "bool[pyarrow]": partial(arrow, pa.bool_(), (True, False)),
    "objects, bools": partial(chosen, (True, False), object),
}
WORDS = {
    **{dtype: partial(chosen, TEXTS, dtype) for dtype in ("str", "string", "string[python]", "string[pyarrow]")},
    "str, some empty": partial(chosen, EMPTY, "str"),
    "objects, text": partial(chosen, TEXTS, object),
    "text[pyarrow]": partial(arrow, pa.string(), TEXTS),
    "large text[pyarrow]": partial(arrow, pa.large_string(), TEXTS),
}
OBJECTS = {
    "objects, whole numbers": partial(chosen, (0, 1, 7, 2**53 + 1), object),
    "objects, floats": partial(chosen, FLOATING, object),
    "objects, dates": partial(chosen, DATES, object),
}
WHEN = {
    **{f"datetime64[{unit}]": partial(moments, unit) for unit in UNITS},
    **{f"datetime64[{unit}], zoned": partial(any_zone, unit) for unit in UNITS},
    "timestamp[pyarrow]": partial(arrow, pa.timestamp("us"), TIMES),
    "timestamp[pyarrow], zoned": partial(arrow, pa.timestamp("ns", "Europe/Berlin"), TIMES),
    "date32[pyarrow]": partial(arrow, pa.date32(), DATES),
}
HOW_LONG = {
    **{f"timedelta64[{unit}]": partial(durations, unit) for unit in UNITS},
    "duration[pyarrow]": partial(arrow, pa.duration("us"), [dt.timedelta(seconds=s) for s in SECONDS]),
}
CATEGORIES = {
    "category, text": partial(categories, TEXTS, False),
    "category, text in order": partial(categories, TEXTS[:5], True),
    "category, whole numbers": partial(categories, (3, 1, 7, 2**40), False),
    "category, whole numbers in order": partial(categories, (3, 1, 7), True),
    "category, floats": partial(categories, FLOATING, False),
    "category, bools": partial(categories, (True, False), False),
    "category, times": partial(categories, pd.to_datetime(list(MOMENTS)), False),
    "category, zoned times": partial(
        categories,
        pd.to_datetime(list(STANDARD)).tz_localize("Europe/Berlin", ambiguous=True, nonexistent="shift_forward"),
        False,
    ),
}
SAID = {
    "dictionary[pyarrow]": dictionary,
    **NUMBERS,
    **FLAGS,
    **WORDS,
    **OBJECTS,
    **WHEN,
    **HOW_LONG,
    **CATEGORIES,
}
UNSAID = {
    "period": lambda rng, rows: moments("s", rng, rows).dt.to_period("D"),
    "interval": lambda rng, rows: pd.Series(pd.arrays.IntervalArray.from_breaks(np.arange(rows + 1))),
    "decimal[pyarrow]": lambda rng, rows: arrow(pa.string(), ("1.50", "-0.01", "7.00"), rng, rows).astype(
        pd.ArrowDtype(pa.decimal128(10, 2))
    ),
    "complex128": lambda rng, rows: pd.Series(rng.random(rows) + 1j),
    "objects, lists": lambda rng, rows: pd.Series([[1]] * rows, dtype=object),
}
"""Dtypes that no request can say."""
SHOWN = frozenset({"Sparse[float64]", "Sparse[int64]", "dictionary[pyarrow]"})
"""Dtypes that publishing refuses in some pipelines: those that look at how pandas keeps them."""
KINDS = {**SAID, **UNSAID}


def gapped(series, rng):
    """Return the column with gaps, if its dtype knows any: integers and bools of NumPy have none."""
    holes = rng.random(len(series)) < 0.25
    holes[0] = True
    marker = [None, np.nan, pd.NA][rng.integers(3)] if series.dtype == object else None
    if series.dtype == object:
        return pd.Series([marker if hole else value for hole, value in zip(holes, series, strict=True)], dtype=object)
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "iub":
        return series
    if isinstance(series.dtype, (pd.SparseDtype, pd.PeriodDtype, pd.IntervalDtype)):
        return series
    return series.mask(holes)
