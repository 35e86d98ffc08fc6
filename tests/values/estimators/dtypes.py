"""A column of each dtype that pandas has, looked at by a step that tells one type from another."""

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder

from tests.values import steps
from tests.values.case import fitted
from tests.values.rows import COUNTS, MIXED, PRICE, ROWS, X, cycled, gaps, random

ORDINAL = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
SECONDS = pd.Series(pd.date_range("2024-10-26 20:00:07", periods=ROWS, freq="13min"))
FEW = pd.Series(pd.to_datetime(cycled("2024-03-31 01:30", "2024-10-27 02:30", "2024-07-01 00:00"), format="ISO8601"))
ODD = pd.Series(
    pd.to_datetime(
        cycled("1969-12-31 23:59:59.999999", "2024-02-29 00:00:00.000001", "2262-04-11 00:00:00.5"), format="ISO8601"
    )
)
DURATIONS = pd.Series(pd.to_timedelta(random.integers(-(10**6), 10**6, ROWS), unit="s"))


def looked_at(step, *columns, final=None):
    """Return a case whose first step makes something of all columns but the last."""
    rows = pd.DataFrame({f"c{i}": column for i, column in enumerate(columns)}).assign(n=COUNTS[:, 0])
    first = FunctionTransformer(steps.but_last, kw_args={"step": step})
    return fitted(make_pipeline(first, final or ORDINAL, Ridge()), rows, PRICE)


def arrow(values, kind):
    return pd.Series(values, dtype=pd.ArrowDtype(kind))


NUMBER = RandomForestRegressor(5, random_state=0)
SEEN = {
    "float16": X[:, 0].astype("f2"),
    "float32": X[:, 0].astype("f4"),
    "float64": X[:, 0],
    **{kind: COUNTS[:, 0].astype(kind) for kind in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")},
    "uint64": COUNTS[:, 0].astype("u8") + np.uint64(2**63),
    "bool": X[:, 0] > 0,
    "Int8": pd.Series(gaps(COUNTS[:, 0].tolist()), dtype="Int8"),
    "Int64": pd.Series(gaps((COUNTS[:, 0] + 2**53).tolist()), dtype="Int64"),
    "Int64 without gaps": pd.Series(COUNTS[:, 0], dtype="Int64"),
    "UInt32": pd.Series(gaps(COUNTS[:, 0].tolist()), dtype="UInt32"),
    "Float32": pd.Series(gaps(X[:, 0].round(1).tolist()), dtype="Float32"),
    "Float64": pd.Series(gaps(X[:, 0].round(1).tolist()), dtype="Float64"),
    "boolean": pd.Series(gaps(cycled(True, False)), dtype="boolean"),
    "str": pd.Series(gaps(cycled("a", "b", "NA")), dtype="str"),
    "string": pd.Series(gaps(cycled("a", "b", "NA")), dtype="string"),
    "string[python]": pd.Series(gaps(cycled("a", "b", "NA")), dtype="string[python]"),
    "string[pyarrow]": pd.Series(gaps(cycled("a", "b", "NA")), dtype="string[pyarrow]"),
    "object of text": pd.Series(gaps(cycled("a", "b", "NA")), dtype=object),
    "object of integers": pd.Series(cycled(1, 2, 3), dtype=object),
    "object of integers with None": pd.Series(gaps(cycled(1, 2, 3)), dtype=object),
    "object of bools": pd.Series(cycled(True, False), dtype=object),
    "object of bools with None": pd.Series(gaps(cycled(True, False)), dtype=object),
    "object of text and integers": pd.Series(cycled("a", 1, "b", 2), dtype=object),
    "object of pd.NA": pd.Series([pd.NA if v is None else v for v in gaps(cycled("a", "b"))], dtype=object),
    "object of dates": pd.Series(FEW.dt.date.tolist(), dtype=object),
    **{f"datetime64[{unit}]": FEW.astype(f"datetime64[{unit}]") for unit in ("s", "ms", "us", "ns")},
    "datetime64 with gaps": FEW.where(X[:, 0] > -1),
    "datetime64 of odd times": ODD,
    **{
        f"datetime64[{unit}, {zone}]": FEW.astype(f"datetime64[{unit}]").dt.tz_localize("UTC").dt.tz_convert(zone)
        for unit, zone in (("us", "Europe/Berlin"), ("ns", "America/New_York"), ("s", "UTC"), ("ms", "+05:30"))
    },
    "datetime64 zoned with gaps": FEW.dt.tz_localize("UTC").dt.tz_convert("Asia/Kolkata").where(X[:, 0] > -1),
    **{
        f"timedelta64[{unit}]": DURATIONS.dt.round("1h").astype(f"timedelta64[{unit}]")
        for unit in ("s", "ms", "us", "ns")
    },
    "timedelta64 with gaps": DURATIONS.where(X[:, 0] > -1),
    "category of text": MIXED["city"].astype("category"),
    "category in order": MIXED["grade"],
    "category of integers": pd.Series(COUNTS[:, 0]).astype("category"),
    "category of integers with gaps": pd.Series(gaps(COUNTS[:, 0].tolist())).astype("Int64").astype("category"),
    "category of floats": pd.Series(X[:, 0].round()).astype("category"),
    "category of bools": pd.Series(cycled(True, False)).astype("category"),
    "category of dates": FEW.astype("category"),
    "category of zoned dates": FEW.dt.tz_localize("UTC").astype("category"),
    "category of objects": pd.Series(pd.Categorical(cycled("b", "a"), categories=pd.Index(["b", "a"], dtype=object))),
    "int64[pyarrow]": arrow(gaps((COUNTS[:, 0] + 2**53).tolist()), pa.int64()),
    "uint8[pyarrow]": arrow(COUNTS[:, 0], pa.uint8()),
    "double[pyarrow]": arrow(gaps(X[:, 0].round(1).tolist()), pa.float64()),
    "float[pyarrow]": arrow(gaps(X[:, 0].round(1).tolist()), pa.float32()),
    "bool[pyarrow]": arrow(gaps(cycled(True, False)), pa.bool_()),
    "string[pyarrow] of Arrow": arrow(gaps(cycled("a", "b")), pa.string()),
    "large_string[pyarrow]": arrow(gaps(cycled("a", "b")), pa.large_string()),
    "timestamp[pyarrow]": arrow(gaps(FEW.tolist()), pa.timestamp("us")),
    "timestamp[pyarrow] zoned": arrow(gaps(FEW.dt.tz_localize("UTC").tolist()), pa.timestamp("ns", "Europe/Berlin")),
    "date32[pyarrow]": arrow(FEW.dt.date.tolist(), pa.date32()),
    "duration[pyarrow]": arrow(DURATIONS.tolist(), pa.duration("us")),
    "decimal[pyarrow]": arrow([f"{v:.2f}" for v in X[:, 0]], pa.string()).astype(pd.ArrowDtype(pa.decimal128(10, 2))),
    "dictionary[pyarrow]": arrow(cycled("a", "b"), pa.string()).astype(
        pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string()))
    ),
    "Sparse[float]": pd.Series(np.where(X[:, 0] > 1, COUNTS[:, 0], 0.0)).astype(pd.SparseDtype("float", 0)),
    "Sparse[int]": pd.Series(COUNTS[:, 0]).astype(pd.SparseDtype("int", 0)),
    "period": pd.Series(FEW.dt.to_period("M")),
    "interval": pd.Series(pd.cut(X[:, 0], 3)).astype(object),
    "category of intervals": pd.Series(pd.cut(X[:, 0], 3)),
    "complex": pd.Series(X[:, 0] + 1j),
}

CASES = {
    **{f"FunctionTransformer, sees {name}": lambda name=name: looked_at(steps.as_read, SEEN[name]) for name in SEEN},
    "FunctionTransformer, hours of naive dates": lambda: looked_at(steps.hours, SECONDS, final="passthrough"),
    "FunctionTransformer, hours across summer time": lambda: looked_at(
        steps.hours, SECONDS.dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin"), final="passthrough"
    ),
    "FunctionTransformer, hours in New York and Kolkata": lambda: looked_at(
        steps.hours,
        SECONDS.dt.tz_localize("UTC").dt.tz_convert("America/New_York"),
        SECONDS.dt.tz_localize("UTC").dt.tz_convert("Asia/Kolkata"),
        final="passthrough",
    ),
    "FunctionTransformer, dates as integers": lambda: looked_at(
        steps.as_integers, *(SECONDS.astype(f"datetime64[{unit}]") for unit in ("s", "us", "ns")), final="passthrough"
    ),
    "FunctionTransformer, seconds of durations": lambda: looked_at(steps.whole_seconds, DURATIONS, final="passthrough"),
    "FunctionTransformer, codes of categories": lambda: looked_at(
        steps.codes, MIXED["grade"], MIXED["city"].astype("category"), SEEN["category of integers"], final="passthrough"
    ),
    "SimpleImputer, nullable numbers": lambda: fitted(
        make_pipeline(SimpleImputer(), Ridge()), pd.DataFrame({"a": SEEN["Int8"], "b": SEEN["Float64"]}), PRICE
    ),
    "OneHotEncoder, zoned dates": lambda: fitted(
        make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge()),
        pd.DataFrame({"at": SEEN["datetime64[us, Europe/Berlin]"], "n": COUNTS[:, 0]}),
        PRICE,
    ),
    "RandomForestRegressor, nullable numbers without gaps": lambda: fitted(
        NUMBER, pd.DataFrame({"a": SEEN["Int64 without gaps"], "b": X[:, 0]}), PRICE
    ),
    "RandomForestRegressor, Sparse": lambda: fitted(
        NUMBER, pd.DataFrame({"a": SEEN["Sparse[float]"], "b": SEEN["Sparse[int]"]}), PRICE
    ),
}
