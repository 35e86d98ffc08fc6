"""Gradient boosting of scikit-learn: trees that are added to what the initial estimator says."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, class_path, refuse
from model_store.compilers.ensembles import adding, fitted
from model_store.trees.packing import TreeArrays

_CONSTANT = frozenset({"sklearn.dummy.DummyClassifier", "sklearn.dummy.DummyRegressor"})
_LOSSES = {"HalfBinomialLoss": 1.0, "ExponentialLoss": 2.0}
"""By what the decision is multiplied before the logistic function."""


def _classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    decision = _raw(compilation, estimator, rows)
    labels = {"labels": estimator.classes_}
    if decision.form == "matrix":
        chosen = compilation.add("most", decision, arrays=labels, form="vector", width=1)
        return {"predict": chosen, "decision_function": decision, **_several(compilation, estimator, decision)}
    chosen = compilation.add("above", decision, arrays=labels, settings={"or_equal": True})
    times = _LOSSES[type(estimator._loss).__name__]  # noqa: SLF001 - public names do not tell how it answers
    pair = compilation.add("pair", decision, settings={"times": times}, form="matrix", width=2)
    return {"predict": chosen, "decision_function": decision, "predict_proba": pair}


def _several(compilation: Compilation, estimator: Any, decision: Value) -> Methods:
    if type(estimator._loss).__name__ != "HalfMultinomialLoss":  # noqa: SLF001
        refuse("its loss is not known")
    return {"predict_proba": compilation.add("softmax", decision)}


def _regressor(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return {"predict": _raw(compilation, estimator, rows)}


def _raw(compilation: Compilation, estimator: Any, rows: Value) -> Value:
    fitted.check_all(estimator.estimators_.ravel().tolist(), frozenset({"sklearn.tree._classes.DecisionTreeRegressor"}))
    rows = compilation.floats(rows, dtype="float32")
    base = _base(estimator, rows.width)
    return adding.summed(compilation, rows, _trees(estimator), adding.Sums(base, flat=len(base) == 1))


def _base(estimator: Any, width: int) -> Array:
    """Return what is said before the first tree: the same for all rows."""
    if estimator.init_ != "zero" and class_path(estimator.init_) not in _CONSTANT:
        refuse("its initial estimator does not say the same for all rows")
    if getattr(estimator.init_, "strategy", "") in ("stratified", "uniform"):
        refuse("its initial estimator draws by chance")
    said: Array = estimator._raw_predict_init(np.zeros((1, width), np.float32))[0]  # noqa: SLF001 - depends on the loss
    return said


def _trees(estimator: Any) -> Iterator[TreeArrays]:
    for each in estimator.estimators_.ravel():
        yield fitted.tree(each.tree_, estimator.learning_rate * fitted.answers(each))


COMPILERS: Mapping[str, Compiler] = {
    "sklearn.ensemble._gb.GradientBoostingClassifier": _classifier,
    "sklearn.ensemble._gb.GradientBoostingRegressor": _regressor,
}
