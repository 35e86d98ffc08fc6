"""Linear and logistic models of scikit-learn."""

from collections.abc import Mapping
from typing import Any

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse


def _decision(compilation: Compilation, estimator: Any, rows: Value) -> Value:
    """Add ``X @ coef_.T + intercept_``, of shape (rows,) for two classes."""
    rows = compilation.floats(rows)
    arrays = {"weights": estimator.coef_, "plus": estimator.intercept_}
    flat = estimator.coef_.shape[0] == 1
    form = "vector" if flat else "matrix"
    settings = {"turned": True, "flat": flat}
    return compilation.add("dot", rows, arrays=arrays, settings=settings, form=form, width=estimator.coef_.shape[0])


def _logistic(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    if estimator.solver == "liblinear":
        refuse("one-against-rest")
    decision = _decision(compilation, estimator, rows)
    kind = "above" if decision.form == "vector" else "most"
    labels = compilation.add(kind, decision, arrays={"labels": estimator.classes_}, form="vector")
    shares = compilation.add("softmax", decision, form="matrix", width=len(estimator.classes_))
    return {"predict": labels, "predict_proba": shares, "decision_function": decision}


COMPILERS: Mapping[str, Compiler] = {"sklearn.linear_model._logistic.LogisticRegression": _logistic}
