"""XGBoost and LightGBM, which are among the requirements of the tests."""

import lightgbm
import numpy as np
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.values.case import TRAINED, Case, fitted
from tests.values.rows import AMOUNT, BINARY, COUNTS, HOLED, HOLED_NUMBERS, MIXED, NAMED, NUMBERS, PRICE, TARGETS, X, Y

SMALL = {"n_estimators": 4, "random_state": 0, "n_jobs": 1}
GROUPS = np.repeat(10, TRAINED // 10)
GRADED = MIXED[["age", "rooms", "city", "grade", "owner"]].astype({"city": "category"})
CODED = NUMBERS.assign(code=COUNTS[:, 0]).astype({"code": "category"})
SPACED = NUMBERS.rename(columns={"a": "a b", "b": "b-c", "c": "größe"})


def xgb(kind, **options):
    return getattr(xgboost, f"XGB{kind}")(**{**SMALL, **options})


def lgb(kind, **options):
    return getattr(lightgbm, f"LGBM{kind}")(**{**SMALL, "verbose": -1, "min_child_samples": 5, **options})


def ranked(model, rows):
    model.fit(rows[:TRAINED], COUNTS[:TRAINED, 0], group=GROUPS)
    return Case(model, rows[:TRAINED], rows[TRAINED:])


def stopped(model, **more):
    model.fit(X[:TRAINED], Y[:TRAINED], eval_set=[(X[50:TRAINED], Y[50:TRAINED])], **more)
    return Case(model, X[:TRAINED], X[TRAINED:])


CASES = {
    "XGBClassifier": lambda: fitted(xgb("Classifier"), X, Y),
    "XGBClassifier, binary frame": lambda: fitted(xgb("Classifier"), NUMBERS, BINARY),
    "XGBClassifier, gaps": lambda: fitted(xgb("Classifier"), HOLED, Y),
    "XGBClassifier, early stopping": lambda: stopped(
        xgb("Classifier", n_estimators=50, early_stopping_rounds=2, learning_rate=1.0), verbose=False
    ),
    "XGBClassifier, calibrated": lambda: fitted(CalibratedClassifierCV(xgb("Classifier"), cv=3), X, Y),
    "XGBRegressor": lambda: fitted(xgb("Regressor"), X, PRICE),
    "XGBRegressor, gaps in a frame": lambda: fitted(xgb("Regressor"), HOLED_NUMBERS, PRICE),
    "XGBRegressor, zero as the gap": lambda: fitted(xgb("Regressor", missing=0.0), COUNTS.astype(float), PRICE),
    "XGBRegressor, categories": lambda: fitted(xgb("Regressor", enable_categorical=True), GRADED, PRICE),
    "XGBRegressor, whole numbers as categories": lambda: fitted(
        xgb("Regressor", enable_categorical=True), CODED, PRICE
    ),
    "XGBRegressor, DART": lambda: fitted(xgb("Regressor", booster="dart", rate_drop=0.3), X, PRICE),
    "XGBRegressor, linear": lambda: fitted(xgb("Regressor", booster="gblinear"), X, PRICE),
    "XGBRegressor, two targets": lambda: fitted(xgb("Regressor"), X, TARGETS),
    "XGBRegressor, one tree for two targets": lambda: fitted(
        xgb("Regressor", multi_strategy="multi_output_tree"), X, TARGETS
    ),
    "XGBRegressor, poisson": lambda: fitted(xgb("Regressor", objective="count:poisson"), X, AMOUNT),
    "XGBRegressor, quantiles": lambda: fitted(
        xgb("Regressor", objective="reg:quantileerror", quantile_alpha=[0.1, 0.9]), X, PRICE
    ),
    "XGBRegressor, float32": lambda: fitted(xgb("Regressor"), X.astype("f4"), PRICE),
    "XGBRegressor, integers": lambda: fitted(xgb("Regressor"), COUNTS, PRICE),
    "XGBRegressor, in a pipeline": lambda: fitted(make_pipeline(StandardScaler(), xgb("Regressor")), HOLED, PRICE),
    "XGBRegressor, in a search": lambda: fitted(
        GridSearchCV(xgb("Regressor"), {"max_depth": [2, 3]}, cv=3), HOLED_NUMBERS, PRICE
    ),
    "XGBRanker": lambda: ranked(xgb("Ranker"), X),
    "XGBRFClassifier": lambda: fitted(xgb("RFClassifier"), X, Y),
    "XGBRFRegressor": lambda: fitted(xgb("RFRegressor"), HOLED, PRICE),
    "LGBMClassifier": lambda: fitted(lgb("Classifier"), X, Y),
    "LGBMClassifier, names": lambda: fitted(lgb("Classifier"), NUMBERS, NAMED),
    "LGBMClassifier, binary gaps": lambda: fitted(lgb("Classifier"), HOLED, BINARY),
    "LGBMClassifier, categories": lambda: fitted(lgb("Classifier"), GRADED, Y),
    "LGBMClassifier, early stopping": lambda: stopped(
        lgb("Classifier", n_estimators=50, learning_rate=1.0), callbacks=[lightgbm.early_stopping(2, verbose=False)]
    ),
    "LGBMRegressor": lambda: fitted(lgb("Regressor"), X, PRICE),
    "LGBMRegressor, gaps in a frame": lambda: fitted(lgb("Regressor"), HOLED_NUMBERS, PRICE),
    "LGBMRegressor, DART": lambda: fitted(lgb("Regressor", boosting_type="dart"), X, PRICE),
    "LGBMRegressor, random forest": lambda: fitted(
        lgb("Regressor", boosting_type="rf", subsample=0.5, subsample_freq=1), X, PRICE
    ),
    "LGBMRegressor, linear trees": lambda: fitted(lgb("Regressor", linear_tree=True), NUMBERS, PRICE),
    "LGBMRegressor, whole numbers as categories": lambda: fitted(lgb("Regressor"), CODED, PRICE),
    "LGBMRegressor, spaces in names": lambda: fitted(lgb("Regressor"), SPACED, PRICE),
    "LGBMRegressor, quantile": lambda: fitted(lgb("Regressor", objective="quantile", alpha=0.9), X, PRICE),
    "LGBMRegressor, two targets": lambda: fitted(MultiOutputRegressor(lgb("Regressor")), X, TARGETS),
    "LGBMRegressor, zero as the gap": lambda: fitted(lgb("Regressor", zero_as_missing=True), COUNTS, PRICE),
    "LGBMRanker": lambda: ranked(lgb("Ranker"), X),
}
