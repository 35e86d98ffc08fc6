"""What the schema says of columns: types, gaps, ranges, categories; and samples that fit no estimator."""

import datetime as dt
import json
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.cluster import DBSCAN
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from model_store.batch import estimator_input
from model_store.capture.draft import CaptureOptions, capture
from model_store.capture.inference import infer
from model_store.capture.sample import samples
from model_store.engines.estimator import answers
from model_store.errors import BadSample

MATRIX = np.arange(40.0).reshape(20, 2)
TARGET = np.arange(20) % 2


def columns_of(frame: pd.DataFrame, estimator=None, **options):
    inferred = infer(
        estimator or DummyRegressor().fit(frame, np.arange(len(frame))), samples.laid_out(frame), **options
    )
    return {column.name: column for column in inferred.schema.columns}


def test_an_array_makes_a_matrix_of_its_own_dtype():
    for dtype in ("float32", "float64", "int64", "int32", "uint8"):
        model = LogisticRegression().fit(MATRIX.astype(dtype), TARGET)
        inferred = infer(model, MATRIX.astype(dtype))
        assert inferred.schema.layout == "matrix"
        assert inferred.schema.homogeneous
        assert [(c.name, c.dtype) for c in inferred.schema.columns] == [("x0", dtype), ("x1", dtype)]
        assert inferred.batch.matrix.dtype == dtype
        assert (inferred.schema.columns[0].minimum, inferred.schema.columns[0].maximum) == (0, 38)


@pytest.mark.parametrize(
    ("values", "dtype", "nullable"),
    [
        ([1.5, 2, 3], "float64", False),
        ([1.5, None, 3], "float64", True),
        ([1, 2, 3], "int64", False),
        (pd.array([1, 2, 3], dtype="Int64"), "int64", False),
        (pd.array([1, None, 3], dtype="Int64"), "int64", True),
        (pd.array([1, None, 3], dtype="Int8"), "int8", True),
        (pd.Series([1, None, 3], dtype=object), "int64", True),
        (pd.array([1.5, None, 3], dtype="Float32"), "float32", True),
        (np.array([1, 2, 3], "int8"), "int8", False),
        (np.array([1, 2, 3], "float16"), "float32", False),
        ([True, False, True], "bool", False),
        ([True, None, True], "bool", True),
        (pd.array([True, None, True], dtype="boolean"), "bool", True),
        (["a", "b", "a"], "string", False),
        (["a", None, "a"], "string", True),
        (pd.Series(["a", None, "a"], dtype=object), "string", True),
        (pd.Series(["a", "b", "a"], dtype="string"), "string", False),
        (pd.Categorical(["a", None, "a"]), "string", True),
        (pd.Categorical([3, 1, 3]), "int64", False),
        (pd.to_datetime(["2026-01-01", None, "2026-01-02"]), "datetime64[us]", True),
        (pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"], utc=True), "datetime64[us]", False),
        (pd.to_datetime(["2026-01-01", None, "2026-01-02"]).as_unit("s"), "datetime64[s]", True),
        (pd.to_timedelta([1, None, 3], unit="s").as_unit("ms"), "timedelta64[ms]", True),
        (pd.Series([dt.date(2026, 1, 1)] * 3, dtype=object), "datetime64[s]", False),
        (pd.Series([1, 2, 3], dtype=object), "int64", False),
        (pd.Series([1, None, 3.5], dtype=object), "float64", True),
        ([np.nan, np.nan, np.nan], "float64", True),
    ],
)
def test_a_column_has_the_type_of_its_values(values, dtype, nullable):
    class TakesAnything(DummyRegressor):
        def predict(self, X):  # noqa: N803 - scikit-learn's name
            return np.zeros(len(X))

    frame = pd.DataFrame({"x": values, "y": [1.0, 2.0, 3.0]})
    model = TakesAnything().fit(MATRIX, TARGET)
    model.feature_names_in_ = np.array(["x", "y"], dtype=object)
    column = columns_of(frame, model)["x"]
    assert (column.dtype, column.nullable) == (dtype, nullable)


@pytest.mark.parametrize(
    "values",
    [
        ["a", 1, "b"],
        [b"a", b"b", b"c"],
        [{}, {}, {}],
        [1j, 2j, 3j],
        pd.period_range("2026", periods=3),
        pd.interval_range(0, 3),
        [[1], [2], [3]],
        pd.Series(["a", "\ud800", "c"], dtype=object),
    ],
)
def test_a_column_that_no_request_can_carry_is_refused_by_name(values):
    model = LinearRegression()
    model.feature_names_in_ = np.array(["odd"], dtype=object)
    with pytest.raises(BadSample, match="'odd'"):
        infer(model, pd.DataFrame({"odd": values}))


def test_a_column_without_any_value_has_no_type_unless_it_is_declared():
    frame = pd.DataFrame({"a": [1.0, 2, 3], "odd": pd.Series([None] * 3, dtype=object)})
    model = FunctionTransformer(pd.DataFrame.isna).fit(frame)
    with pytest.raises(BadSample, match=r"column 'odd' has no value in the sample, .* or declare its type"):
        infer(model, frame)
    assert infer(model, frame, declared={"columns": {"odd": {"type": "string"}}}).schema.columns[1].dtype == "string"


def test_columns_are_those_that_the_estimator_was_fitted_on_in_its_order():
    frame = pd.DataFrame(MATRIX, columns=["b", "a"])
    model = LinearRegression().fit(frame[["a", "b"]], TARGET)
    inferred = infer(model, frame.assign(target=TARGET))
    assert inferred.schema.names == ("a", "b")
    assert inferred.schema.layout == "table"
    with pytest.raises(BadSample, match="lacks column 'b'"):
        infer(model, frame[["a"]])


def test_an_array_sample_gets_the_names_that_the_estimator_knows():
    model = LinearRegression().fit(pd.DataFrame(MATRIX, columns=["b", "a"]), TARGET)
    inferred = infer(model, MATRIX)
    assert inferred.schema.names == ("b", "a")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answers(model, inferred.schema, inferred.batch, ["predict"])


def test_a_frame_sample_of_an_array_trained_estimator_becomes_a_matrix_with_its_names():
    inferred = infer(LinearRegression().fit(MATRIX, TARGET), pd.DataFrame({"width": range(20), "height": MATRIX[:, 1]}))
    assert inferred.schema.layout == "matrix"
    assert [(c.name, c.dtype) for c in inferred.schema.columns] == [("width", "float64"), ("height", "float64")]


@pytest.mark.parametrize(
    "sample", [["good day", "bad day"] * 4, np.array(["good day", "bad day"]), pd.Series(["good", "bad"], name="t")]
)
def test_texts_make_a_series(sample):
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(["good day", "bad day"], [1, 0])
    inferred = infer(model, samples.laid_out(sample))
    assert inferred.schema.layout == "series"
    assert [c.dtype for c in inferred.schema.columns] == ["string"]
    assert estimator_input(inferred.schema, inferred.batch).ndim == 1


def test_gaps_are_allowed_where_an_imputer_takes_them_and_nowhere_else():
    frame = pd.DataFrame({"a": MATRIX[:, 0], "n": range(20), "b": MATRIX[:, 1], "c": ["x", "y"] * 10})
    imputed = make_column_transformer(
        (SimpleImputer(), ["a", "n"]),
        (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), ["c"]),
        (StandardScaler(), ["b"]),
    )
    found = columns_of(frame, make_pipeline(imputed, LogisticRegression(max_iter=999)).fit(frame, TARGET))
    assert {name: (c.dtype, c.nullable) for name, c in found.items()} == {
        "a": ("float64", True),
        "n": ("int64", True),
        "b": ("float64", False),
        "c": ("string", True),
    }


def test_models_that_were_fitted_without_gaps_take_only_those_of_their_sample():
    for model in (HistGradientBoostingClassifier(max_iter=2), RandomForestClassifier(3)):
        schema = infer(model.fit(MATRIX, TARGET), MATRIX).schema
        assert not any(column.nullable for column in schema.columns)
    holed = MATRIX.copy()
    holed[3, 1] = np.nan
    forest = infer(RandomForestClassifier(3).fit(holed, TARGET), holed).schema
    assert [column.nullable for column in forest.columns] == [False, True]


def test_integer_rows_stay_integers_when_gaps_are_allowed():
    rows = MATRIX.astype(int)
    schema = infer(make_pipeline(SimpleImputer(), LogisticRegression()).fit(rows, TARGET), rows).schema
    assert schema.homogeneous
    assert {(column.dtype, column.nullable) for column in schema.columns} == {("int64", True)}


@pytest.mark.parametrize("encoder", [OneHotEncoder(handle_unknown="ignore"), OrdinalEncoder()])
def test_categories_come_from_the_fitted_encoder(encoder):
    frame = pd.DataFrame({"city": ["Bern", "Rome", "Oslo", "Kyiv"], "floor": [1, 2, 3, 4], "m2": [1.0, 2.0, 3.0, 4.0]})
    model = make_pipeline(
        make_column_transformer((encoder, ["city", "floor"]), remainder="passthrough"), LinearRegression()
    )
    found = columns_of(frame.head(2), model.fit(frame, range(4)))
    assert found["city"].categories == ("Bern", "Kyiv", "Oslo", "Rome")
    assert found["floor"].categories == (1, 2, 3, 4)
    assert found["m2"].categories == ()
    refuses = encoder.handle_unknown == "error"
    assert [found[name].closed for name in ("city", "floor", "m2")] == [refuses, False, False]
    found = columns_of(frame.head(2), model, unknown_categories="refuse")
    assert [found[name].closed for name in ("city", "floor", "m2")] == [True, True, False]


def test_categories_come_from_few_distinct_strings_but_not_from_free_text():
    frame = pd.DataFrame({"kind": ["a", "b"] * 30, "note": [f"note {i}" for i in range(60)], "x": range(60)})
    numbers = make_column_transformer(("passthrough", ["x"]), ("drop", ["kind", "note"]))
    found = columns_of(frame, make_pipeline(numbers, LinearRegression()).fit(frame, range(60)))
    assert found["kind"].categories == ("a", "b")
    assert found["note"].categories == ()


def test_few_strings_that_may_be_of_persons_are_no_categories_unless_others_are_to_be_refused():
    mails = [f"p{i}@example.org" for i in "ab"] * 10
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(mails, [0, 1] * 10)
    (open_,) = infer(model, samples.laid_out(mails)).schema.columns
    (closed,) = infer(model, samples.laid_out(mails), "refuse").schema.columns
    assert open_.categories == ()
    assert (closed.closed, closed.categories) == (True, ("pa@example.org", "pb@example.org"))


def test_pandas_categories_keep_their_order():
    frame = pd.DataFrame({"size": pd.Categorical(["s", "l"] * 10, categories=["s", "m", "l"], ordered=True)})
    model = HistGradientBoostingClassifier(max_iter=2, categorical_features="from_dtype").fit(frame, TARGET)
    inferred = infer(model, frame)
    (column,) = inferred.schema.columns
    assert (column.held, column.categories) == ("category", ("s", "m", "l"))
    assert list(estimator_input(inferred.schema, inferred.batch)["size"].cat.categories) == ["s", "m", "l"]


def test_a_step_of_ones_own_that_was_fitted_on_an_array_gets_an_array():
    def first(rows):
        return rows[:, [0]]

    model = make_pipeline(FunctionTransformer(first), LinearRegression()).fit(MATRIX, TARGET)
    assert infer(model, pd.DataFrame(MATRIX, columns=["w", "h"])).schema.layout == "matrix"


def test_a_step_of_ones_own_that_takes_texts_gets_texts():
    def lengths(texts):
        return np.array([len(text) for text in texts]).reshape(-1, 1)

    texts = ["a", "bb", "ccc", "dddd"]
    model = make_pipeline(FunctionTransformer(lengths), LinearRegression()).fit(texts, [1, 2, 3, 4])
    frame = pd.DataFrame({"note": texts})
    schema = infer(model, frame).schema
    assert (schema.layout, schema.names) == ("series", ("note",))


def test_a_step_of_ones_own_that_asks_for_columns_gets_a_frame():
    def area(frame):
        return np.asarray(frame["w"] * frame["h"]).reshape(-1, 1)

    frame = pd.DataFrame({"w": MATRIX[:, 0], "h": MATRIX[:, 1]})
    model = make_pipeline(FunctionTransformer(area), LinearRegression()).fit(frame, TARGET)
    assert infer(model, frame).schema.layout == "table"


@pytest.mark.parametrize(
    ("estimator", "sample", "reason"),
    [
        (DBSCAN().fit(MATRIX), MATRIX, "no method that answers new rows"),
        (LinearRegression(), MATRIX, "predict failed on the sample: NotFittedError"),
        (LinearRegression().fit(MATRIX, TARGET), MATRIX[:, :1], "predict failed on the sample"),
        (LinearRegression().fit(MATRIX, TARGET), [["a", "b"]], "predict failed on the sample"),
        ("no estimator", MATRIX, "no method that answers new rows"),
    ],
)
def test_a_sample_that_does_not_fit_the_estimator_is_refused_with_the_reason(estimator, sample, reason):
    with pytest.raises(BadSample, match=reason):
        infer(estimator, samples.laid_out(sample))


@pytest.mark.parametrize(
    "sample",
    [[], MATRIX[:0], pd.DataFrame(), pd.DataFrame({"a": []}), np.zeros((3, 0)), np.zeros((2, 2, 2)), 7, [[1], [1, 2]]],
)
def test_a_sample_without_rows_and_columns_is_refused(sample):
    with pytest.raises(BadSample):
        samples.laid_out(sample)


def test_two_columns_of_one_name_are_refused():
    frame = pd.DataFrame(MATRIX, columns=["a", "a"])
    with pytest.raises(BadSample, match="same name"):
        infer(LinearRegression().fit(MATRIX, TARGET), frame)


@pytest.mark.parametrize("suffix", [".parquet", ".json"])
def test_a_frame_reads_back_from_a_file(tmp_path, suffix):
    frame = pd.DataFrame({"a": [1.5, None], "b": ["x", None], "c": [1, 2], "d": [True, False]})
    path = tmp_path / f"rows{suffix}"
    {
        ".parquet": lambda: frame.to_parquet(path),
        ".json": lambda: frame.to_json(path, orient="records"),
    }[suffix]()
    pd.testing.assert_frame_equal(samples.read(path), frame)


@pytest.mark.parametrize(
    ("document", "kind", "shape"),
    [
        ([[1, 2.5], [3, 4]], "f", (2, 2)),
        ([1, 2, 3], "i", (3, 1)),
        (["a", "b"], "O", (2,)),
        ([["a", 1], ["b", 2]], "O", (2, 2)),
        ({"a": [1, 2], "b": ["x", "y"]}, None, (2, 2)),
    ],
)
def test_json_rows_come_in_every_usual_form(tmp_path, document, kind, shape):
    (tmp_path / "rows.json").write_text(json.dumps(document))
    rows = samples.read(tmp_path / "rows.json")
    assert rows.shape == shape
    assert kind is None or rows.dtype.kind == kind


def test_mixed_json_rows_keep_their_numbers(tmp_path):
    (tmp_path / "rows.json").write_text('[["a", 1], ["b", 2]]')
    assert samples.read(tmp_path / "rows.json").tolist() == [["a", 1], ["b", 2]]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.txt", b"1"),
        ("x.npy", b"no"),
        ("x.parquet", b"no"),
        ("x.json", b"{"),
        ("x.json", b"3"),
        ("x.csv", b""),
        ("x.json", b'"a"'),
    ],
)
def test_a_sample_file_that_cannot_be_read_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadSample):
        samples.read(tmp_path / name)
    with pytest.raises(BadSample):
        samples.read(tmp_path / f"none{name}")


def test_a_pickle_in_an_npy_file_is_not_loaded(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{}], dtype=object))
    with pytest.raises(BadSample):
        samples.read(tmp_path / "x.npy")


@pytest.mark.parametrize("made", [pa.Table, pa.RecordBatch])
def test_tables_of_arrow_stand_for_the_frames_that_they_become(tmp_path, made):
    frame = pd.DataFrame(MATRIX, columns=["b", "a"])
    model = LinearRegression().fit(frame, TARGET)
    manifest = capture(model, made.from_pandas(frame), tmp_path, CaptureOptions("arrow", "tests"), lambda _: None)
    assert manifest.schema.names == ("b", "a")


def test_structured_arrays_are_pointed_to_frames():
    with pytest.raises(BadSample, match="structured array: make a DataFrame of it"):
        samples.laid_out(np.array([(1.0, 2)], dtype=[("a", "f8"), ("b", "i4")]))
