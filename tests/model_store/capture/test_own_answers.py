"""What is served is compared with the publisher's own call: all outputs, every format, and the column is named."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from model_store.batch import Batch, take
from model_store.capture.columns.table import read_columns
from model_store.capture.comparison import formats
from model_store.capture.comparison.comparison import check_answers
from model_store.capture.comparison.difference import lost_in_format
from model_store.capture.draft import capture
from model_store.capture.inference import infer
from model_store.capture.options import CaptureOptions, silent
from model_store.capture.recording import golden_of
from model_store.engines.apart import MOST_PARTS
from model_store.engines.estimator import answers
from model_store.errors import BadSample
from model_store.request_errors import InvalidInput
from model_store.schema import Column, Output, Schema
from model_store.validation.rows import from_rows

ROWS = np.random.default_rng(0).normal(size=(60, 2))


def captured(tmp_path, estimator, sample, progress=silent):
    return capture(estimator, sample, tmp_path, CaptureOptions("m", "me"), progress)


def each_as_text(frame):
    return frame.map(str)


def each_as_told(frame):
    return frame.map(repr)


def texts(frame, target):
    steps = FunctionTransformer(each_as_text), OneHotEncoder(handle_unknown="ignore"), LogisticRegression()
    return make_pipeline(*steps).fit(frame, target)


def test_an_output_that_is_not_the_default_is_compared_too(tmp_path):
    """Each predicted label is the commonest one, and the probabilities differ."""
    frame = pd.DataFrame({"plain": 1.5, "odd": pd.Series([1, 2.5, 3] * 20, dtype=object)})
    rare = (frame["odd"] == 3) & (np.arange(60) % 9 == 2)
    model = texts(frame, rare)
    assert set(model.predict(frame)) == {False}
    with pytest.raises(BadSample) as refused:
        captured(tmp_path, model, frame)
    assert str(refused.value).startswith(
        "predict_proba answers otherwise once column 'odd' has gone through the schema: "
        "the sample has 1 (object), a request can only say 1.0 (object). Turn the column into text"
    )


def test_gaps_of_two_kinds_that_the_estimator_tells_apart_are_refused_by_column(tmp_path):
    frame = pd.DataFrame({"plain": 1, "gaps": pd.Series([None, np.nan, "q"] * 20, dtype=object)})
    model = texts(frame, [value is None for value in frame["gaps"]])
    with pytest.raises(
        BadSample, match=r"column 'gaps' has more than one kind of gap \(None and nan\), which predict tells apart"
    ):
        captured(tmp_path, model, frame)


def test_an_estimator_that_answers_at_random_is_refused(tmp_path):
    class Random(LinearRegression):
        def predict(self, X):  # noqa: N803 - scikit-learn's name
            return np.random.default_rng().normal(size=len(X))

    with pytest.raises(BadSample, match="predict answers the same rows otherwise each time: set its random_state"):
        captured(tmp_path, Random().fit(ROWS, ROWS[:, 0]), ROWS)


def test_a_category_column_among_whole_numbers_stays_one(tmp_path):
    kinds = np.arange(60) % 3
    frame = pd.DataFrame({"n": range(60), "kind": pd.Categorical(kinds + 7)})
    model = HistGradientBoostingRegressor(categorical_features="from_dtype", max_iter=9).fit(frame, kinds == 1)
    schema = captured(tmp_path, model, frame).schema
    one = schema.columns[1]
    assert (one.dtype, one.held, one.categories, schema.homogeneous) == ("int64", "category", (7, 8, 9), False)
    answer = answers(model, schema, from_rows(schema, [[5, 8], [5, 9]]), ["predict"])["predict"]
    assert answer.tolist() == model.predict(frame[frame["n"].isin([4, 5])].assign(n=5)).tolist()


class Guessing(LinearRegression):
    def score_samples(self, X):  # noqa: N803 - scikit-learn's name
        return np.random.default_rng().normal(size=len(X))


def test_another_output_that_answers_at_random_is_left_out(tmp_path):
    manifest = captured(tmp_path, Guessing().fit(ROWS, ROWS[:, 0]), ROWS)
    assert [output.name for output in manifest.schema.outputs] == ["predict"]
    assert "score_samples is not served: it answers the same rows otherwise each time" in manifest.options["warnings"]


def test_whole_number_labels_of_columns_that_an_array_would_change_stay(tmp_path):
    frame = pd.DataFrame({0: pd.Series(ROWS[:, 0], dtype="float32"), 1: ROWS[:, 1] > 0})
    schema = captured(tmp_path, texts(frame, ROWS[:, 1] > 0), frame).schema
    assert [(c.name, c.label, c.dtype) for c in schema.columns] == [("0", 0, "float32"), ("1", 1, "bool")]


@pytest.mark.parametrize(
    ("model", "sample", "words"),
    [
        (DictVectorizer(), [{"a": 1}] * 9, "DictVectorizer takes rows as dictionaries"),
        (LinearRegression(), pd.DataFrame({"a": [1, "x"] * 9}), "column 'a' holds values of type int, str: .* astype"),
        (LinearRegression(), pd.DataFrame({"a": pd.period_range("2024", periods=9)}), "column 'a' is of type period"),
        (LinearRegression(), [[1], [2, 3]], "the sample's rows are not equally long"),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_sentence(tmp_path, model, sample, words):
    with pytest.raises(BadSample, match=words):
        captured(tmp_path, model, sample)


@pytest.mark.parametrize("columns", [True, False])
def test_frames_keep_the_order_of_their_numbers_in_memory(tmp_path, columns):
    frame = (
        pd.DataFrame({"a": ROWS[:, 0], "b": ROWS[:, 1]})
        if columns
        else pd.DataFrame(ROWS, columns=["a", "b"], copy=False)
    )
    manifest = captured(tmp_path, LinearRegression().fit(frame, ROWS[:, 0]), frame)
    assert manifest.schema.order == ("F" if columns else "C")


TYPED = pd.DataFrame(
    {
        "whole": pd.array([1, None, 2**53 + 1] * 20, dtype="Int64"),
        "number": [0.1, np.nan, 1e300] * 20,
        "text": pd.Series(["007", None, "NA"] * 20),
        "flag": [True, False, True] * 20,
        "zoned": pd.date_range("2024-03-30", periods=60, freq="h", tz="Europe/Oslo"),
        "taken": pd.to_timedelta(range(60), unit="min"),
        "kind": pd.Categorical(["b", "a", None] * 20, categories=["b", "a", "z"]),
    }
)


def plain(values):
    return [None if pd.isna(value) else value for value in values.tolist()]


@pytest.mark.parametrize("form", formats.FORMATS, ids=lambda form: form.name)
def test_every_format_brings_the_same_values(tmp_path, form):
    model = texts(TYPED, np.arange(60) % 2)
    schema = captured(tmp_path, model, TYPED).schema
    columns, values = read_columns("table", TYPED)
    batch = Batch(60, columns=dict(zip(schema.names, values, strict=True)))
    rows = formats.carried(form, schema, batch)
    assert len(rows) == (20 if form.name == "binary tensors" else 60)
    read = form.through(schema, take(batch, rows))
    for place in range(len(columns)):
        expected = batch.column(schema, place)[rows]
        got = read.column(schema, place)
        assert got.dtype.kind in {expected.dtype.kind, "i"}  # whole numbers are objects if some are missing
        assert plain(got) == plain(expected)


def test_a_column_that_a_format_changes_is_named_with_both_values():
    schema = Schema("table", (Column("a", "string"), Column("b", "string")), (Output("predict", "float64"),))
    sent = Batch(2, columns={"a": np.array(["1", "2"], object), "b": np.array(["x", "y"], object)})
    read = Batch(2, columns={"a": np.array(["1", "2.0"], object), "b": np.array(["x", "y"], object)})
    error = lost_in_format("CSV", schema, (sent, read), lambda rows: rows.columns["a"], "predict")
    assert "to the same rows as CSV: column 'a' has '2' in the sample, and '2.0' once it is written" in str(error)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (InvalidInput("row 0: no"), "Odd cannot carry these rows: row 0: no"),
        (NotImplementedError("no such type"), "Odd cannot be written from these rows: no such type"),
    ],
)
def test_what_a_format_cannot_carry_is_told(error, told):
    def through(_schema, _batch):
        raise error

    said = []
    model = LinearRegression().fit(ROWS, ROWS[:, 0])
    inferred = infer(model, ROWS)
    odd = formats.Format("Odd", through, formats.FORMATS[0].carries)
    check_answers(model, inferred, golden_of(model, inferred), said.append, [odd])
    assert said == [told]


def test_a_sample_with_gaps_in_more_groups_of_whole_numbers_than_one_request_may_have_is_taken(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.integers(0, 9, (2 * MOST_PARTS, 20)).astype(float)
    values[rng.random(values.shape) < 0.2] = np.nan
    model = HistGradientBoostingRegressor(max_iter=2).fit(values, values[:, 0] > 4)
    frame = pd.DataFrame(values, columns=[f"c{i}" for i in range(20)])
    declared = {"columns": {"*": {"type": "int64"}}}
    manifest = capture(model, frame, tmp_path, CaptureOptions("m", "me", schema=declared), silent)
    assert {(column.dtype, column.nullable) for column in manifest.schema.columns} == {("int64", True)}


def test_text_with_line_ends_of_every_kind_is_written_as_csv(tmp_path):
    frame = pd.DataFrame({"a": pd.Series(["a\rb", "a\r\nb", "a\nb"] * 20, dtype=object)})
    model = texts(frame, np.arange(60) % 3)
    told = captured(tmp_path, model, frame).options["warnings"]
    assert len(told) > 0
    assert not [warning for warning in told if "CSV" in warning]


def test_values_that_only_read_like_text_are_named_where_the_estimator_tells_them_from_it(tmp_path):
    frame = pd.DataFrame({"odd": pd.Series([np.str_("x"), "y"] * 30, dtype=object)})
    model = make_pipeline(
        FunctionTransformer(each_as_told), OneHotEncoder(handle_unknown="ignore"), LogisticRegression()
    )
    with pytest.raises(BadSample, match=r"column 'odd' .* the sample has np.str_\('x'\) .* can only say 'x'"):
        captured(tmp_path, model.fit(frame, np.arange(60) % 2), frame)
