"""Single trees and forests of scikit-learn, which answer the mean of their trees."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value
from model_store.compilers.ensembles import adding, fitted


def _tree_classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return _classified(compilation, estimator, _one_tree(compilation, estimator, rows))


def _tree_regressor(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return {"predict": _one_tree(compilation, estimator, rows, flat=estimator.n_outputs_ == 1)}


def _one_tree(compilation: Compilation, estimator: Any, rows: Value, *, flat: bool = False) -> Value:
    rows = fitted.rows(compilation, rows, estimator)
    return adding.answered(compilation, rows, [fitted.tree(estimator.tree_, fitted.answers(estimator))], flat=flat)


def _forest_classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    fitted.check_all(estimator.estimators_, fitted.CLASSIFIERS)
    base = np.zeros(int(np.sum(estimator.n_classes_)))
    return _classified(compilation, estimator, _mean(compilation, estimator, rows, adding.Sums(base)))


def _forest_regressor(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    fitted.check_all(estimator.estimators_, fitted.REGRESSORS)
    outputs = estimator.n_outputs_
    return {"predict": _mean(compilation, estimator, rows, adding.Sums(np.zeros(outputs), flat=outputs == 1))}


def _mean(compilation: Compilation, estimator: Any, rows: Value, sums: adding.Sums) -> Value:
    trees = estimator.estimators_
    rows = fitted.rows(compilation, rows, trees[0])
    read = (fitted.tree(each.tree_, fitted.answers(each)) for each in trees)
    return adding.summed(compilation, rows, read, replace(sums, over=len(trees)))


def _classified(compilation: Compilation, estimator: Any, shares: Value) -> Methods:
    named = adding.probabilities(compilation, estimator, shares)
    return {"predict": adding.labelled(compilation, estimator, shares), **named}


def _embedding(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    """Answer a column for each leaf, in the order in which the one-hot encoder has them."""
    fitted.check_all(estimator.estimators_, frozenset({"sklearn.tree._classes.ExtraTreeRegressor"}))
    rows = fitted.rows(compilation, rows, estimator.estimators_[0])
    ends = np.cumsum([len(known) for known in estimator.one_hot_encoder_.categories_])
    trees = [
        fitted.tree(each.tree_, _columns(each.tree_.node_count, known) + (end - len(known)))
        for each, known, end in zip(estimator.estimators_, estimator.one_hot_encoder_.categories_, ends, strict=True)
    ]
    columns = adding.answered(compilation, rows, trees)
    width = int(ends[-1])
    return {"transform": compilation.add("indicators", columns, settings={"width": width}, form="sparse", width=width)}


def _columns(nodes: int, known: Any) -> Any:
    columns = np.zeros((nodes, 1))
    columns[known, 0] = np.arange(len(known))
    return columns


COMPILERS: Mapping[str, Compiler] = {
    "sklearn.tree._classes.DecisionTreeClassifier": _tree_classifier,
    "sklearn.tree._classes.DecisionTreeRegressor": _tree_regressor,
    "sklearn.tree._classes.ExtraTreeClassifier": _tree_classifier,
    "sklearn.tree._classes.ExtraTreeRegressor": _tree_regressor,
    "sklearn.ensemble._forest.RandomForestClassifier": _forest_classifier,
    "sklearn.ensemble._forest.RandomForestRegressor": _forest_regressor,
    "sklearn.ensemble._forest.ExtraTreesClassifier": _forest_classifier,
    "sklearn.ensemble._forest.ExtraTreesRegressor": _forest_regressor,
    "sklearn.ensemble._forest.RandomTreesEmbedding": _embedding,
}
