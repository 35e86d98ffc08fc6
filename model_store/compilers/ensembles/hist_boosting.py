"""Histogram gradient boosting of scikit-learn: float64 thresholds, and categories of its own."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse
from model_store.compilers.ensembles import adding
from model_store.trees.packing import TreeArrays

_CATEGORIES = 255
_LINKS = {"IdentityLink": None, "LogLink": "exp"}


def _classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    decision = _raw(compilation, estimator, rows)
    labels = {"labels": estimator.classes_}
    if type(estimator._loss).__name__ not in ("HalfBinomialLoss", "HalfMultinomialLoss"):  # noqa: SLF001
        refuse("its loss is not known")
    if decision.form == "matrix":
        by_column = compilation.add("by_column", decision)
        shares = compilation.add("softmax", by_column)
        chosen = compilation.add("most", decision, arrays=labels, form="vector", width=1)
    else:
        shares = compilation.add("pair", decision, form="matrix", width=2)
        chosen = compilation.add("above", decision, arrays=labels)
    return {"predict": chosen, "decision_function": decision, "predict_proba": shares}


def _regressor(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    raw = _raw(compilation, estimator, rows)
    name = _LINKS[type(estimator._loss.link).__name__]  # noqa: SLF001 - public names do not tell how it answers
    return {"predict": compilation.add("function", raw, settings={"name": name}) if name else raw}


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
