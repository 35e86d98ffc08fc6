"""Histogram gradient boosting of scikit-learn: float64 thresholds, and categories of its own."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse
from model_store.compilers.ensembles import adding
from model_store.compilers.numeric.common import both, classified, function
from model_store.trees.packing import TreeArrays, category_sets

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
    """Return rows as float64, the categories first and as numbers from 0; NaN and infinity are fine."""
    hidden = estimator._preprocessor  # noqa: SLF001 - a step that the estimator keeps to itself
    return compilation.cast(rows if hidden is None else compilation.compile(hidden, rows)["transform"], "float64")


def _trees(estimator: Any) -> Iterator[TreeArrays]:
    known, place = estimator._bin_mapper.make_known_categories_bitsets()  # noqa: SLF001 - no public method tells
    for each in estimator._predictors:  # noqa: SLF001 - the public methods answer no arrays
        for predictor in each:
            yield _tree(predictor, known, place)


def _tree(predictor: Any, known: Array, place: Array) -> TreeArrays:
    """Return a tree; ``known`` are the categories of training, those of feature f in the row ``place[f]``."""
    nodes = predictor.nodes
    is_leaf, by_category = nodes["is_leaf"].astype(bool), nodes["is_categorical"].astype(bool)
    sets = nodes[by_category]
    left = predictor.raw_left_cat_bitsets[sets["bitset_idx"]]
    return TreeArrays(
        left=np.where(is_leaf, -1, nodes["left"].astype(np.int64)),
        right=np.where(is_leaf, -1, nodes["right"].astype(np.int64)),
        feature=nodes["feature_idx"],
        threshold=nodes["num_threshold"],
        missing_left=nodes["missing_go_to_left"],
        values=nodes["value"][:, np.newaxis],
        set_number=np.where(by_category, np.cumsum(by_category) - 1, -1),
        sets=category_sets(left, known[place[sets["feature_idx"]]], sets["missing_go_to_left"]),
    )


COMPILERS: Mapping[str, Compiler] = {
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier": _classifier,
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingRegressor": _regressor,
}
