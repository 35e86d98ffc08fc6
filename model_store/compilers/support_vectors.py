"""Support vector machines of scikit-learn that LIBSVM fitted."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse

_KERNELS = frozenset({"linear", "poly", "rbf", "sigmoid"})
_TWO = 2


def _similarity(compilation: Compilation, estimator: Any, rows: Value) -> Value:
    if not isinstance(estimator.kernel, str) or estimator.kernel not in _KERNELS:
        refuse("a kernel that is none of LIBSVM's own")
    if not isinstance(estimator.support_vectors_, np.ndarray):
        refuse("it was fitted on sparse rows")
    settings = {
        "kernel": estimator.kernel,
        "gamma": float(estimator._gamma),  # noqa: SLF001 - "scale" and "auto" as numbers
        "coef0": float(estimator.coef0),
        "degree": int(estimator.degree),
    }
    vectors = estimator.support_vectors_
    known: Mapping[str, Any] = {"form": "matrix", "dtype": "float64", "width": len(vectors)}
    checked = compilation.floats(rows, dtype="float64")
    return compilation.add("in_common", checked, arrays={"vectors": vectors}, settings=settings, **known)


def _learnt(estimator: Any) -> dict[str, Array]:
    """Return weights (machines or classes - 1, vectors) and what is added, with the signs that LIBSVM has."""
    return {"weights": estimator._dual_coef_, "plus": estimator._intercept_}  # the public ones are turned


def _single(compilation: Compilation, estimator: Any, rows: Value) -> Value:
    similar = _similarity(compilation, estimator, rows)
    arrays = {name: array[0] for name, array in _learnt(estimator).items()}
    return compilation.add("machine", similar, arrays=arrays, form="vector", width=1)


def _regressor(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    return {"predict": _single(compilation, estimator, rows)}


def _one_class(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    decision = _single(compilation, estimator, rows)
    chosen = compilation.add("above", decision, arrays={"labels": np.array([-1, 1])}, form="vector", dtype="int64")
    score = compilation.add("scale", decision, arrays={"plus": np.asarray(estimator.offset_)})
    return {"predict": chosen, "decision_function": decision, "score_samples": score}


def _classifier(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    similar = _similarity(compilation, estimator, rows)
    width = len(estimator.classes_)
    arrays = {**_learnt(estimator), "counts": np.asarray(estimator.n_support_)}
    pairs = compilation.add("machines", similar, arrays=arrays, width=width * (width - 1) // 2)
    decision = _decision(compilation, estimator, pairs)
    labels = {"labels": estimator.classes_}
    by_number = estimator.break_ties and width > _TWO
    chosen = compilation.add(
        "most" if by_number else "voted", decision if by_number else pairs, arrays=labels, form="vector"
    )
    return {"predict": chosen, "decision_function": decision, **_probabilities(compilation, estimator, pairs)}


def _decision(compilation: Compilation, estimator: Any, pairs: Value) -> Value:
    width = len(estimator.classes_)
    if width == _TWO:
        turned = compilation.add("each", pairs, settings={"name": "negative"})
        return compilation.add("reshaped", turned, settings={"shape": [-1]}, form="vector", width=1)
    if estimator.decision_function_shape == "ovr":
        return compilation.add("against_rest", pairs, settings={"width": width}, width=width)
    return pairs


def _probabilities(compilation: Compilation, estimator: Any, pairs: Value) -> Methods:
    if not estimator.probability:
        return {}
    width = len(estimator.classes_)
    slopes, offsets = estimator._probA, estimator._probB  # noqa: SLF001 - to read the public ones warns
    arrays = {"slopes": slopes, "offsets": offsets}
    return {"predict_proba": compilation.add("coupled", pairs, arrays=arrays, settings={"width": width}, width=width)}


COMPILERS: Mapping[str, Compiler] = {
    "sklearn.svm._classes.SVC": _classifier,
    "sklearn.svm._classes.NuSVC": _classifier,
    "sklearn.svm._classes.SVR": _regressor,
    "sklearn.svm._classes.NuSVR": _regressor,
    "sklearn.svm._classes.OneClassSVM": _one_class,
}
