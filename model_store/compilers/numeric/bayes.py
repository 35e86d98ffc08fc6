"""Classifiers of densities: naive Bayes, discriminant analysis."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse
from model_store.compilers.numeric.common import both, chosen, classified, function, stored, weighed
from model_store.compilers.numeric.linear_models import decision
from model_store.compilers.numeric.scalers import binarised


def _gaussian(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    rows = compilation.numbers(rows)
    arrays = {"means": estimator.theta_, "variances": estimator.var_, "shares": estimator.class_prior_}
    dtype = np.result_type(np.dtype(rows.dtype), *arrays.values()).name
    densities = compilation.add("gaussian", rows, arrays=arrays, width=len(estimator.classes_), dtype=dtype)
    return _naive(compilation, estimator, densities)


def _multinomial(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    rows = compilation.numbers(rows)
    logs, shares = estimator.feature_log_prob_, estimator.class_log_prior_
    return _naive(compilation, estimator, weighed(compilation, rows, logs.T, plus=shares))


def _complement(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    if len(estimator.classes_) == 1:
        refuse("there is one class alone")
    rows = compilation.numbers(rows)
    return _naive(compilation, estimator, weighed(compilation, rows, estimator.feature_log_prob_.T))


def _bernoulli(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    rows = compilation.numbers(rows)
    if estimator.binarize is not None:
        rows = binarised(compilation, rows, estimator.binarize)
    if not estimator.feature_log_prob_.flags.c_contiguous:
        refuse("its numbers lie in memory in another order")
    arrays = {"logs": estimator.feature_log_prob_, "shares": estimator.class_log_prior_}
    dtype = np.result_type(np.dtype(rows.dtype), np.float64).name
    densities = compilation.add("bernoulli", rows, arrays=arrays, width=len(estimator.classes_), dtype=dtype)
    return _naive(compilation, estimator, densities)


def _naive(compilation: Compilation, estimator: Any, densities: Value) -> Methods:
    shares = compilation.add("log_sum_shares", densities)
    return {"predict": chosen(compilation, densities, estimator.classes_), "predict_proba": shares}


def _linear_discriminant(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    scores = decision(compilation, estimator, rows)
    if scores.form == "vector":
        shares = both(compilation, function(compilation, scores, "expit"))
    else:
        shares = compilation.add("softmax", scores)
    methods = {**classified(compilation, scores, estimator.classes_), "predict_proba": shares}
    if estimator.solver == "lsqr":
        return methods
    moved = compilation.numbers(rows)
    if estimator.solver == "svd":
        dtype = np.result_type(np.dtype(moved.dtype), estimator.xbar_.dtype).name
        moved = compilation.add("scale", moved, arrays={"minus": estimator.xbar_}, dtype=dtype)
    projected = weighed(compilation, moved, estimator.scalings_)
    kept = min(int(estimator._max_components), projected.width)  # noqa: SLF001 - it is said nowhere else
    span = compilation.add("span", projected, settings={"start": 0, "stop": kept}, width=kept)
    return {**methods, "transform": span}


def _quadratic_discriminant(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    arrays = {"means": estimator.means_, "shares": estimator.priors_}
    kept = [stored(rotations) for rotations in estimator.rotations_]
    arrays |= {f"rotations_{i}": rotations for i, (rotations, _) in enumerate(kept)}
    arrays |= {f"scalings_{i}": scalings for i, scalings in enumerate(estimator.scalings_)}
    scores = compilation.add(
        "quadratic",
        compilation.numbers(rows),
        arrays=arrays,
        settings={"turned": [turned for _, turned in kept]},
        dtype="float64",
        width=len(estimator.classes_),
    )
    two = len(estimator.classes_) == 2  # noqa: PLR2004 - two classes are one score
    return {
        "predict": chosen(compilation, scores, estimator.classes_),
        "predict_proba": compilation.add("normal_shares", scores),
        "decision_function": compilation.add("difference", scores, form="vector", width=1) if two else scores,
    }


COMPILERS: Mapping[str, Compiler] = {
    "sklearn.naive_bayes.GaussianNB": _gaussian,
    "sklearn.naive_bayes.MultinomialNB": _multinomial,
    "sklearn.naive_bayes.ComplementNB": _complement,
    "sklearn.naive_bayes.BernoulliNB": _bernoulli,
    "sklearn.discriminant_analysis.LinearDiscriminantAnalysis": _linear_discriminant,
    "sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis": _quadratic_discriminant,
}
