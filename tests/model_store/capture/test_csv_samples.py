"""A CSV sample is read as a CSV body is, against the types that the model shows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from model_store.capture.inference import infer
from model_store.capture.sample import samples
from model_store.capture.sample.csv_types import typed
from model_store.engines.estimator import answers
from model_store.errors import BadSample
from model_store.validation.rows import from_records

ZIPS = ["00501", "02134", "10001", "94105"]
ROWS = pd.DataFrame({"zip": ZIPS * 20, "amount": np.linspace(0, 9, 80)})


@pytest.fixture
def read(tmp_path):
    def written(text):
        (tmp_path / "rows.csv").write_text(text)
        return samples.read(tmp_path / "rows.csv")

    return written


def frame(rows, fitted=None, **encoded):
    return typed(rows, fitted, encoded)


@pytest.mark.parametrize(
    ("fields", "dtype", "values"),
    [
        ("1,2,-3", "int64", [1, 2, -3]),
        ("1,,3", "float64", [1.0, None, 3.0]),
        ("1.5,2,1e3", "float64", [1.5, 2.0, 1000.0]),
        ("1.5,NaN,2", "float64", [1.5, None, 2.0]),
        ("0.1,0,-0.5", "float64", [0.1, 0.0, -0.5]),
        ("007,1,2", "str", ["007", "1", "2"]),
        ("-01,1,2", "str", ["-01", "1", "2"]),
        ("1.5,NA,2", "str", ["1.5", "NA", "2"]),
        ("null,None,", "str", ["null", "None", None]),
        ("True,false,TRUE", "bool", [True, False, True]),
        ("True,,False", "object", [True, None, False]),
        ("18446744073709551615,1,2", "uint64", [2**64 - 1, 1, 2]),
        ("123456789012345678901234,1,2", "str", ["123456789012345678901234", "1", "2"]),
        ("2024-01-01,2024-01-02,", "str", ["2024-01-01", "2024-01-02", None]),
        (",,", "float64", [None, None, None]),
        ("0.1000000000000000055511151231257827,2,3", "float64", [0.1, 2.0, 3.0]),
    ],
)
def test_a_column_is_what_all_its_fields_look_like(read, fields, dtype, values):
    lines = "".join(f"{field},x\n" for field in fields.split(","))
    column = frame(read(f"c,other\n{lines}"))["c"]
    assert column.dtype == dtype
    assert [None if pd.isna(value) else value for value in column.tolist()] == values


def test_what_an_encoder_knows_makes_numbers_text(read):
    rows = read("code\n1\n2\n\n3\n")
    assert frame(rows, code=("1", "2", None))["code"].tolist() == ["1", "2", "3"]
    assert frame(rows, code=(1, 2))["code"].tolist() == [1, 2, 3]


def test_text_where_an_encoder_knows_numbers_is_refused_by_column(read):
    with pytest.raises(BadSample, match=r"column 'code' of the sample holds 'NA', and .* fitted on numbers .* Parquet"):
        frame(read("code\n1\nNA\n"), code=(1, 2))


@pytest.mark.parametrize(
    ("header", "fitted", "names", "count"),
    [
        ("1.5,2.5", None, ["x0", "x1"], 2),
        ("0,1", None, ["0", "1"], 1),
        ("2019,2020", None, ["x0", "x1"], 2),
        ("2019,2020", ("2019", "2020"), ["2019", "2020"], 1),
        ("a,1", None, ["a", "1"], 1),
    ],
)
def test_a_line_of_numbers_is_a_header_if_the_model_knows_it_so(read, header, fitted, names, count):
    rows = frame(read(f"{header}\n3,4\n"), fitted)
    assert list(rows.columns) == names
    assert len(rows) == count


@pytest.mark.parametrize(
    "encoder",
    [
        OneHotEncoder(handle_unknown="ignore"),
        make_pipeline(
            FunctionTransformer(pd.DataFrame.astype, kw_args={"dtype": str}), OneHotEncoder(handle_unknown="ignore")
        ),
    ],
    ids=["encoder", "text before it"],
)
def test_codes_with_leading_zeros_stay_text(tmp_path, encoder):
    model = make_pipeline(make_column_transformer((encoder, ["zip"]), remainder="passthrough"), LogisticRegression())
    model.fit(ROWS, ROWS["zip"] == "00501")
    ROWS.to_csv(tmp_path / "rows.csv", index=False)
    schema = infer(model, samples.read(tmp_path / "rows.csv")).schema
    assert [column.dtype for column in schema.columns] == ["string", "float64"]
    batch = from_records(schema, [{"zip": code, "amount": 1.0} for code in ZIPS])
    assert answers(model, schema, batch, ["predict"])["predict"].tolist() == [True, False, False, False]


def test_a_type_that_csv_cannot_say_is_pointed_to_parquet(tmp_path):
    times = pd.DataFrame({"t": pd.date_range("2024-01-01", periods=40, freq="h")})
    model = make_pipeline(FunctionTransformer(lambda rows: rows.apply(lambda c: c.dt.hour)), LinearRegression())
    model.fit(times, range(40))
    times.to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(BadSample, match=r"CSV says no types.* give the sample as Parquet"):
        infer(model, samples.read(tmp_path / "rows.csv"))


def hours(rows):
    return rows.apply(lambda column: column.dt.hour)


@pytest.mark.parametrize(("kind", "dtype"), [("datetime", "datetime64[us]"), ("datetime64[s]", "datetime64[s]")])
def test_a_declared_type_says_what_csv_cannot(tmp_path, kind, dtype):
    times = pd.DataFrame({"t": pd.date_range("2024-01-01", periods=40, freq="h")})
    model = make_pipeline(FunctionTransformer(hours), LinearRegression()).fit(times, range(40))
    times.to_csv(tmp_path / "rows.csv", index=False)
    schema = infer(model, samples.read(tmp_path / "rows.csv"), declared={"columns": {"t": {"type": kind}}}).schema
    assert schema.columns[0].dtype == dtype


@pytest.mark.parametrize(
    ("kind", "fields", "dtype", "values"),
    [
        ("string", "1,2,", "str", ["1", "2", None]),
        ("int64", "007,1,2", "int64", [7, 1, 2]),
        ("float64", "007,,2", "float64", [7.0, None, 2.0]),
        ("int64", "007,x,2", "str", ["007", "x", "2"]),
        ("bool", "true,False,", "object", [True, False, None]),
        ("timedelta", "1 days,2 days,", "timedelta64[us]", ["1 days", "2 days", None]),
        ("datetime", "2024-01-01,soon,", "str", ["2024-01-01", "soon", None]),
    ],
)
def test_a_declared_column_is_read_as_its_type_if_its_fields_are_of_it(read, kind, fields, dtype, values):
    lines = "".join(f"{field},x\n" for field in fields.split(","))
    column = typed(read(f"c,other\n{lines}"), None, {}, {"c": kind})["c"]
    assert str(column.dtype).replace("[ns]", "[us]") == dtype
    shown = [None if pd.isna(value) else value for value in column.tolist()]
    assert shown == [pd.Timedelta(value) if value and "days" in str(value) else value for value in values]


@pytest.mark.parametrize("kind", ["datetime", "datetime64[us]"])
@pytest.mark.parametrize("offset", ["+01:00", "-0330", "+02"])
def test_times_of_an_offset_are_refused_because_it_does_not_tell_the_zone(read, kind, offset):
    rows = read(f"c,other\n2024-01-01 12:00:00Z,x\n2024-01-01 12:00:00{offset},x\n")
    with pytest.raises(BadSample, match=r"column 'c' .* an offset does not tell the time zone.* Parquet"):
        typed(rows, None, {}, {"c": kind})


@pytest.mark.parametrize("written", ["Z", "+00:00", "-00:00", "+0000", "+00"])
def test_times_in_utc_are_read_as_such(read, written):
    column = typed(read(f"c,other\n2024-01-01 12:00:00.5{written},x\n"), None, {}, {"c": "datetime"})["c"]
    assert column.tolist() == [pd.Timestamp("2024-01-01 12:00:00.5Z")]


def test_numbers_with_leading_zeros_are_numbers_where_an_encoder_knows_numbers(read):
    assert frame(read("code\n007\n1234\n"), code=(7, 1234))["code"].tolist() == [7, 1234]


@pytest.mark.parametrize("field", ["true", "1", "2.5"])
def test_what_a_text_vectorizer_reads_is_text(read, field):
    model = make_pipeline(HashingVectorizer(n_features=8), LogisticRegression()).fit(["a", "b"], [0, 1])
    (column,) = infer(model, read(f"text\n{field}\n{field}\n")).schema.columns
    assert column.dtype == "string"


@pytest.mark.parametrize(("text", "there"), [("a;b\n1;2\n", "'a;b'"), ("a, b\n1, 2\n", "'a', ' b'")])
def test_a_column_that_is_not_there_is_no_matter_of_types(read, text, there):
    model = LinearRegression().fit(pd.DataFrame({"a": [1.0, 2.0], "b": [2.0, 1.0]}), [1, 2])
    with pytest.raises(BadSample, match=f"which the estimator was fitted on: it has {there}$"):
        infer(model, read(text))
