"""What a publisher is warned of, and what a dry run shows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import FunctionTransformer

import model_store
from model_store.declaration.contract import Contract
from model_store.errors import BadPayloadLog, BadSchema
from model_store.payload_log import PayloadLog

COUNT = 100
RNG = np.random.default_rng(0)
PLAIN = pd.DataFrame({"a": RNG.normal(size=COUNT), "b": np.where(np.arange(COUNT) % 7, RNG.normal(size=COUNT), np.nan)})


@pytest.fixture
def contract(open_gate):
    def dry_run(sample, model=None, **options) -> Contract:
        model = model or DummyClassifier(strategy="stratified", random_state=0).fit(sample, [0, 1] * (len(sample) // 2))
        return model_store.dry_run(model, sample, gate=open_gate, **options)

    return dry_run


def test_a_sample_without_a_fault_is_not_warned_of(contract):
    assert contract(PLAIN).warnings == ()


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (RNG.integers(0, 50, COUNT), "column 'c' has only whole numbers in the sample, so 2.5 is refused"),
        (np.arange(COUNT) + 7000, "column 'c' has another value in each row, like an id"),
        (np.arange(COUNT) * 1_000_003 + 10**9, "column 'c' has another value in each row, like an id"),
        ([f"user-{i}" for i in range(COUNT)], "column 'c' has another value in each row, like an id"),
        ([f"a few words about {i % 90}" for i in range(COUNT)], "column 'c' has free text: any string is taken"),
        (np.ones(COUNT), "column 'c' has one value in the whole sample"),
        (["NO"] * COUNT, "column 'c' has one value in the whole sample"),
    ],
)
def test_a_column_that_wants_a_look_is_named(contract, column, said):
    (warning,) = contract(PLAIN.assign(c=column)).warnings
    assert warning.startswith(said)


@pytest.mark.parametrize(
    "column",
    [
        RNG.integers(0, 5, COUNT),
        np.tile([True, False], COUNT // 2),
        RNG.choice(["a", "b"], COUNT),
        pd.date_range("2026-01-01", periods=COUNT),
        RNG.normal(size=COUNT).astype("float32"),
        pd.Categorical(RNG.integers(0, 50, COUNT)),
        np.full(COUNT, np.nan),
    ],
)
def test_an_ordinary_column_is_not_warned_of(contract, column):
    assert contract(PLAIN.assign(c=column)).warnings == ()


@pytest.mark.parametrize(
    ("column", "declared"),
    [
        (RNG.integers(0, 50, COUNT), {"type": "int64"}),
        (RNG.integers(0, 50, COUNT), {"type": "float64"}),
        (
            [f"a few words about {i % 2}" for i in range(COUNT)],
            {"categories": [f"a few words about {i}" for i in (0, 1)]},
        ),
    ],
)
def test_what_is_declared_is_not_warned_of(contract, column, declared):
    assert contract(PLAIN.assign(c=column), schema={"columns": {"c": declared}}).warnings == ()


def test_a_small_sample_is_warned_of(contract):
    (warning,) = contract(PLAIN.iloc[:20]).warnings
    assert warning.startswith("the sample has 20 rows: give some hundred")


def test_a_sample_without_gaps_is_warned_of_unless_the_publisher_says_so(contract):
    frame = PLAIN[["a"]]
    (warning,) = contract(frame).warnings
    assert "null is refused everywhere" in warning
    assert contract(frame, schema={"columns": {"a": {"nullable": False}}}).warnings == ()
    assert contract(frame, schema={"columns": {"a": {"nullable": True}}}).warnings == ()


def test_classes_that_answer_no_row_are_warned_of(contract):
    model = DummyClassifier(strategy="constant", constant="b").fit(PLAIN, ["a", "b", "c", "d"] * (COUNT // 4))
    (warning,) = contract(PLAIN, model).warnings
    assert warning == "no row of the sample is answered with a, c, d: give rows of every class"


def test_many_columns_are_named_in_one_sentence(contract):
    rows = RNG.integers(0, 50, size=(COUNT, 30))
    warnings = contract(rows, LinearRegression().fit(rows, rows[:, 0])).warnings
    assert len(warnings) == 2
    assert "'x8', 'x9' and 20 more have only whole numbers" in warnings[1]


def test_a_contract_is_read_as_tables(contract):
    frame = PLAIN.assign(plan=RNG.choice(["plus", "basic"], COUNT), age=RNG.integers(18, 90, COUNT))
    age = {"minimum": 0, "maximum": 120, "unit": "years", "optional": True}
    text = str(contract(frame, schema={"columns": {"age": age, "plan": {"unknown": "refuse"}}}))
    rows = [line.split() for line in text.splitlines()]
    assert ["plan", "string", "refused", "one", "of", "basic,", "plus"] in rows
    assert ["age", "int64", "taken,", "or", "left", "out", "from", "0", "to", "120", "years"] in rows
    assert ["predict_proba", "float64", "[2]", "0,", "1"] in rows
    assert text.splitlines()[-1].startswith("warning: column 'age' has only whole numbers")


def test_a_contract_as_json_has_the_schema_and_the_warnings(contract):
    found = contract(PLAIN.iloc[:20]).to_json()
    assert [column["name"] for column in found["columns"]] == ["a", "b"]
    assert [output["name"] for output in found["outputs"]] == ["predict", "predict_proba"]
    assert len(found["warnings"]) == 1
    assert found["estimator"] == "sklearn.dummy.DummyClassifier"


def test_a_dry_run_shows_the_engines(contract):
    shown = contract(PLAIN.fillna(0), LinearRegression().fit(PLAIN.fillna(0), np.arange(COUNT)))
    assert "engine     equal  rows " in str(shown)
    assert shown.to_json()["engines"]["each"]["compiled"]["equal"]


def test_a_dry_run_refuses_what_publishing_would_refuse(contract):
    with pytest.raises(BadSchema, match=r"columns\.c: there is no such column"):
        contract(PLAIN, schema={"columns": {"c": {}}})
    with pytest.raises(BadPayloadLog):
        contract(PLAIN, payload_log=PayloadLog(0.5, ["c"]))


def test_warnings_are_kept_with_the_version_and_told_as_progress(store, key, open_gate):
    steps: list[str] = []
    model = FunctionTransformer().fit(PLAIN.iloc[:20])
    model_store.publish(store, "m", model, PLAIN.iloc[:20], sealing_key=key, gate=open_gate, progress=steps.append)
    (warning,) = store.manifest("m", 1).options["warnings"]
    assert f"warning: {warning}" in steps
