"""Networks of layers, and answers that hardly look at the rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse
from model_store.compilers.numeric.common import both, chosen, function, weighed

_ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "logistic": "expit", "exp": "exp"}


def _activated(compilation: Compilation, values: Value, name: str) -> Value:
    if name == "identity":
        return values
    if name == "softmax":
        return compilation.add("softmax", values)
    return function(compilation, values, _ACTIVATIONS[name])


def _layers(compilation: Compilation, estimator: Any, rows: Value) -> Value:
    """Add all layers; one output is a vector."""
    values, last = compilation.numbers(rows), len(estimator.coefs_) - 1
    for i, (weights, plus) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True)):
        values = weighed(compilation, values, weights, plus=plus, flat=i == last and weights.shape[1] == 1)
        values = _activated(compilation, values, estimator.out_activation_ if i == last else estimator.activation)
    return values


def _network_classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    binarizer = estimator._label_binarizer  # noqa: SLF001 - it is said nowhere else
    if binarizer.y_type_ not in ("binary", "multiclass"):
        refuse("several labels a row")
    shares = _layers(compilation, estimator, rows)
    half = (binarizer.pos_label + binarizer.neg_label) / 2.0
    labels = chosen(compilation, shares, binarizer.classes_, than=half)
    return {"predict": labels, "predict_proba": both(compilation, shares) if shares.form == "vector" else shares}


def _network_regressor(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return {"predict": _layers(compilation, estimator, rows)}


def _dummy_classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    strategy = estimator._strategy  # noqa: SLF001 - it is said nowhere else
    if estimator.n_outputs_ != 1 or estimator.sparse_output_ or strategy not in ("most_frequent", "prior", "constant"):
        refuse(f"several outputs, or the strategy {strategy}")
    shares, classes = np.asarray(estimator.class_prior_, np.float64), estimator.classes_
    label = np.ravel(estimator.constant)[:1] if strategy == "constant" else classes[[shares.argmax()]]
    if strategy != "prior":
        shares = (classes == label).astype(np.float64)
    return {"predict": _always(compilation, rows, label[0]), "predict_proba": _always(compilation, rows, shares)}


def _dummy_regressor(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    answer = np.asarray(estimator.constant_)[0]
    return {"predict": _always(compilation, rows, answer[0] if estimator.n_outputs_ == 1 else answer)}


def _always(compilation: Compilation, rows: Value, answer: Any) -> Value:
    given = rows.columns[0] if rows.form == "frame" else rows
    if given.form == "sparse":
        refuse("sparse rows")
    answer = np.asarray(answer)
    form, width = ("matrix", len(answer)) if answer.ndim else ("vector", 1)
    return compilation.add(
        "always",
        given,
        arrays={"answer": answer},
        form=form,
        width=width,
        dtype="object" if answer.dtype.kind in "OUS" else answer.dtype.name,
    )


def _isotonic(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    x, y = estimator.X_thresholds_, estimator.y_thresholds_
    if len(x) < 2 or x.dtype != np.float64 or y.dtype != np.float64:  # noqa: PLR2004 - a line has two ends
        refuse("a single point, or points of float32")
    rows = compilation.floats(rows, dtype="float64")
    if rows.width != 1:
        refuse("several columns")
    settings = {"outside": estimator.out_of_bounds}
    found = compilation.add("isotonic", rows, arrays={"x": x, "y": y}, settings=settings, form="vector", width=1)
    return {"predict": found, "transform": found}


COMPILERS: Mapping[str, Compiler] = {
    "sklearn.neural_network._multilayer_perceptron.MLPClassifier": _network_classifier,
    "sklearn.neural_network._multilayer_perceptron.MLPRegressor": _network_regressor,
    "sklearn.dummy.DummyClassifier": _dummy_classifier,
    "sklearn.dummy.DummyRegressor": _dummy_regressor,
    "sklearn.isotonic.IsotonicRegression": _isotonic,
}
