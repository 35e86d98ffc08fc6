"""Tables of mixed columns: imputers, encoders and selectors, with gaps of every kind."""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder

from tests.values import steps
from tests.values.case import fitted
from tests.values.rows import COUNTS, MIXED, NAMED, PRICE, ROWS, TABLE, Y, cycled, gaps

SEED = {"random_state": 0}
ONE_HOT = OneHotEncoder(handle_unknown="ignore")
ORDINAL = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
FOREST = RandomForestRegressor(5, **SEED)
STRINGS = make_column_selector(dtype_include=["object", "string", "category"])
CITY = TABLE[["city"]]
NONE = CITY.astype(object).where(CITY.notna(), None)
NAN = CITY.astype(object).where(CITY.notna(), np.nan)
CODES = pd.DataFrame({"code": pd.Series(COUNTS[:, 0]), "other": COUNTS[:, 1]})
HOLED_CODES = pd.DataFrame({"code": pd.Series(gaps(COUNTS[:, 0].tolist())).astype(float), "other": COUNTS[:, 1]})


def mixed(final, rows=TABLE, target=PRICE, categories=None):
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "rooms"]),
        (make_pipeline(SimpleImputer(strategy="most_frequent"), ONE_HOT), ["city"]),
        ("passthrough", ["owner"]),
    )
    return fitted(make_pipeline(columns, final), rows, target)


def seen(rows):
    """Return a case that shows each value's type in its answers."""
    return fitted(make_pipeline(FunctionTransformer(steps.as_read), ORDINAL, Ridge()), rows, PRICE)


def both_gaps():
    cities = [None if i % 7 == 0 else np.nan if i % 11 == 0 else city for i, city in enumerate(cycled("a", "b", "c"))]
    return pd.DataFrame({"city": pd.Series(cities, dtype=object), "n": COUNTS[:, 0]})


CASES = {
    "ColumnTransformer": lambda: mixed(FOREST),
    "OneHotEncoder": lambda: fitted(ONE_HOT, TABLE[["city"]].fillna("?")),
    "OrdinalEncoder": lambda: fitted(ORDINAL, TABLE[["city"]].fillna("?")),
    "TargetEncoder": lambda: fitted(TargetEncoder(**SEED), TABLE[["city"]].fillna("?"), PRICE),
    "ColumnTransformer, ridge": lambda: mixed(Ridge()),
    "ColumnTransformer, names": lambda: mixed(LogisticRegression(max_iter=500), target=NAMED),
    "ColumnTransformer, objects": lambda: mixed(Ridge(), TABLE.astype({"city": object})),
    "ColumnTransformer, by dtype": lambda: fitted(
        make_pipeline(
            make_column_transformer((ORDINAL, STRINGS), remainder="passthrough"),
            HistGradientBoostingClassifier(max_iter=5, **SEED),
        ),
        TABLE,
        Y,
    ),
    "ColumnTransformer, frames out": lambda: fitted(
        make_column_transformer(
            (ORDINAL, ["city"]), remainder="passthrough", verbose_feature_names_out=False
        ).set_output(transform="pandas"),
        TABLE,
    ),
    "ColumnTransformer, passing text": lambda: fitted(
        ColumnTransformer([("keep", "passthrough", ["city", "rooms"])]), TABLE
    ),
    "ColumnTransformer, dropping": lambda: fitted(
        ColumnTransformer([("n", KNNImputer(), ["age", "rooms"]), ("no", "drop", ["city"])]), TABLE
    ),
    "ColumnTransformer, by position": lambda: fitted(
        make_pipeline(ColumnTransformer([("n", SimpleImputer(), [0, 2]), ("c", ONE_HOT, [1])]), FOREST), TABLE, PRICE
    ),
    "OneHotEncoder, None": lambda: fitted(make_pipeline(ONE_HOT, Ridge()), NONE, PRICE),
    "OneHotEncoder, NaN": lambda: fitted(make_pipeline(ONE_HOT, Ridge()), NAN, PRICE),
    "OneHotEncoder, str with NaN": lambda: fitted(make_pipeline(ONE_HOT, Ridge()), CITY, PRICE),
    "OneHotEncoder, None and NaN": lambda: fitted(
        make_pipeline(make_column_transformer((ONE_HOT, ["city"])), Ridge()), both_gaps(), PRICE
    ),
    "OrdinalEncoder, None": lambda: fitted(make_pipeline(ORDINAL, FOREST), NONE, PRICE),
    "OrdinalEncoder, NaN": lambda: fitted(make_pipeline(ORDINAL, FOREST), NAN, PRICE),
    "OrdinalEncoder, whole numbers": lambda: fitted(make_pipeline(ORDINAL, FOREST), CODES, PRICE),
    "OneHotEncoder, whole numbers": lambda: fitted(make_pipeline(ONE_HOT, Ridge()), CODES, PRICE),
    "OneHotEncoder, whole numbers with gaps": lambda: fitted(make_pipeline(ONE_HOT, Ridge()), HOLED_CODES, PRICE),
    "OneHotEncoder, Int64 with gaps": lambda: fitted(
        make_pipeline(ONE_HOT, Ridge()), HOLED_CODES.astype({"code": "Int64"}), PRICE
    ),
    "OneHotEncoder, bools": lambda: fitted(
        make_pipeline(ONE_HOT, Ridge()), TABLE[["owner"]].assign(n=COUNTS[:, 0]), PRICE
    ),
    "OneHotEncoder, infrequent": lambda: fitted(
        make_pipeline(OneHotEncoder(min_frequency=30, handle_unknown="infrequent_if_exist"), Ridge()), CITY, PRICE
    ),
    "OneHotEncoder, an array of text": lambda: fitted(
        make_pipeline(ONE_HOT, Ridge()), CITY.fillna("?").to_numpy(dtype=str), PRICE
    ),
    "OneHotEncoder, an array of objects": lambda: fitted(
        make_pipeline(ONE_HOT, Ridge()),
        np.column_stack([NONE["city"].to_numpy(dtype=object), cycled("x", "y")]).astype(object),
        PRICE,
    ),
    "OneHotEncoder, an array of text and numbers": lambda: fitted(
        make_pipeline(ONE_HOT, Ridge()),
        np.array(
            [
                [city or "?", int(n)]
                for city, n in zip(
                    MIXED["city"].astype(object).where(CITY["city"].notna(), None), COUNTS[:, 0], strict=True
                )
            ],
            dtype=object,
        ),
        PRICE,
    ),
    "TargetEncoder, gaps": lambda: fitted(make_pipeline(TargetEncoder(**SEED), Ridge()), NONE, PRICE),
    "TargetEncoder, classes": lambda: fitted(make_pipeline(TargetEncoder(**SEED), LogisticRegression()), NAN, Y),
    "SimpleImputer, constant text": lambda: fitted(
        make_pipeline(SimpleImputer(strategy="constant", fill_value="missing"), ONE_HOT, Ridge()), NAN, PRICE
    ),
    "SimpleImputer, None as the gap": lambda: fitted(
        make_pipeline(SimpleImputer(missing_values=None, strategy="constant", fill_value="none"), ONE_HOT, Ridge()),
        NONE,
        PRICE,
    ),
    "SimpleImputer, pd.NA as the gap": lambda: fitted(
        make_pipeline(SimpleImputer(missing_values=pd.NA, strategy="most_frequent"), ONE_HOT, Ridge()),
        CITY.astype(object).where(CITY.notna(), pd.NA),
        PRICE,
    ),
    "SimpleImputer, zero as the gap": lambda: fitted(
        make_pipeline(SimpleImputer(missing_values=0), Ridge()), CODES, PRICE
    ),
    "FunctionTransformer, text of a table": lambda: seen(MIXED[["rooms", "owner", "city"]]),
    "FunctionTransformer, text of codes with gaps": lambda: seen(HOLED_CODES.astype({"code": "Int64"})),
    "FunctionTransformer, text of ids": lambda: seen(
        pd.DataFrame({"id": np.arange(ROWS) // 4 + 2**53, "n": COUNTS[:, 0]})
    ),
    "FunctionTransformer, text of ids with gaps": lambda: seen(
        pd.DataFrame({"id": pd.Series(gaps((np.arange(ROWS) // 4 + 2**53).tolist()), dtype="Int64")})
    ),
    "HistGradientBoostingClassifier, after imputing": lambda: mixed(
        HistGradientBoostingClassifier(max_iter=5, **SEED), target=Y
    ),
    "ColumnTransformer, a category among integers": lambda: fitted(
        make_pipeline(make_column_transformer((ORDINAL, ["grade"]), remainder="passthrough"), FOREST),
        MIXED[["grade", "rooms"]],
        PRICE,
    ),
    "ColumnTransformer, odd names": lambda: fitted(
        make_pipeline(
            make_column_transformer((SimpleImputer(), ["my age"]), (ONE_HOT, ["", "predict"]), remainder="passthrough"),
            Ridge(),
        ),
        TABLE.rename(columns={"age": "my age", "city": "", "rooms": "predict", "owner": "Straße 東京"}),
        PRICE,
    ),
    "ColumnTransformer, columns that nobody uses": lambda: fitted(
        make_pipeline(make_column_transformer((ONE_HOT, ["city"])), Ridge()), MIXED, PRICE
    ),
    "FunctionTransformer, numbers as labels": lambda: fitted(
        make_pipeline(FunctionTransformer(steps.as_read), ORDINAL, Ridge()),
        CODES.rename(columns={"code": 7, "other": 3}),
        PRICE,
    ),
}
