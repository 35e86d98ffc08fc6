"""Histogram gradient boosting of scikit-learn: float64 thresholds, and categories of its own."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse
from model_store.compilers.ensembles import adding
from model_store.compilers.numeric.common import both, classified, function
from model_store.trees.packing import TreeArrays

_CATEGORIES = 255
_LINKS = {"IdentityLink": None, "LogLink": "exp"}


def _classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    decision = _raw(compilation, estimator, rows)
    loss = type(estimator._loss).__name__  # noqa: SLF001 - public names do not tell how it answers
    if loss == "HalfBinomialLoss":
        shares = both(compilation, function(compilation, decision, "expit"))
    elif loss == "HalfMultinomialLoss":
        shares = compilation.add("softmax", compilation.add("by_column", decision))
    else:
        refuse(f"its loss {loss} is not known")
    return {**classified(compilation, decision, estimator.classes_), "predict_proba": shares}


def _regressor(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    raw = _raw(compilation, estimator, rows)
    name = _LINKS[type(estimator._loss.link).__name__]  # noqa: SLF001 - public names do not tell how it answers
    return {"predict": function(compilation, raw, name) if name else raw}


def _raw(compilation: Compilation, estimator: Any, rows: Value) -> Value:
    rows = _rows(compilation, estimator, rows)
    base = np.zeros(estimator.n_trees_per_iteration_) + estimator._baseline_prediction.ravel()  # noqa: SLF001
    return adding.summed(compilation, rows, _trees(estimator), adding.Sums(base, flat=len(base) == 1))


def _rows(compilation: Compilation, estimator: Any, rows: Value) -> Value:
    """Return rows as float64, the categories first, as numbers of their own; NaN and infinity are fine."""
    if estimator._preprocessor is None:  # noqa: SLF001 - a hidden step of the estimator
        return compilation.cast(rows, "float64")
    return refuse("categories")


def _trees(estimator: Any) -> Iterator[TreeArrays]:
    for each in estimator._predictors:  # noqa: SLF001 - the public methods answer no arrays
        for predictor in each:
            yield _tree(predictor)


def _tree(predictor: Any) -> TreeArrays:
    nodes = predictor.nodes
    is_leaf = nodes["is_leaf"].astype(bool)
    return TreeArrays(
        left=np.where(is_leaf, -1, nodes["left"].astype(np.int64)),
        right=np.where(is_leaf, -1, nodes["right"].astype(np.int64)),
        feature=nodes["feature_idx"],
        threshold=nodes["num_threshold"],
        missing_left=nodes["missing_go_to_left"],
        values=nodes["value"][:, np.newaxis],
        sets=None,
    )


COMPILERS: Mapping[str, Compiler] = {
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier": _classifier,
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingRegressor": _regressor,
}
