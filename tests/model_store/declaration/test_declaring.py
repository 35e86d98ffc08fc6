"""What is declared beats what the sample shows, and is refused if the sample or the estimator says otherwise."""

import json

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from model_store import publish
from model_store.capture.inference import infer
from model_store.errors import BadSample, BadSchema, StoreError
from model_store.schema import Column

COUNT = 60
RNG = np.random.default_rng(0)
PEOPLE = pd.DataFrame(
    {
        "age": RNG.integers(18, 90, COUNT),
        "income": RNG.integers(1000, 9000, COUNT).astype(float),
        "plan": ["a", "b"] * (COUNT // 2),
        "member": [True, False, True] * (COUNT // 3),
    }
)
STEPS = make_column_transformer(
    (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income"]),
    (OneHotEncoder(handle_unknown="ignore"), ["plan"]),
    remainder="passthrough",
)
MODEL = make_pipeline(STEPS, LogisticRegression()).fit(PEOPLE, [0, 1] * (COUNT // 2))
ROWS = RNG.normal(size=(COUNT, 3))
LINES = LinearRegression().fit(ROWS, ROWS[:, 0])


@pytest.fixture
def published_schema(store, key, open_gate):
    def publish_and_read(schema, model=MODEL, sample=PEOPLE, **options):
        version = publish(store, "m", model, sample, sealing_key=key, gate=open_gate, schema=schema, **options)
        return store.manifest("m", version).schema

    return publish_and_read


def columns(schema) -> dict[str, Column]:
    return {column.name: column for column in schema.columns}


def test_what_is_declared_stands_in_the_schema_and_the_rest_is_inferred(published_schema):
    age = {"type": "float64", "minimum": 0, "maximum": 120, "unit": "years", "optional": True}
    plan = {"categories": ["a", "b", "c"], "unknown": "refuse"}
    declared = published_schema({"columns": {"age": age, "plan": plan}, "outputs": ["predict_proba", "predict"]})
    inferred, found = columns(published_schema(None)), columns(declared)
    assert (found["age"].dtype, found["age"].minimum, found["age"].maximum) == ("float64", 0, 120)
    assert (found["age"].bounded, found["age"].optional, found["age"].nullable) == (True, True, True)
    assert found["age"].unit == "years"
    assert (found["plan"].categories, found["plan"].closed) == (("a", "b", "c"), True)
    assert found["income"] == inferred["income"]
    assert found["member"] == inferred["member"]
    assert [output.name for output in declared.outputs] == ["predict_proba", "predict"]


def test_nullable_may_be_declared_away(published_schema):
    found = columns(published_schema({"columns": {"income": {"nullable": False}}}))
    assert not found["income"].nullable


def test_declared_categories_follow_the_rule_for_unknown_ones(published_schema):
    refusing = published_schema({"columns": {"plan": {"categories": ["a", "b", "c"]}}}, unknown_categories="refuse")
    assert columns(refusing)["plan"].closed
    open_again = {"columns": {"plan": {"unknown": "accept"}}}
    assert not columns(published_schema(open_again, unknown_categories="refuse"))["plan"].closed


def test_a_type_for_every_column_of_an_array(published_schema):
    whole = RNG.integers(0, 16, size=(COUNT, 4))
    model = HistGradientBoostingClassifier(max_iter=3).fit(whole, [0, 1] * (COUNT // 2))
    schema = published_schema({"columns": {"*": {"type": "float64"}, "x3": {"unit": "px"}}}, model, whole)
    assert {column.dtype for column in schema.columns} == {"float64"}
    assert [column.unit for column in schema.columns] == ["", "", "", "px"]


def test_a_signature_of_mlflow_is_declared(published_schema):
    inputs = [
        {"type": "long", "name": "age"},
        {"type": "double", "name": "income", "required": False},
        {"type": "string", "name": "plan"},
        {"type": "boolean", "name": "member"},
    ]
    found = columns(published_schema({"inputs": json.dumps(inputs), "outputs": None}))
    assert [column.dtype for column in found.values()] == ["int64", "float64", "string", "bool"]
    assert [name for name, column in found.items() if column.optional] == ["income"]


def test_a_unit_of_time_stays_that_of_the_sample_if_a_datetime_is_declared():
    frame = pd.DataFrame({"since": pd.date_range("2026-01-01", periods=COUNT)})
    year = FunctionTransformer(lambda rows: rows.apply(lambda column: column.dt.year))
    model = make_pipeline(make_column_transformer((year, ["since"])), LinearRegression()).fit(frame, np.arange(COUNT))
    declared = {"columns": {"since": {"type": "datetime"}}}
    assert infer(model, frame, declared=declared).schema == infer(model, frame).schema


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"columns": {"agee": {}}}, "columns.agee: there is no such column: expected one of age, income, plan, member"),
        ({"columns": {"agee": {}}}, "is 'age' meant?"),
        ({"columns": [{}, {}]}, "columns: expected 4 columns, as the model has, got 2"),
        ({"outputs": ["predict_probab"]}, "outputs[0]: predict_probab: there is no such output of the estimator"),
        ({"columns": {"age": {"maximum": 17}}}, "column 'age': row 0 of the sample is"),
        (
            {"columns": {"plan": {"type": "int64"}}},
            'row 0 of the sample is "a", expected a whole number',
        ),
        ({"columns": {"plan": {"minimum": 1}}}, "column 'plan': only numbers have a range, and its type is string"),
        ({"columns": {"plan": {"categories": [1]}}}, "column 'plan': categories[0] is 1, expected a string"),
        ({"columns": {"plan": {"categories": ["a"], "unknown": "refuse"}}}, 'row 1 of the sample is "b"'),
        ({"columns": {"member": {"unknown": "refuse"}}}, "only if categories are known"),
        ({"columns": {"age": {"type": "int64", "minimum": 0.5}}}, "has to begin and end with whole numbers"),
        (
            {"columns": {"member": {"nullable": True}}},
            "'member' is declared nullable, but the estimator takes no",
        ),
    ],
)
def test_what_does_not_fit_the_model_is_refused_with_one_sentence(published_schema, schema, said):
    with pytest.raises(BadSchema) as caught:
        published_schema(schema)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_column_that_takes_no_gap_is_named_among_those_declared(published_schema):
    with pytest.raises(BadSchema, match="column 'member' is declared nullable"):
        published_schema({"columns": {"*": {"nullable": True}}})


def test_a_sample_with_gaps_is_refused_where_none_are_declared(published_schema):
    frame = PEOPLE.assign(income=PEOPLE["income"].mask(np.arange(COUNT) == 3))
    with pytest.raises(BadSchema, match="column 'income': row 3 of the sample is n"):
        published_schema({"columns": {"income": {"nullable": False}}}, sample=frame)


def test_categories_that_a_model_knows_by_their_codes_cannot_be_declared_otherwise(published_schema):
    frame = PEOPLE.assign(plan=PEOPLE["plan"].astype("category"))
    model = HistGradientBoostingClassifier(max_iter=3, categorical_features="from_dtype")
    model.fit(frame, [0, 1] * (COUNT // 2))
    with pytest.raises(BadSchema, match="its categories are those that the estimator was fitted with: a, b"):
        published_schema({"columns": {"plan": {"categories": ["b", "c"]}}}, model, frame)
    with pytest.raises(BadSchema, match="its type is string, that of its categories"):
        published_schema({"columns": {"plan": {"type": "int64"}}}, model, frame)
    turned = columns(published_schema({"columns": {"plan": {"categories": ["b", "a"]}}}, model, frame))
    assert turned["plan"].categories == ("a", "b")


def test_a_declared_type_that_changes_answers_is_refused(published_schema):
    with pytest.raises(BadSample, match=r"column .x0. has gone .* \(float64\), a request can only say .* \(float32\)"):
        published_schema({"columns": {"*": {"type": "float32"}}}, LINES, ROWS)


def test_a_document_is_checked_before_anything_is_done(store, key, tmp_path):
    steps: list[str] = []
    (tmp_path / "schema.json").write_text("{", "utf-8")
    with pytest.raises(StoreError, match="is not JSON"):
        publish(store, "m", LINES, ROWS, sealing_key=key, schema=tmp_path / "schema.json", progress=steps.append)
    assert steps == []


def test_a_file_is_published_with_what_is_declared(store, key, tmp_path, open_gate):
    joblib.dump(LINES, tmp_path / "model.joblib")
    schema = {"columns": {"x1": {"minimum": -100, "unit": "m"}}}
    publish(store, "m", tmp_path / "model.joblib", ROWS, sealing_key=key, gate=open_gate, schema=schema)
    column = store.manifest("m", 1).schema.columns[1]
    assert (column.minimum, column.maximum, column.bounded, column.unit) == (-100, None, True, "m")


def hours(rows):
    return rows.apply(lambda column: column.dt.hour)


@pytest.mark.parametrize("kind", ["datetime", "datetime64[ns]"])
def test_times_with_a_zone_may_be_declared_nullable(published_schema, kind):
    frame = pd.DataFrame({"at": pd.date_range("2026-01-01", periods=COUNT, tz="Europe/Oslo", freq="h")})
    steps = make_column_transformer((FunctionTransformer(hours), ["at"]))
    model = make_pipeline(steps, HistGradientBoostingClassifier(max_iter=3)).fit(frame, [0, 1] * (COUNT // 2))
    column = published_schema({"columns": {"at": {"type": kind, "nullable": True}}}, model, frame).columns[0]
    assert (column.zone, column.nullable) == ("Europe/Oslo", True)


def test_times_that_a_declared_unit_cannot_hold_are_refused(published_schema):
    frame = pd.DataFrame({"at": pd.date_range("2026-01-01", periods=COUNT, freq="10ms")})
    model = make_pipeline(FunctionTransformer(hours), LinearRegression()).fit(frame, np.arange(COUNT))
    with pytest.raises(BadSchema, match=r"column 'at': row 1 of the sample is 2026-01-01T00:00:00\.01"):
        published_schema({"columns": {"at": {"type": "datetime64[s]"}}}, model, frame)


def test_a_sample_as_csv_is_read_by_the_declared_types(store, key, tmp_path, open_gate):
    (tmp_path / "rows.csv").write_text("a,b\n" + "007,1\n010,2\n" * 30, "utf-8")
    frame = pd.DataFrame({"a": [7.0, 10.0] * 30, "b": [1.0, 2.0] * 30})
    joblib.dump(LinearRegression().fit(frame, frame["b"]), tmp_path / "model.joblib")
    schema = {"columns": [{"type": "int64"}, {"type": "float64"}]}
    paths = (tmp_path / "model.joblib", tmp_path / "rows.csv")
    publish(store, "m", *paths, sealing_key=key, gate=open_gate, schema=schema)
    assert [column.dtype for column in store.manifest("m", 1).schema.columns] == ["int64", "float64"]
