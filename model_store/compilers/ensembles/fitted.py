"""Single fitted trees of scikit-learn, read into arrays, and what their estimators refuse."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.compilers.compilation import Compilation, Value, class_path, refuse
from model_store.trees.packing import TreeArrays

CLASSIFIERS = frozenset({"sklearn.tree._classes.DecisionTreeClassifier", "sklearn.tree._classes.ExtraTreeClassifier"})
REGRESSORS = frozenset({"sklearn.tree._classes.DecisionTreeRegressor", "sklearn.tree._classes.ExtraTreeRegressor"})


def tree(fitted: Any, values: Array, columns: Array | None = None) -> TreeArrays:
    """Return a ``sklearn.tree._tree.Tree`` with other values: an array (nodes, columns) of float64.

    ``columns`` are the places in the rows of the features that it was fitted on, if they are not the same.
    """
    feature = fitted.feature
    return TreeArrays(
        left=fitted.children_left,
        right=fitted.children_right,
        feature=feature if columns is None else np.where(feature < 0, feature, columns[np.maximum(feature, 0)]),
        threshold=fitted.threshold,
        missing_left=fitted.missing_go_to_left,
        values=values,
    )


def answers(estimator: Any) -> Array:
    """Return what a fitted tree says at each of its nodes, an array (nodes, columns) of float64.

    Those are the shares of the classes, those of several outputs after each other, or a number for each output.
    """
    value: Array = estimator.tree_.value
    if class_path(estimator) in REGRESSORS:
        return value[:, :, 0]
    counts = np.atleast_1d(estimator.n_classes_)
    parts = [value[:, output, :count] for output, count in enumerate(counts)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def check_all(estimators: Sequence[Any], known: frozenset[str]) -> None:
    """Raise NotCompiled unless there are estimators, all of the same known class."""
    kinds = {class_path(estimator) for estimator in estimators}
    if len(kinds) != 1 or not kinds <= known:
        refuse(f"its estimators are {', '.join(sorted(kinds)) or 'none'}")


def rows(compilation: Compilation, given: Value, estimator: Any) -> Value:
    """Return rows as a fitted tree takes them: float32, refusing infinity, and NaN if its ``predict`` does."""
    nan = bool(estimator.__sklearn_tags__().input_tags.allow_nan)
    return compilation.floats(given, nan=nan, dtype="float32")
