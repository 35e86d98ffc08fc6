"""Trees, forests, boosting and what is made of several estimators."""

import numpy as np
from sklearn import calibration, ensemble, linear_model, model_selection, multiclass, multioutput, semi_supervised, tree
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - without it they are not there
from sklearn.frozen import FrozenEstimator
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.values.case import TRAINED, fitted, named
from tests.values.rows import (
    AMOUNT,
    BINARY,
    COUNTS,
    HOLED,
    HOLED_NUMBERS,
    MIXED,
    MULTI,
    MULTICLASS,
    NAMED,
    NUMBERS,
    PRICE,
    TABLE,
    TARGETS,
    X,
    Y,
)

LOGISTIC = linear_model.LogisticRegression(max_iter=500)
RIDGE = linear_model.Ridge()
TREE = tree.DecisionTreeClassifier(max_depth=3, random_state=0)
MODEL = [("nb", GaussianNB()), ("tree", TREE)]
FITS = [("r", RIDGE), ("t", tree.DecisionTreeRegressor(max_depth=3, random_state=0))]
SEED = {"random_state": 0}


def boosted(kind="Classifier", **options):
    return getattr(ensemble, f"HistGradientBoosting{kind}")(max_iter=6, min_samples_leaf=5, **SEED, **options)


REGRESSORS = [
    ensemble.AdaBoostRegressor(n_estimators=5, **SEED),
    ensemble.BaggingRegressor(n_estimators=3, **SEED),
    ensemble.ExtraTreesRegressor(5, **SEED),
    ensemble.GradientBoostingRegressor(n_estimators=5, **SEED),
    boosted("Regressor"),
    ensemble.RandomForestRegressor(5, n_jobs=2, **SEED),
    ensemble.StackingRegressor(FITS),
    ensemble.VotingRegressor(FITS),
    tree.DecisionTreeRegressor(**SEED),
    tree.ExtraTreeRegressor(**SEED),
    TransformedTargetRegressor(RIDGE, transformer=StandardScaler()),
]
CLASSIFIERS = [
    ensemble.AdaBoostClassifier(n_estimators=5, **SEED),
    ensemble.BaggingClassifier(n_estimators=3, **SEED),
    ensemble.ExtraTreesClassifier(5, **SEED),
    ensemble.GradientBoostingClassifier(n_estimators=5, **SEED),
    boosted(),
    ensemble.RandomForestClassifier(5, n_jobs=2, **SEED),
    ensemble.StackingClassifier(MODEL, LOGISTIC),
    ensemble.VotingClassifier(MODEL),
    tree.DecisionTreeClassifier(**SEED),
    tree.ExtraTreeClassifier(**SEED),
    calibration.CalibratedClassifierCV(GaussianNB(), ensemble=False),
    multiclass.OneVsOneClassifier(LOGISTIC),
    multiclass.OneVsRestClassifier(LOGISTIC),
    multiclass.OutputCodeClassifier(LOGISTIC, **SEED),
    model_selection.GridSearchCV(LOGISTIC, {"C": [0.1, 1]}),
    model_selection.RandomizedSearchCV(TREE, {"max_depth": [1, 2, 3]}, n_iter=2, **SEED),
    model_selection.HalvingGridSearchCV(TREE, {"max_depth": [1, 2, 3]}, cv=3, **SEED),
    model_selection.HalvingRandomSearchCV(TREE, {"max_depth": [1, 2, 3]}, cv=3, **SEED),
]
BINARIES = [
    model_selection.FixedThresholdClassifier(LOGISTIC, threshold=0.3),
    model_selection.TunedThresholdClassifierCV(LOGISTIC),
]


def half_labelled():
    target = Y.copy()
    target[50:] = -1
    return fitted(semi_supervised.SelfTrainingClassifier(LOGISTIC), X, target)


def frozen():
    return fitted(make_pipeline(FrozenEstimator(StandardScaler().fit(X[:TRAINED])), LOGISTIC), X, Y)


GRADED = MIXED[["age", "rooms", "city", "grade"]].astype({"city": "category"})

CASES = {
    **named(REGRESSORS, X, PRICE),
    **named(CLASSIFIERS, X, Y),
    **named(BINARIES, X, BINARY),
    "SelfTrainingClassifier": half_labelled,
    "FrozenEstimator": frozen,
    "Pipeline": lambda: fitted(make_pipeline(StandardScaler(), LOGISTIC), X, NAMED),
    "MultiOutputClassifier": lambda: fitted(multioutput.MultiOutputClassifier(LOGISTIC), X, MULTICLASS),
    "MultiOutputRegressor": lambda: fitted(multioutput.MultiOutputRegressor(RIDGE), X, TARGETS),
    "ClassifierChain": lambda: fitted(multioutput.ClassifierChain(LOGISTIC), X, MULTI),
    "RegressorChain": lambda: fitted(multioutput.RegressorChain(RIDGE), X, TARGETS),
    "RandomForestClassifier, several targets": lambda: fitted(clone(CLASSIFIERS[5]), X, MULTICLASS),
    "RandomForestClassifier, names as targets": lambda: fitted(clone(CLASSIFIERS[5]), NUMBERS, NAMED),
    "RandomForestClassifier, gaps": lambda: fitted(clone(CLASSIFIERS[5]), HOLED, Y),
    "RandomForestRegressor, gaps in a frame": lambda: fitted(clone(REGRESSORS[5]), HOLED_NUMBERS, PRICE),
    "RandomForestRegressor, two targets": lambda: fitted(clone(REGRESSORS[5]), X, TARGETS),
    "ExtraTreesClassifier, gaps": lambda: fitted(clone(CLASSIFIERS[2]), HOLED, Y),
    "DecisionTreeClassifier, gaps": lambda: fitted(clone(TREE), HOLED, Y),
    "DecisionTreeClassifier, integers": lambda: fitted(clone(TREE), COUNTS, Y),
    "DecisionTreeClassifier, several named targets": lambda: fitted(
        clone(TREE), X, np.column_stack([NAMED, np.where(BINARY, "yes", "no")])
    ),
    "BaggingClassifier, gaps": lambda: fitted(ensemble.BaggingClassifier(TREE, 3, **SEED), HOLED, Y),
    "GradientBoostingClassifier, binary": lambda: fitted(clone(CLASSIFIERS[3]), X, BINARY),
    "GradientBoostingRegressor, quantile": lambda: fitted(
        ensemble.GradientBoostingRegressor(loss="quantile", n_estimators=5, **SEED), X, PRICE
    ),
    "HistGradientBoostingClassifier, gaps": lambda: fitted(boosted(), HOLED, Y),
    "HistGradientBoostingClassifier, gaps in a frame": lambda: fitted(boosted(), HOLED_NUMBERS, NAMED),
    "HistGradientBoostingRegressor, poisson": lambda: fitted(boosted("Regressor", loss="poisson"), X, AMOUNT),
    "HistGradientBoostingRegressor, quantile": lambda: fitted(
        boosted("Regressor", loss="quantile", quantile=0.9), X, PRICE
    ),
    "HistGradientBoostingClassifier, from_dtype": lambda: fitted(boosted(categorical_features="from_dtype"), GRADED, Y),
    "HistGradientBoostingRegressor, from_dtype with bools": lambda: fitted(
        boosted("Regressor", categorical_features="from_dtype"),
        TABLE.astype({"city": "category"}),
        PRICE,
    ),
    "HistGradientBoostingRegressor, whole numbers as categories": lambda: fitted(
        boosted("Regressor", categorical_features=[0, 2]), COUNTS, PRICE
    ),
    "HistGradientBoostingRegressor, categories of whole numbers": lambda: fitted(
        boosted("Regressor", categorical_features="from_dtype"),
        NUMBERS.assign(code=COUNTS[:, 0]).astype({"code": "category"}),
        PRICE,
    ),
    "HistGradientBoostingClassifier, monotonic": lambda: fitted(boosted(monotonic_cst=[1, 0, 0, -1, 0, 0]), X, BINARY),
    "CalibratedClassifierCV, isotonic forests": lambda: fitted(
        calibration.CalibratedClassifierCV(clone(CLASSIFIERS[5]), method="isotonic", cv=3), X, NAMED
    ),
    "CalibratedClassifierCV, temperature": lambda: fitted(
        calibration.CalibratedClassifierCV(LOGISTIC, method="temperature", cv=3), X, Y
    ),
    "StackingClassifier, with its rows": lambda: fitted(
        ensemble.StackingClassifier(MODEL, LOGISTIC, passthrough=True), NUMBERS, NAMED
    ),
    "VotingClassifier, soft": lambda: fitted(ensemble.VotingClassifier(MODEL, voting="soft"), X, NAMED),
    "VotingClassifier, hard names": lambda: fitted(ensemble.VotingClassifier(MODEL), X, NAMED),
    "GridSearchCV, of a forest with gaps": lambda: fitted(
        model_selection.GridSearchCV(clone(CLASSIFIERS[5]), {"max_depth": [2, 3]}, cv=3), HOLED_NUMBERS, NAMED
    ),
    "TransformedTargetRegressor, log": lambda: fitted(
        TransformedTargetRegressor(RIDGE, func=np.log1p, inverse_func=np.expm1), X, AMOUNT
    ),
    "OneVsRestClassifier, several labels": lambda: fitted(multiclass.OneVsRestClassifier(LOGISTIC), X, MULTI),
}
