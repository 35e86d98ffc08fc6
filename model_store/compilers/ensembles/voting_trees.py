"""AdaBoost of scikit-learn, and bagging of single trees."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, class_path, refuse
from model_store.compilers.compositions.responses import answer, labels
from model_store.compilers.compositions.voting import turned
from model_store.compilers.ensembles import adding, fitted
from model_store.compilers.numeric.common import chosen, classified
from model_store.trees.packing import TreeArrays

_TWO = 2


def _ada_classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    if estimator.n_classes_ < _TWO:
        refuse("it knows one class only")
    are_trees = all(class_path(each) in fitted.CLASSIFIERS for each in estimator.estimators_)
    decision = (_by_trees if are_trees else _by_others)(compilation, estimator, rows)
    return (_ada_two if estimator.n_classes_ == _TWO else _ada_several)(compilation, estimator, decision)


def _by_trees(compilation: Compilation, estimator: Any, rows: Value) -> Value:
    rows = _twice_checked(compilation, estimator, rows)
    sums = adding.Sums(np.zeros(estimator.n_classes_), over=float(estimator.estimator_weights_.sum()))
    return adding.summed(compilation, rows, _votes(estimator), sums)


def _by_others(compilation: Compilation, estimator: Any, rows: Value) -> Value:
    rows = compilation.numbers(rows)
    said = [labels(compilation.compile(each, rows), each) for each in estimator.estimators_]
    arrays = {"labels": estimator.classes_, "weights": estimator.estimator_weights_}
    known: dict[str, Any] = {"form": "matrix", "width": estimator.n_classes_, "dtype": "float64"}
    return compilation.add("boosted_votes", *said, arrays=arrays, **known)


def _ada_two(compilation: Compilation, estimator: Any, votes: Value) -> Methods:
    decision = compilation.add("second_less_first", votes, form="vector", width=1)
    half = compilation.add("opposites", compilation.add("over", decision, settings={"by": 2}), form="matrix", width=2)
    shares = compilation.add("softmax", compilation.add("by_column", half))
    return {**classified(compilation, decision, estimator.classes_), "predict_proba": shares}


def _ada_several(compilation: Compilation, estimator: Any, decision: Value) -> Methods:
    less = compilation.add("over", decision, settings={"by": estimator.n_classes_ - 1})
    shares = compilation.add("softmax", compilation.add("by_column", less))
    return {**classified(compilation, decision, estimator.classes_), "predict_proba": shares}


def _votes(estimator: Any) -> Iterator[TreeArrays]:
    """Yield trees that say their weight for the class that they predict, and less than nothing for the others."""
    classes = estimator.classes_
    for each, weight in zip(estimator.estimators_, estimator.estimator_weights_, strict=False):
        predicted = each.classes_.take(np.argmax(fitted.answers(each), axis=1))
        votes = np.where(predicted[:, np.newaxis] == classes, weight, -1 / (len(classes) - 1) * weight)
        yield fitted.tree(each.tree_, votes)


def _ada_regressor(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    are_trees = all(class_path(each) in fitted.REGRESSORS for each in estimator.estimators_)
    each = (_said_by_trees if are_trees else _said_by_others)(compilation, estimator, rows)
    weights = {"weights": estimator.estimator_weights_}
    return {"predict": compilation.add("weighted_median", each, arrays=weights, form="vector", width=1)}


def _said_by_trees(compilation: Compilation, estimator: Any, rows: Value) -> Value:
    rows = _twice_checked(compilation, estimator, rows)
    trees = [fitted.tree(each.tree_, fitted.answers(each)) for each in estimator.estimators_]
    return adding.answered(compilation, rows, trees)


def _said_by_others(compilation: Compilation, estimator: Any, rows: Value) -> Value:
    rows = compilation.numbers(rows)
    return turned(compilation, [answer(compilation.compile(each, rows), "predict") for each in estimator.estimators_])


def _twice_checked(compilation: Compilation, estimator: Any, rows: Value) -> Value:
    """Return rows as trees take them, after AdaBoost has refused NaN and infinity in the rows that it gets."""
    rows = compilation.matrix(rows)
    if rows.dtype in ("float32", "float64"):
        rows = compilation.floats(rows)
    return fitted.rows(compilation, rows, estimator.estimators_[0])


def bagging_classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    """Compile bagging of trees that all know all classes. Raises NotCompiled for all else."""
    fitted.check_all(estimator.estimators_, fitted.CLASSIFIERS)
    shares = _bagged(compilation, estimator, rows, adding.Sums(np.zeros(estimator.n_classes_)))
    return {"predict": chosen(compilation, shares, estimator.classes_), "predict_proba": shares}


def bagging_regressor(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    """Compile bagging of regression trees. Raises NotCompiled for all else."""
    fitted.check_all(estimator.estimators_, fitted.REGRESSORS)
    outputs = estimator.estimators_[0].n_outputs_
    return {"predict": _bagged(compilation, estimator, rows, adding.Sums(np.zeros(outputs), flat=outputs == 1))}


def _bagged(compilation: Compilation, estimator: Any, rows: Value, sums: adding.Sums) -> Value:
    """Add the mean of trees; each sees features of its own, and all refuse NaN and infinity in those that they see."""
    if estimator.n_jobs not in (None, 1):
        refuse("it adds its trees in several parts: set n_jobs=1")
    seen, columns = np.unique(np.concatenate(estimator.estimators_features_)), estimator.estimators_features_
    rows = compilation.matrix(rows)
    if len(seen) < rows.width:
        rows = compilation.add("pick", rows, arrays={"columns": seen}, width=len(seen))
    rows = fitted.rows(compilation, rows, estimator.estimators_[0])
    if {fitted.answers(each).shape[1] for each in estimator.estimators_} != {len(sums.base)}:
        refuse("its trees do not all know all classes")
    trees = (
        fitted.tree(each.tree_, fitted.answers(each), np.searchsorted(seen, own))
        for each, own in zip(estimator.estimators_, columns, strict=True)
    )
    return adding.summed(compilation, rows, trees, adding.Sums(sums.base, over=len(columns), flat=sums.flat))


COMPILERS: Mapping[str, Compiler] = {
    "sklearn.ensemble._weight_boosting.AdaBoostClassifier": _ada_classifier,
    "sklearn.ensemble._weight_boosting.AdaBoostRegressor": _ada_regressor,
}
