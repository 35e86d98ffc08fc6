"""Encoders answer from a plan as scikit-learn does, to the last bit: known, unknown and missing categories."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from model_store.batch import Batch
from model_store.capture.inference import infer
from model_store.compilers.compilation import NotCompiled
from model_store.compilers.registry import compile_plan
from tests.model_store.compilers.tables import BINARY, CLASSES, ROWS, TARGET, frame, outcomes, plan_of, texts

pytestmark = pytest.mark.filterwarnings("ignore")
TABLE = frame()
TEXTS = TABLE[["city", "street", "grade"]]
TIGHT = pd.DataFrame({"code": np.arange(ROWS) % 7, "other": TABLE["few"].astype("int64")})
MASKED = TIGHT.assign(code=TIGHT["code"].astype("Int64").mask(TIGHT["code"] == 3))
OBJECTS = TEXTS.astype(object)
ARROW = pd.DataFrame({"a": pd.Series(texts(gaps=pd.NA), dtype="string"), "b": TABLE["rooms"]})
HUGE = pd.DataFrame({"a": pd.Series(np.arange(ROWS) % 5 + 2**53).astype("Int64"), "b": np.arange(ROWS) % 6 + 2**60})
ROWS_OF = {
    "the hugest": pd.DataFrame({"a": np.arange(ROWS, dtype=np.uint64) % 5 * np.uint64(2**62 - 1), "b": TABLE["city"]}),
    "huge whole numbers": HUGE.assign(a=HUGE["a"].mask(HUGE["b"] == 2**60 + 4)),
    "texts": TEXTS,
    "objects": OBJECTS,
    "numbers": TABLE[["age", "rooms", "few"]],
    "everything": TABLE,
    "bools": TABLE[["owner", "rooms"]],
    "whole numbers": TIGHT,
    "masked": MASKED,
    "an array of objects": TABLE[["street", "grade"]].astype(object).to_numpy(),
    "an array": TABLE[["rooms", "few"]].to_numpy(),
    "a frame of one type": TABLE[["age", "price"]].round(-1),
}
IGNORE = {"handle_unknown": "ignore"}
RARE = {"min_frequency": 60}
ONE_HOT = (
    OneHotEncoder(**IGNORE),
    OneHotEncoder(**IGNORE, sparse_output=False),
    OneHotEncoder(sparse_output=False, dtype=np.float32),
    OneHotEncoder(**IGNORE, drop="first"),
    OneHotEncoder(**IGNORE, drop="if_binary", sparse_output=False),
    OneHotEncoder(handle_unknown="infrequent_if_exist", **RARE),
    OneHotEncoder(handle_unknown="warn", max_categories=2),
    OneHotEncoder(**IGNORE, **RARE, drop="first", sparse_output=False),
    OneHotEncoder(),
)
CODED = {"handle_unknown": "use_encoded_value", "unknown_value": -1}
ORDINAL = (
    OrdinalEncoder(**CODED),
    OrdinalEncoder(**CODED, encoded_missing_value=-2, dtype=np.int64),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, dtype=np.float32),
    OrdinalEncoder(**CODED, min_frequency=40),
    OrdinalEncoder(**CODED, max_categories=3, encoded_missing_value=-7),
    OrdinalEncoder(),
)


@pytest.mark.parametrize("kind", ROWS_OF)
@pytest.mark.parametrize("encoder", [*ONE_HOT, *ORDINAL], ids=str)
def test_an_encoder_answers_the_same_bits(encoder: Any, kind: str, tmp_path: Path) -> None:
    rows = ROWS_OF[kind]
    seen = outcomes(encoder.fit(rows), rows, tmp_path, sizes=(1, 300), pieces=3)
    assert set(seen) <= {"equal", "refused"}, seen
    assert seen["equal"] >= 5
    assert not seen["refused"] or encoder.handle_unknown == "error"


@pytest.mark.parametrize("kind", ["texts", "objects", "everything", "masked"])
@pytest.mark.parametrize("target", [TARGET, BINARY, CLASSES], ids=["number", "two classes", "three classes"])
def test_a_target_encoder_answers_the_same_bits(target: Any, kind: str, tmp_path: Path) -> None:
    fitted = TargetEncoder(random_state=0).fit(ROWS_OF[kind], target)
    seen = outcomes(fitted, ROWS_OF[kind], tmp_path)
    assert set(seen) == {"equal"}, seen


@pytest.mark.parametrize("target", [BINARY, CLASSES], ids=["two classes", "three classes"])
@pytest.mark.parametrize("sparse", [True, False])
def test_a_linear_model_adds_what_is_encoded_in_the_same_order(target: Any, sparse: Any, tmp_path: Path) -> None:
    model = make_pipeline(OneHotEncoder(**IGNORE, sparse_output=sparse), LogisticRegression(max_iter=50))
    seen = outcomes(model.fit(TEXTS, target), TEXTS, tmp_path)
    assert set(seen) == {"equal"}, seen


def test_an_unknown_category_is_refused_by_its_name_and_column(tmp_path: Path) -> None:
    rows = TABLE[["rooms", "city"]].fillna("?")
    fitted = OneHotEncoder().fit(rows)
    schema = infer(fitted, rows).schema
    engine = plan_of(fitted, schema, tmp_path)
    for number, text, message in (
        (1, "Paris", r"Found unknown categories \['Paris'\] in column 1 during transform"),
        (77, "Bern", r"Found unknown categories \[np.int64\(77\)\] in column 0 during transform"),
        (1, None, "Found unknown categories .* in column 1 during transform"),
    ):
        batch = Batch(1, columns={"rooms": np.array([number]), "city": np.array([text], dtype=object)})
        with pytest.raises(ValueError, match=message):
            engine.predict(batch, ["transform"])


def test_infinity_is_refused_where_numbers_are_categories(tmp_path: Path) -> None:
    rows = TABLE[["age", "city"]]
    fitted = OneHotEncoder(**IGNORE).fit(rows)
    engine = plan_of(fitted, infer(fitted, rows).schema, tmp_path)
    batch = Batch(2, columns={"age": np.array([1.0, -np.inf]), "city": np.array(["x", "y"], dtype=object)})
    with pytest.raises(ValueError, match="Input contains infinity"):
        engine.predict(batch, ["transform"])


def test_categories_of_several_types_are_left_to_the_estimator() -> None:
    rows = pd.DataFrame({"a": pd.to_datetime(["2026-01-01", "2026-01-02"] * 10)})
    fitted = OneHotEncoder(**IGNORE).fit(rows)
    with pytest.raises(NotCompiled, match="categories of times"):
        compile_plan(fitted, infer(fitted, rows).schema)
