"""Bagging of any estimators, each of which sees some of the columns."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model_store.compilers.compilation import Compilation, Compiler, Methods, NotCompiled, Value, refuse
from model_store.compilers.compositions.responses import answer, labels
from model_store.compilers.ensembles import voting_trees

_Compiled = Sequence[tuple[Any, Methods]]


def _classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    try:
        return voting_trees.bagging_classifier(compilation, estimator, rows)
    except NotCompiled:
        return _of_any(compilation, estimator, _each(compilation, estimator, rows))


def _regressor(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    try:
        return voting_trees.bagging_regressor(compilation, estimator, rows)
    except NotCompiled:
        found = [answer(compiled, "predict") for _, compiled in _each(compilation, estimator, rows)]
        return {"predict": compilation.add("sum", *found, settings={"over": len(found)})}


def _each(compilation: Compilation, estimator: Any, rows: Value) -> _Compiled:
    if estimator.n_jobs not in (None, 1):
        refuse("it adds its estimators in several parts: set n_jobs=1")
    rows = compilation.matrix(rows)
    return [
        (each, compilation.compile(each, _seen(compilation, rows, places)))
        for each, places in zip(estimator.estimators_, estimator.estimators_features_, strict=True)
    ]


def _seen(compilation: Compilation, rows: Value, places: Any) -> Value:
    known: Mapping[str, Any] = {"width": len(places), "finite": rows.finite}
    return compilation.add("pick", rows, arrays={"columns": np.asarray(places)}, **known)


def _of_any(compilation: Compilation, estimator: Any, compiled: _Compiled) -> Methods:
    shares = _mean_shares(compilation, estimator, compiled)
    chosen = compilation.add("most", shares, arrays={"labels": estimator.classes_}, form="vector")
    found = {"predict": chosen, "predict_proba": shares}
    if all("decision_function" in methods for _, methods in compiled):
        decisions = [methods["decision_function"] for _, methods in compiled]
        found["decision_function"] = compilation.add("sum", *decisions, settings={"over": len(decisions)})
    return found


def _mean_shares(compilation: Compilation, estimator: Any, compiled: _Compiled) -> Value:
    width, settings = int(estimator.n_classes_), {"over": len(compiled)}
    if not hasattr(compiled[0][0], "predict_proba"):
        votes = [labels(methods, each) for each, methods in compiled]
        return compilation.add("counted", *votes, settings={**settings, "width": width}, form="matrix", width=width)
    shares = [_widened(compilation, answer(methods, "predict_proba"), each, width) for each, methods in compiled]
    return compilation.add("float_sum", *shares, settings=settings, dtype="float64")


def _widened(compilation: Compilation, shares: Value, estimator: Any, width: int) -> Value:
    """Return the shares of all classes, where a classifier has not seen some of them."""
    if len(estimator.classes_) == width:
        return shares
    arrays = {"places": np.asarray(estimator.classes_)}
    return compilation.add("in_columns", shares, arrays=arrays, settings={"width": width}, width=width)


COMPILERS: Mapping[str, Compiler] = {
    "sklearn.ensemble._bagging.BaggingClassifier": _classifier,
    "sklearn.ensemble._bagging.BaggingRegressor": _regressor,
}
