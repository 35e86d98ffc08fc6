"""Linear models of scikit-learn: regressors, classifiers, and what puts a function on top of the sum."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse
from model_store.compilers.numeric.common import both, chosen, classified, function, scaled, weighed

_MODULE = "sklearn.linear_model"


def _sum(compilation: Compilation, estimator: Any, rows: Value) -> Value:
    return weighed(compilation, rows, estimator.coef_.T, plus=estimator.intercept_)


def _regression(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return {"predict": _sum(compilation, estimator, compilation.numbers(rows))}


def _stochastic_regression(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    rows = compilation.numbers(rows)
    return {"predict": weighed(compilation, rows, estimator.coef_, plus=estimator.intercept_, flat=True)}


def _with_link(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    link = type(estimator._base_loss.link).__name__  # noqa: SLF001 - it is said nowhere else
    found = _sum(compilation, estimator, compilation.floats(rows))
    if link == "LogLink":
        found = function(compilation, found, "exp")
    elif link != "IdentityLink":
        refuse(f"its link is {link}")
    return {"predict": found}


def _consensus(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return {"predict": compilation.compile(estimator.estimator_, rows)["predict"]}


def decision(compilation: Compilation, estimator: Any, rows: Value) -> Value:
    """Add ``X @ coef_.T + intercept_`` for a classifier, of shape (rows,) for two classes."""
    flat = estimator.coef_.ndim == 1 or estimator.coef_.shape[0] == 1
    return weighed(compilation, compilation.numbers(rows), estimator.coef_.T, plus=estimator.intercept_, flat=flat)


def _classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return classified(compilation, decision(compilation, estimator, rows), estimator.classes_)


def _ridge_classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    if estimator._label_binarizer.y_type_.startswith("multilabel"):  # noqa: SLF001 - it is said nowhere else
        refuse("several labels a row")
    return _classifier(compilation, estimator, rows)


def _one_against_rest(compilation: Compilation, scores: Value) -> Value:
    shares = function(compilation, scores, "expit")
    return both(compilation, shares) if shares.form == "vector" else compilation.add("proportions", shares)


def _logistic(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    scores = decision(compilation, estimator, rows)
    if len(estimator.classes_) <= 2:  # noqa: PLR2004 - two classes are one score
        shares = _one_against_rest(compilation, scores)
    else:
        shares = compilation.add("softmax", scores)
    return {**classified(compilation, scores, estimator.classes_), "predict_proba": shares}


def _stochastic(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    methods = _classifier(compilation, estimator, rows)
    scores = methods["decision_function"]
    if estimator.loss == "log_loss":
        return {**methods, "predict_proba": _one_against_rest(compilation, scores)}
    if estimator.loss != "modified_huber":
        return methods
    number = np.dtype(scores.dtype).type
    within = compilation.add("clip", scores, arrays={"least": np.array(number(-1)), "most": np.array(number(1))})
    halves = {"plus": np.array(number(1))}, {"by": np.array(number(2))}
    for arrays in halves:
        within = scaled(compilation, within, **arrays)
    shares = both(compilation, within) if within.form == "vector" else compilation.add("proportions", within)
    return {**methods, "predict_proba": shares}


def _one_class(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    rows = compilation.numbers(rows)
    scores = weighed(compilation, rows, estimator.coef_, plus=-estimator.offset_, flat=True)
    inside = chosen(compilation, scores, np.array([-1, 1], np.int32), or_equal=True)
    moved = compilation.add("scale", scores, arrays={"plus": np.asarray(estimator.offset_)})
    return {"predict": inside, "decision_function": scores, "score_samples": moved}


_REGRESSORS = (
    "_base.LinearRegression",
    "_ridge.Ridge",
    "_ridge.RidgeCV",
    "_coordinate_descent.Lasso",
    "_coordinate_descent.LassoCV",
    "_coordinate_descent.ElasticNet",
    "_coordinate_descent.ElasticNetCV",
    "_coordinate_descent.MultiTaskLasso",
    "_coordinate_descent.MultiTaskLassoCV",
    "_coordinate_descent.MultiTaskElasticNet",
    "_coordinate_descent.MultiTaskElasticNetCV",
    "_least_angle.Lars",
    "_least_angle.LarsCV",
    "_least_angle.LassoLars",
    "_least_angle.LassoLarsCV",
    "_least_angle.LassoLarsIC",
    "_omp.OrthogonalMatchingPursuit",
    "_omp.OrthogonalMatchingPursuitCV",
    "_bayes.BayesianRidge",
    "_bayes.ARDRegression",
    "_huber.HuberRegressor",
    "_theil_sen.TheilSenRegressor",
    "_quantile.QuantileRegressor",
)

COMPILERS: Mapping[str, Compiler] = {
    **{f"{_MODULE}.{name}": _regression for name in _REGRESSORS},
    "sklearn.svm._classes.LinearSVR": _regression,
    f"{_MODULE}._stochastic_gradient.SGDRegressor": _stochastic_regression,
    f"{_MODULE}._passive_aggressive.PassiveAggressiveRegressor": _stochastic_regression,
    f"{_MODULE}._glm.glm.PoissonRegressor": _with_link,
    f"{_MODULE}._glm.glm.GammaRegressor": _with_link,
    f"{_MODULE}._glm.glm.TweedieRegressor": _with_link,
    f"{_MODULE}._ransac.RANSACRegressor": _consensus,
    f"{_MODULE}._logistic.LogisticRegression": _logistic,
    f"{_MODULE}._logistic.LogisticRegressionCV": _logistic,
    f"{_MODULE}._ridge.RidgeClassifier": _ridge_classifier,
    f"{_MODULE}._ridge.RidgeClassifierCV": _ridge_classifier,
    f"{_MODULE}._stochastic_gradient.SGDClassifier": _stochastic,
    f"{_MODULE}._stochastic_gradient.SGDOneClassSVM": _one_class,
    f"{_MODULE}._perceptron.Perceptron": _classifier,
    f"{_MODULE}._passive_aggressive.PassiveAggressiveClassifier": _classifier,
    "sklearn.svm._classes.LinearSVC": _classifier,
}
