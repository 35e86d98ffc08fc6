"""Isolation forests of scikit-learn: how deep rows fall in random trees."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value
from model_store.compilers.ensembles import adding, fitted
from model_store.trees.packing import TreeArrays

_FEW, _TWO = 1, 2


def _isolation(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    fitted.check_all(estimator.estimators_, frozenset({"sklearn.tree._classes.ExtraTreeRegressor"}))
    rows = compilation.cast(rows, "float32")
    depths = adding.summed(compilation, rows, _trees(estimator), adding.Sums(np.zeros(1), flat=True))
    over = len(estimator.estimators_) * _average_path(estimator._max_samples)  # noqa: SLF001 - of the fit
    scores = compilation.add("anomaly", depths, settings={"over": float(over)})
    decision = compilation.add("minus", scores, settings={"number": float(estimator.offset_)})
    labels = {"labels": np.array([-1, 1])}
    inliers = compilation.add("above", decision, arrays=labels, settings={"or_equal": True})
    return {"score_samples": scores, "decision_function": decision, "predict": inliers}


def _trees(estimator: Any) -> Iterator[TreeArrays]:
    """Yield trees that say the depth of a leaf, and how many more splits would part the rows that it held."""
    all_features = estimator._max_features == estimator.n_features_in_  # noqa: SLF001 - decides what trees see
    columns = [None if all_features else features for features in estimator.estimators_features_]
    for each, own, depths, more in zip(
        estimator.estimators_,
        columns,
        estimator._decision_path_lengths,  # noqa: SLF001 - the very numbers that it adds
        estimator._average_path_length_per_tree,  # noqa: SLF001
        strict=True,
    ):
        yield fitted.tree(each.tree_, (depths + more - 1.0)[:, np.newaxis], own)


def _average_path(rows: int) -> Any:
    """Return the average number of splits that find one of so many rows in a random tree."""
    if rows <= _FEW:
        return 0.0
    if rows == _TWO:
        return 1.0
    number = np.array([rows])
    return (2.0 * (np.log(number - 1.0) + np.euler_gamma) - 2.0 * (number - 1.0) / number)[0]


COMPILERS: Mapping[str, Compiler] = {"sklearn.ensemble._iforest.IsolationForest": _isolation}
