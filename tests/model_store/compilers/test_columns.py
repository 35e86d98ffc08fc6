"""Tables of mixed columns are answered from a plan as scikit-learn answers them, to the last bit, without pandas."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

from model_store.capture.inference import infer
from model_store.compilers.compilation import NotCompiled
from model_store.compilers.registry import compile_plan
from tests.model_store.compilers.tables import CLASSES, ROWS, TARGET, frame, outcomes

pytestmark = pytest.mark.filterwarnings("ignore")
TABLE = frame()
NUMBERS = ["price", "rooms", "few"]
SINGLE = TABLE[["price"]].assign(b=TABLE["rooms"].astype(float), c=np.arange(ROWS) / 7, d=1.5)
WHOLE = TABLE[["rooms"]].assign(b=np.arange(ROWS) % 9, c=7 - np.arange(ROWS) % 5)
MASKED = TABLE[["price"]].assign(
    a=pd.Series(np.arange(ROWS) % 9).astype("Int64"), b=(TABLE["price"] > 1).astype("boolean"), city=TABLE["city"]
)
ONE_HOT = OneHotEncoder(handle_unknown="ignore")
DENSE = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
ORDINAL = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
FILLED = make_pipeline(SimpleImputer(strategy="most_frequent"), ONE_HOT)
KNOWN = make_pipeline(SimpleImputer(strategy="constant", fill_value="none"), ORDINAL)
SCALED = StandardScaler()


def of(*parts: Any, **options: Any) -> Any:
    """Return a ColumnTransformer of unnamed parts."""
    return make_column_transformer(*parts, **options)


LINEAR: dict[str, tuple[Any, pd.DataFrame]] = {
    "numbers and categories": (of((SCALED, NUMBERS), (FILLED, ["city"])), TABLE),
    "dense": (of((SCALED, NUMBERS), (DENSE, ["city", "grade"])), TABLE),
    "sparse": (of((SCALED, ["price"]), (ONE_HOT, ["city", "street", "grade"])), TABLE),
    "sparse by a threshold": (of((SCALED, NUMBERS), (ONE_HOT, ["city"]), sparse_threshold=1.0), TABLE),
    "sparse and scaled": (make_pipeline(of((ONE_HOT, ["city", "street"])), StandardScaler(with_mean=False)), TABLE),
    "sparse and at most one": (make_pipeline(of((ONE_HOT, ["city", "street"])), MaxAbsScaler()), TABLE),
    "the others pass": (of((KNOWN, ["city"]), remainder="passthrough"), TABLE[["city", "rooms", "owner", "price"]]),
    "the others are scaled": (of((ORDINAL, ["city"]), remainder=SCALED), TABLE[["rooms", "city", "few", "price"]]),
    "by type": (of((ORDINAL, make_column_selector(dtype_exclude=np.number)), remainder="passthrough"), TABLE[NUMBERS]),
    "by place": (of((SCALED, [4, 2]), (ORDINAL, [1]), (SCALED, slice(7, 9)), (ONE_HOT, [6])), TABLE),
    "by mask": (of((SCALED, [n in NUMBERS for n in TABLE]), (FILLED, ["street"])), TABLE),
    "a column twice": (of((SCALED, ["price", "few"]), (MaxAbsScaler(), ["price"]), (ORDINAL, ["city"])), TABLE),
    "dropped and empty": (of((SCALED, NUMBERS), ("drop", ["city"]), (ONE_HOT, [])), TABLE),
    "weights": (
        ColumnTransformer([("a", SCALED, NUMBERS), ("b", ONE_HOT, ["city"])], transformer_weights={"a": 3, "b": 0.1}),
        TABLE,
    ),
    "pandas": (of((SCALED, NUMBERS), (DENSE, ["grade"]), remainder="drop").set_output(transform="pandas"), TABLE),
    "float32": (of((SCALED, ["small"]), (ORDINAL, ["city"])), TABLE),
    "bools": (of((SCALED, ["owner", "rooms", "small"])), TABLE),
    "codes next to numbers": (of((SCALED, NUMBERS), (ORDINAL, ["city", "grade"])), TABLE),
    "one type": (
        of((SCALED, ["d", "a2"]), (MaxAbsScaler(), ["c"]), remainder="passthrough"),
        SINGLE.rename(columns={"b": "a2"}),
    ),
    "one type, a view": (of((SCALED, ["price", "c"]), ("passthrough", ["b", "d"])), SINGLE),
    "whole numbers": (of((SCALED, ["b"]), (ONE_HOT, ["rooms", "c"])), WHOLE),
    "of pandas' own types": (of((SCALED, ["a", "b", "price"]), (FILLED, ["city"])), MASKED),
    "one in another": (of((of((SCALED, ["price"]), (ORDINAL, ["city"])), ["price", "city"]), (SCALED, ["few"])), TABLE),
    "a union": (FeatureUnion([("a", of((SCALED, NUMBERS))), ("b", of((ONE_HOT, ["city"])))]), TABLE),
    "a weighed union": (
        FeatureUnion([("a", of((SCALED, NUMBERS))), ("b", of((DENSE, ["city"])))], transformer_weights={"b": 0.3}),
        TABLE,
    ),
}


@pytest.mark.parametrize("case", LINEAR)
def test_a_linear_model_on_a_table_answers_the_same_bits(case: str, tmp_path: Path) -> None:
    columns, rows = LINEAR[case]
    for final, target in ((Ridge(), TARGET), (LogisticRegression(max_iter=20), CLASSES)):
        seen = outcomes(make_pipeline(columns, final).fit(rows, target), rows, tmp_path, sizes=(1, 7, 300), pieces=2)
        assert set(seen) <= {"equal", "refused"}, seen
        assert seen["equal"] >= 5, seen


@pytest.mark.parametrize("case", LINEAR)
def test_what_a_table_becomes_is_the_same_to_the_bit(case: str, tmp_path: Path) -> None:
    columns, rows = LINEAR[case]
    if case in ("the others pass", "pandas", "by type"):
        rows = rows.drop(columns="owner", errors="ignore")
    seen = outcomes(columns.fit(rows, TARGET), rows, tmp_path, sizes=(1, 300), pieces=2)
    assert set(seen) <= {"equal", "refused"}, seen
    assert seen["equal"] >= 3, seen


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_is_chosen_from_as_numpy_does(order: Any, tmp_path: Path) -> None:
    rows = np.asarray(SINGLE.to_numpy(), order=order)
    for chosen in ([0, 2], [3, 0, 1], slice(1, 3), slice(0, 4, 2), [True, False, True, True], slice(3, 0, -1)):
        columns = of(("passthrough", chosen), (SCALED, [1]))
        for estimator in (make_pipeline(columns, Ridge()), make_pipeline(of(("passthrough", chosen)), Ridge())):
            seen = outcomes(estimator.fit(rows, TARGET), rows, tmp_path, sizes=(1, 7, 300), pieces=2)
            assert set(seen) == {"equal"}, (chosen, seen)


def test_rows_with_gaps_among_whole_numbers_are_answered_as_if_each_pattern_came_alone(tmp_path: Path) -> None:
    table = TABLE[["rooms", "few", "city", "price"]]
    holed = table.assign(**{name: table[name].astype("Int64").mask(table[name] == 1) for name in ("rooms", "few")})
    columns = of((make_pipeline(ORDINAL, SCALED), ["rooms", "few"]), (FILLED, ["city"]), remainder=SCALED)
    fitted = make_pipeline(columns, Ridge()).fit(
        holed.astype({"rooms": float, "few": float}), TARGET
    )  # the sample has no gaps
    found = infer(fitted, table)
    assert [column.name for column in found.schema.columns if column.nullable] == ["rooms", "few", "city"]
    for floats in (False, True):
        seen = outcomes(fitted, table, tmp_path, sizes=(1, 2, 7, 32, 300), floats=floats)
        assert set(seen) == {"equal"}, seen


def test_texts_pass_as_they_are(tmp_path: Path) -> None:
    columns = ColumnTransformer([("keep", "passthrough", ["city", "rooms"]), ("and", "passthrough", ["street"])])
    seen = outcomes(columns.fit(TABLE), TABLE, tmp_path)
    assert set(seen) == {"equal"}, seen


def test_trees_take_what_a_table_becomes(tmp_path: Path) -> None:
    columns = of((KNOWN, ["city", "street"]), (ORDINAL, ["grade"]), remainder="passthrough")
    rows = TABLE.drop(columns="age")
    seen = outcomes(make_pipeline(columns, RandomForestRegressor(3, random_state=0)).fit(rows, TARGET), rows, tmp_path)
    assert set(seen) <= {"equal", "refused"}, seen
    assert seen["equal"] >= 40


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (of((FunctionTransformer(np.cumsum), ["price"])), "its function is none of NumPy's"),
        (of((ORDINAL, ["city"]), remainder="passthrough"), "takes numbers, and gets a category"),
        (of((ORDINAL, ["when"])), "categories of times"),
        (of(("passthrough", ["when"])), "column of something else"),
    ],
)
def test_what_is_not_known_for_certain_is_left_to_the_estimator(columns: Any, reason: str) -> None:
    rows = TABLE[["price", "city", "grade"]].assign(when=pd.date_range("2026-01-01", periods=ROWS, freq="36h"))
    if reason.startswith("takes"):
        rows = rows.assign(grade=rows["grade"].cat.rename_categories({"a": 1, "b": 2, "c": 3, "z": 4}), when=1.0)
    fitted = columns.fit(rows)
    with pytest.raises(NotCompiled, match=reason):
        compile_plan(fitted, infer(fitted, rows).schema)


@pytest.mark.parametrize("target", [CLASSES, CLASSES[0] == CLASSES], ids=["several classes", "two classes"])
def test_numbers_and_categories_are_added_up_without_a_sparse_matrix(target, tmp_path: Path) -> None:
    table = TABLE.assign(zero=np.where(np.arange(ROWS) % 3 == 0, 0.0, -0.0))
    columns = of((ONE_HOT, ["city"]), (SCALED, NUMBERS), ("passthrough", ["zero"]), (ONE_HOT, ["street", "grade"]))
    model = make_pipeline(columns, LogisticRegression(max_iter=50)).fit(table, target)
    kinds = [step.kind for step in compile_plan(model, infer(model, table).schema).steps]
    assert kinds.count("row_sums") == 1
    assert kinds.count("codes") == 2
    assert "sparse_beside" not in kinds
    assert set(outcomes(model, table, tmp_path)) <= {"equal", "refused"}
