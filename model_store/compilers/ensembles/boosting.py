"""Gradient boosting of scikit-learn: trees that are added to what the initial estimator says."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, class_path, refuse
from model_store.compilers.ensembles import adding, fitted
from model_store.compilers.numeric.common import both, chosen, function
from model_store.trees.packing import TreeArrays

_CONSTANT = frozenset({"sklearn.dummy.DummyClassifier", "sklearn.dummy.DummyRegressor"})


def _classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    decision = _raw(compilation, estimator, rows)
    loss = type(estimator._loss).__name__  # noqa: SLF001 - public names do not tell how it answers
    if loss not in _LOSSES:
        refuse(f"its loss {loss} is not known")
    labels = chosen(compilation, decision, estimator.classes_, or_equal=True)
    return {"predict": labels, "decision_function": decision, "predict_proba": _LOSSES[loss](compilation, decision)}


def _binomial(compilation: Compilation, decision: Value) -> Value:
    return both(compilation, function(compilation, decision, "expit"))


def _exponential(compilation: Compilation, decision: Value) -> Value:
    return _binomial(compilation, compilation.add("over", decision, settings={"by": 0.5}))


def _multinomial(compilation: Compilation, decision: Value) -> Value:
    return compilation.add("softmax", decision)


_LOSSES = {"HalfBinomialLoss": _binomial, "ExponentialLoss": _exponential, "HalfMultinomialLoss": _multinomial}
"""How a loss makes probabilities of decisions."""


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
