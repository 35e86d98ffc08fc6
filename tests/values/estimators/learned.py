"""What an estimator knows and its sample does not show: gaps, categories and classes that training had.

The samples are of one class, without gaps, or of few categories: a look at ``predict`` on them shows nothing.
"""

import operator

import lightgbm
import numpy as np
import pandas as pd
import xgboost
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder

from tests.values import steps
from tests.values.case import TRAINED, Case, fitted
from tests.values.rows import COUNTS, HOLED, HOLED_NUMBERS, MIXED, NUMBERS, PRICE, ROWS, TABLE, X, Y, cycled

SEED = {"random_state": 0}
RIDGE = Ridge()
ONE_HOT = OneHotEncoder(handle_unknown="ignore")
RARE = np.arange(ROWS) % 13 == 0
KINDS = pd.DataFrame({"kind": pd.Categorical(cycled("a", "b", "c", "d")), "x": X[:, 0]})
STEEP = KINDS["kind"].map({"a": 0.0, "b": 10.0, "c": 20.0, "d": 30.0}).astype(float)
CODED = pd.DataFrame({"code": COUNTS[:, 0], "age": HOLED[:, 0]})
TIMES = pd.Series(pd.date_range("2024-10-20", periods=ROWS, freq="7h", tz="America/Denver"))
CITIES = TABLE[["city"]].astype(object).where(TABLE[["city"]].notna(), None)


def whole(rows):
    """Return the rows that were trained on and have no gaps."""
    known = rows[:TRAINED]
    return known[~pd.isna(known).any(axis=1)]


def without_gaps(estimator, rows, target=PRICE):
    """Return a case whose sample has no gaps, though training had some, and the fresh rows have."""
    return fitted(estimator, rows, target, sample=whole(rows))


def never_gaps(estimator, rows=NUMBERS, target=PRICE):
    """Return a case that was trained without gaps and is asked with some."""
    estimator.fit(rows[:TRAINED], target[:TRAINED])
    return Case(estimator, rows[:TRAINED], HOLED_NUMBERS[TRAINED:])


def narrow(estimator):
    """Return a case whose sample has two of four categories, under a dtype that knows those two alone."""
    known = KINDS[:TRAINED]
    few = known[known["kind"].isin(["b", "d"])]
    few = few.assign(kind=few["kind"].astype(str).astype("category"))
    return fitted(estimator, KINDS, STEEP, sample=few)


def beyond_ascii():
    """Return a narrow case with text that XGBoost records broken: what the sample lacks is refused, not guessed."""
    rows = KINDS.assign(kind=KINDS["kind"].cat.rename_categories(["é", "b", "c", "d"]))
    known = rows[:TRAINED]
    few = known[known["kind"].isin(["é", "b"])]
    few = few.assign(kind=pd.Categorical(few["kind"].astype(str), categories=["é", "b"]))
    return fitted(xgboost.XGBRegressor(enable_categorical=True, **XGB), rows, STEEP, sample=few)


def backwards(estimator):
    """Return a case whose sample has the categories in another order."""
    sample = KINDS[:TRAINED].assign(kind=KINDS["kind"][:TRAINED].cat.reorder_categories(list("dcba")))
    return fitted(estimator, KINDS, STEEP, sample=sample)


def quiet(first, rows, chosen=RARE):
    """Return a case whose sample is predicted as one class throughout."""
    model = make_pipeline(first, LogisticRegression(max_iter=500))
    return fitted(model, rows, chosen, sample=rows[:10])


def method(name, *arguments, **named):
    """Return a step that calls a method of each column."""
    return FunctionTransformer(pd.DataFrame.apply, kw_args={"func": operator.methodcaller(name, *arguments, **named)})


HOURS = FunctionTransformer(pd.DataFrame.apply, kw_args={"func": operator.attrgetter("dt.hour")})
FOREST = RandomForestRegressor(5, **SEED)
BOOSTED = HistGradientBoostingRegressor(max_iter=5, **SEED)
BY_DTYPE = HistGradientBoostingRegressor(max_iter=20, categorical_features="from_dtype", **SEED)
XGB = {"n_estimators": 10, "n_jobs": 1}
LGB = {"n_estimators": 10, "n_jobs": 1, "verbose": -1, "min_child_samples": 5}
LOOKUP = {"Bern": 3, "Oslo": 7, "Rome": 2.5}

CASES = {
    "SimpleImputer, gaps that the sample lacks": lambda: without_gaps(
        make_pipeline(SimpleImputer(), RIDGE), HOLED_NUMBERS
    ),
    "SimpleImputer, an array's gaps that the sample lacks": lambda: fitted(
        make_pipeline(SimpleImputer(add_indicator=True), RIDGE),
        HOLED,
        PRICE,
        sample=HOLED[:TRAINED][~np.isnan(HOLED[:TRAINED]).any(axis=1)],
    ),
    "KNNImputer, gaps that the sample lacks": lambda: without_gaps(make_pipeline(KNNImputer(), RIDGE), HOLED_NUMBERS),
    "OneHotEncoder, None that the sample lacks": lambda: without_gaps(make_pipeline(ONE_HOT, RIDGE), CITIES),
    "OneHotEncoder, NaN that the sample lacks": lambda: without_gaps(
        make_pipeline(ONE_HOT, RIDGE), CITIES.where(CITIES.notna(), np.nan)
    ),
    "OrdinalEncoder, NaN that the sample lacks": lambda: without_gaps(
        make_pipeline(OrdinalEncoder(encoded_missing_value=-2), RIDGE), TABLE[["city"]]
    ),
    "RandomForestRegressor, gaps that the sample lacks": lambda: without_gaps(FOREST, HOLED_NUMBERS),
    "HistGradientBoostingRegressor, gaps that the sample lacks": lambda: without_gaps(BOOSTED, HOLED_NUMBERS),
    "XGBRegressor, gaps that the sample lacks": lambda: without_gaps(xgboost.XGBRegressor(**XGB), HOLED_NUMBERS),
    "LGBMRegressor, gaps that the sample lacks": lambda: without_gaps(lightgbm.LGBMRegressor(**LGB), HOLED_NUMBERS),
    "ColumnTransformer, gaps that the sample lacks": lambda: without_gaps(
        make_pipeline(
            make_column_transformer(
                (SimpleImputer(), ["age"]),
                (make_pipeline(SimpleImputer(strategy="most_frequent"), ONE_HOT), ["city"]),
                remainder="passthrough",
            ),
            RIDGE,
        ),
        TABLE,
    ),
    "RandomForestRegressor, gaps that nobody has seen": lambda: never_gaps(FOREST),
    "HistGradientBoostingRegressor, gaps that nobody has seen": lambda: never_gaps(BOOSTED),
    "XGBRegressor, gaps that nobody has seen": lambda: never_gaps(xgboost.XGBRegressor(**XGB)),
    "LGBMRegressor, gaps that nobody has seen": lambda: never_gaps(lightgbm.LGBMRegressor(**LGB)),
    "HistGradientBoostingRegressor, a narrow sample": lambda: narrow(BY_DTYPE),
    "LGBMRegressor, a narrow sample": lambda: narrow(lightgbm.LGBMRegressor(**LGB)),
    "XGBRegressor, a narrow sample": lambda: narrow(xgboost.XGBRegressor(enable_categorical=True, **XGB)),
    "XGBRegressor, a narrow sample beyond ASCII": beyond_ascii,
    "HistGradientBoostingRegressor, another order of categories": lambda: backwards(BY_DTYPE),
    "LGBMRegressor, another order of categories": lambda: backwards(lightgbm.LGBMRegressor(**LGB)),
    "XGBRegressor, another order of categories": lambda: backwards(
        xgboost.XGBRegressor(enable_categorical=True, **XGB)
    ),
    "LogisticRegression, codes as text of one class": lambda: quiet(
        make_column_transformer((make_pipeline(method("astype", str), ONE_HOT), ["code"]), (SimpleImputer(), ["age"])),
        CODED,
        COUNTS[:, 0] == 3,
    ),
    "LogisticRegression, hours in Denver of one class": lambda: quiet(
        make_column_transformer((HOURS, ["t"]), ("passthrough", ["x"])),
        pd.DataFrame({"t": TIMES, "x": X[:, 0]}),
        (TIMES.dt.hour >= 20).to_numpy() & RARE,
    ),
    "LogisticRegression, dates as integers of one class": lambda: quiet(
        make_pipeline(method("astype", "int64"), OneHotEncoder(handle_unknown="ignore")),
        pd.DataFrame({"t": TIMES.dt.tz_localize(None).astype("datetime64[s]").iloc[np.arange(ROWS) % 9].to_numpy()}),
        COUNTS[:, 0] == 3,
    ),
    "LogisticRegression, grades in order": lambda: quiet(
        method("ge", "mid"), MIXED[["grade"]], (MIXED["grade"] >= "mid").to_numpy() & RARE
    ),
    "FunctionTransformer, whole numbers until a half comes": lambda: fitted(
        FunctionTransformer(pd.DataFrame.map, kw_args={"func": LOOKUP.get}),
        TABLE[["city"]].fillna("Reykjavík"),
        sample=pd.DataFrame({"city": ["Bern", "Oslo"] * 30}),
    ),
    "FunctionTransformer, halves from the start": lambda: fitted(
        FunctionTransformer(pd.DataFrame.map, kw_args={"func": LOOKUP.get}),
        TABLE[["city"]].fillna("Reykjavík"),
    ),
    "FunctionTransformer, first whole numbers and later gaps": lambda: fitted(
        FunctionTransformer(steps.but_last, kw_args={"step": steps.as_is}), HOLED_NUMBERS.round()
    ),
    "HistGradientBoostingRegressor, ten rows as the sample": lambda: fitted(
        HistGradientBoostingRegressor(max_iter=5, **SEED), NUMBERS, Y, sample=NUMBERS[:10]
    ),
}
