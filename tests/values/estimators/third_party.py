"""Estimators of other libraries, which an environment of their own has: each is imported where its case is made."""

import importlib

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from tests.values.case import TRAINED, Case, fitted
from tests.values.rows import (
    AMOUNT,
    BINARY,
    COUNTS,
    HOLED,
    HOLED_NUMBERS,
    MIXED,
    NAMED,
    NUMBERS,
    PRICE,
    TABLE,
    X,
    Y,
    cycled,
)

CITY = TABLE[["city", "rooms"]].fillna({"city": "none"})
CODES = pd.DataFrame({"city": cycled("a", "b", "c"), "code": COUNTS[:, 0]})
WITH_DATES = MIXED[["age", "rooms", "city", "since"]].fillna({"age": 40.0, "city": "none"})
SEED = {"random_state": 0}


def of(path, *arguments, **named):
    """Build an estimator of a library that is imported now: ``module:Class``."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)(*arguments, **named)


def encoder(name, target=PRICE, **options):
    """Return a case of category_encoders before a ridge."""
    return fitted(make_pipeline(of(f"category_encoders:{name}", **options), Ridge()), CODES, target)


def resampled(name, rows=X):
    """Return a case of imbalanced-learn: a sampler in its own pipeline."""
    chain = importlib.import_module("imblearn.pipeline").make_pipeline
    sampler = of(name, **SEED)
    return fitted(chain(sampler, LogisticRegression(max_iter=500)), rows, BINARY)


def catboost(kind, rows, target, **options):
    """Return a case of CatBoost, small and silent, that writes no files."""
    model = of(f"catboost:{kind}", iterations=5, verbose=False, allow_writing_files=False, thread_count=1, **options)
    return fitted(model, rows, target)


def polars(estimator, columns, target):
    """Return a case that was fitted on a table of polars."""
    table = importlib.import_module("polars").from_pandas(TABLE[columns])
    estimator.fit(table[:TRAINED], target[:TRAINED])
    return Case(estimator, table[:TRAINED], table[TRAINED:])


def mapie_regressor():
    """Return a case of conformal regression."""
    model = of("mapie.regression:CrossConformalRegressor", Ridge(), cv=3, **SEED)
    model.fit_conformalize(X[:TRAINED], PRICE[:TRAINED])
    return Case(model, X[:TRAINED], X[TRAINED:])


CASES = {
    "CatBoostClassifier": lambda: catboost("CatBoostClassifier", X, Y),
    "CatBoostClassifier, names": lambda: catboost("CatBoostClassifier", NUMBERS, NAMED),
    "CatBoostClassifier, binary gaps": lambda: catboost("CatBoostClassifier", HOLED, BINARY),
    "CatBoostClassifier, categories": lambda: catboost("CatBoostClassifier", CITY, Y, cat_features=["city"]),
    "CatBoostRegressor": lambda: catboost("CatBoostRegressor", X, PRICE),
    "CatBoostRegressor, gaps in a frame": lambda: catboost("CatBoostRegressor", HOLED_NUMBERS, PRICE),
    "CatBoostRegressor, whole numbers as categories": lambda: catboost(
        "CatBoostRegressor", CODES, PRICE, cat_features=["city", "code"]
    ),
    "CatBoostRegressor, pandas categories": lambda: catboost(
        "CatBoostRegressor", CITY.astype({"city": "category"}), PRICE, cat_features=["city"]
    ),
    "SMOTE": lambda: resampled("imblearn.over_sampling:SMOTE"),
    "RandomUnderSampler": lambda: resampled("imblearn.under_sampling:RandomUnderSampler", NUMBERS),
    "BalancedRandomForestClassifier": lambda: fitted(
        of("imblearn.ensemble:BalancedRandomForestClassifier", 5, **SEED), X, Y
    ),
    "EasyEnsembleClassifier": lambda: fitted(of("imblearn.ensemble:EasyEnsembleClassifier", 2, **SEED), NUMBERS, Y),
    **{
        name: lambda name=name: encoder(name)
        for name in (
            "BackwardDifferenceEncoder",
            "BaseNEncoder",
            "BinaryEncoder",
            "CatBoostEncoder",
            "CountEncoder",
            "GLMMEncoder",
            "HashingEncoder",
            "HelmertEncoder",
            "JamesSteinEncoder",
            "LeaveOneOutEncoder",
            "MEstimateEncoder",
            "PolynomialEncoder",
            "QuantileEncoder",
            "RankHotEncoder",
            "SumEncoder",
        )
    },
    "TargetEncoder, of category_encoders": lambda: encoder("TargetEncoder"),
    "OneHotEncoder, of category_encoders": lambda: encoder("OneHotEncoder", cols=["city", "code"]),
    "OrdinalEncoder, of category_encoders": lambda: encoder("OrdinalEncoder"),
    "WOEEncoder": lambda: fitted(
        make_pipeline(of("category_encoders:WOEEncoder"), LogisticRegression(max_iter=500)), CODES, BINARY
    ),
    "MeanMedianImputer": lambda: fitted(
        make_pipeline(of("feature_engine.imputation:MeanMedianImputer"), Ridge()), HOLED_NUMBERS, PRICE
    ),
    "CategoricalImputer": lambda: fitted(
        make_pipeline(
            of("feature_engine.imputation:CategoricalImputer"),
            of("feature_engine.encoding:OneHotEncoder"),
            Ridge(),
        ),
        TABLE[["city", "rooms"]],
        PRICE,
    ),
    "RareLabelEncoder": lambda: fitted(
        make_pipeline(
            of("feature_engine.encoding:RareLabelEncoder", n_categories=2, tol=0.2),
            of("feature_engine.encoding:OrdinalEncoder", encoding_method="arbitrary"),
            Ridge(),
        ),
        CITY,
        PRICE,
    ),
    "DatetimeFeatures": lambda: fitted(
        make_pipeline(of("feature_engine.datetime:DatetimeFeatures"), Ridge()), MIXED[["rooms", "since"]], PRICE
    ),
    "Winsorizer": lambda: fitted(
        make_pipeline(of("feature_engine.outliers:Winsorizer", fold=1.5), Ridge()), NUMBERS, PRICE
    ),
    "EqualWidthDiscretiser": lambda: fitted(of("feature_engine.discretisation:EqualWidthDiscretiser"), NUMBERS),
    "TableVectorizer": lambda: fitted(make_pipeline(of("skrub:TableVectorizer"), Ridge()), WITH_DATES, PRICE),
    "TableVectorizer, gaps": lambda: fitted(
        make_pipeline(of("skrub:TableVectorizer"), of("sklearn.impute:SimpleImputer"), Ridge()), TABLE, PRICE
    ),
    "MinHashEncoder": lambda: fitted(
        make_pipeline(
            of("sklearn.compose:make_column_transformer", (of("skrub:MinHashEncoder", n_components=4), "city")),
            Ridge(),
        ),
        CITY,
        PRICE,
    ),
    "GapEncoder": lambda: fitted(
        make_pipeline(
            of("sklearn.compose:make_column_transformer", (of("skrub:GapEncoder", n_components=3, **SEED), "city")),
            Ridge(),
        ),
        CITY,
        PRICE,
    ),
    "DatetimeEncoder": lambda: fitted(
        make_pipeline(of("sklearn.compose:make_column_transformer", (of("skrub:DatetimeEncoder"), "since")), Ridge()),
        MIXED[["since", "rooms"]],
        PRICE,
    ),
    "ExplainableBoostingClassifier": lambda: fitted(
        of("interpret.glassbox:ExplainableBoostingClassifier", max_rounds=10, outer_bags=1, n_jobs=1), NUMBERS, BINARY
    ),
    "ExplainableBoostingRegressor": lambda: fitted(
        of("interpret.glassbox:ExplainableBoostingRegressor", max_rounds=10, outer_bags=1, n_jobs=1), TABLE, PRICE
    ),
    "PerpetualBooster": lambda: fitted(of("perpetual:PerpetualBooster", budget=0.1, num_threads=1), X, BINARY),
    "PerpetualBooster, gaps in a frame": lambda: fitted(
        of("perpetual:PerpetualBooster", objective="SquaredLoss", budget=0.1, num_threads=1), HOLED_NUMBERS, PRICE
    ),
    "GroupedPredictor": lambda: fitted(
        of("sklego.meta:GroupedPredictor", Ridge(), groups=["code"]),
        NUMBERS.assign(code=COUNTS[:, 0] % 2),
        PRICE,
    ),
    "Thresholder": lambda: fitted(
        of("sklego.meta:Thresholder", LogisticRegression(max_iter=500), threshold=0.3), X, BINARY
    ),
    "ZeroInflatedRegressor": lambda: fitted(
        of("sklego.meta:ZeroInflatedRegressor", DecisionTreeClassifier(**SEED), Ridge()),
        X,
        np.where(BINARY, AMOUNT, 0.0),
    ),
    "ColumnSelector": lambda: fitted(
        make_pipeline(of("sklego.preprocessing:ColumnSelector", ["a", "c"]), Ridge()), NUMBERS, PRICE
    ),
    "CrossConformalRegressor": mapie_regressor,
    "NGBClassifier": lambda: fitted(
        of("ngboost:NGBClassifier", n_estimators=5, verbose=False, **SEED), X, BINARY.astype(int)
    ),
    "NGBRegressor": lambda: fitted(of("ngboost:NGBRegressor", n_estimators=5, verbose=False, **SEED), X, PRICE),
    "RandomForestQuantileRegressor": lambda: fitted(
        of("quantile_forest:RandomForestQuantileRegressor", 5, **SEED), NUMBERS, PRICE
    ),
    "SymbolicRegressor": lambda: fitted(
        of("gplearn.genetic:SymbolicRegressor", population_size=50, generations=2, **SEED), X, PRICE
    ),
    "KModes": lambda: fitted(of("kmodes.kmodes:KModes", 2, n_init=1, **SEED), CODES),
    "GeneralizedLinearRegressor": lambda: fitted(
        of("glum:GeneralizedLinearRegressor", family="gamma", alpha=0.1), NUMBERS, AMOUNT
    ),
    "RuleFitClassifier": lambda: fitted(of("imodels:RuleFitClassifier", max_rules=10, **SEED), X, BINARY),
    "FIGSRegressor": lambda: fitted(of("imodels:FIGSRegressor", max_rules=6), NUMBERS, PRICE),
    "SnapRandomForestClassifier": lambda: fitted(
        of("snapml:RandomForestClassifier", n_estimators=3, n_jobs=1, **SEED), X.astype("f4"), Y
    ),
    "Ridge, polars": lambda: polars(Ridge(), ["rooms", "owner"], PRICE),
    "ColumnTransformer, polars": lambda: polars(
        make_pipeline(
            of(
                "sklearn.compose:make_column_transformer",
                (of("sklearn.impute:SimpleImputer"), ["age"]),
                (of("sklearn.preprocessing:OneHotEncoder", handle_unknown="ignore"), ["city"]),
                remainder="passthrough",
            ),
            Ridge(),
        ),
        ["age", "city", "rooms"],
        PRICE,
    ),
}
