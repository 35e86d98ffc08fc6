"""Classifiers whose scores become probabilities, or labels by a threshold."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, class_path, refuse
from model_store.compilers.compositions.responses import asked, nth_column, score
from model_store.compilers.numeric.common import both

_SCORES = ("decision_function", "predict_proba")
_TWO = 2


def _calibrated(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    shares = [_of_one(compilation, each, rows) for each in estimator.calibrated_classifiers_]
    settings = {"over": len(shares)}
    mean = compilation.add("float_sum", *shares, settings=settings, dtype="float64", width=len(estimator.classes_))
    chosen = compilation.add("most", mean, arrays={"labels": estimator.classes_}, form="vector")
    return {"predict": chosen, "predict_proba": mean}


def _of_one(compilation: Compilation, calibrated: Any, rows: Value) -> Value:
    inner = calibrated.estimator
    method = asked(inner, _SCORES)
    found = score(compilation, compilation.compile(inner, rows), inner, method)
    if calibrated.method == "temperature":
        return _softened(compilation, calibrated, found, method)
    places = np.searchsorted(calibrated.classes, inner.classes_)
    if len(calibrated.classes) == _TWO:
        return _of_two(compilation, calibrated, found)
    if found.form != "matrix":
        refuse("a calibrated classifier of several classes scores two")
    columns = [
        _adjusted(compilation, each, nth_column(compilation, found, i)) for i, each in enumerate(calibrated.calibrators)
    ]
    settings = {"width": len(calibrated.classes)}
    known: Mapping[str, Any] = {"form": "matrix", "width": len(calibrated.classes), "dtype": "float64"}
    return compilation.add("calibrated", *columns, arrays={"places": places}, settings=settings, **known)


def _of_two(compilation: Compilation, calibrated: Any, found: Value) -> Value:
    if found.form != "vector" or len(calibrated.calibrators) != 1:
        refuse("a calibrated classifier of two classes does not score one")
    second = _adjusted(compilation, calibrated.calibrators[0], found)
    return compilation.add("calibrated_two", second, form="matrix", width=_TWO, dtype="float64")


def _adjusted(compilation: Compilation, calibrator: Any, found: Value) -> Value:
    kind = class_path(calibrator)
    if kind == "sklearn.calibration._SigmoidCalibration":
        arrays = {"slope": np.asarray(calibrator.a_), "offset": np.asarray(calibrator.b_)}
        return compilation.add("platt", found, arrays=arrays, dtype="float64")
    if kind != "sklearn.isotonic.IsotonicRegression" or calibrator.out_of_bounds != "clip":
        refuse(f"{kind} calibrates")
    arrays = {"x": calibrator.X_thresholds_, "y": calibrator.y_thresholds_}
    settings = {"least": float(calibrator.X_min_), "most": float(calibrator.X_max_)}
    return compilation.add("interpolated", found, arrays=arrays, settings=settings, dtype=arrays["x"].dtype.name)


def _softened(compilation: Compilation, calibrated: Any, found: Value, method: str) -> Value:
    if found.form == "vector" and method == "predict_proba":
        found = both(compilation, found)
    arrays = {"slope": np.asarray(calibrated.calibrators[0].beta_)}
    scaled = compilation.add("logits", found, arrays=arrays, form="matrix", width=len(calibrated.classes))
    return compilation.add("capped", compilation.add("softmax", scaled))


def _by_fixed_threshold(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    inner = getattr(estimator, "estimator_", estimator.estimator)
    method = asked(inner, _threshold_methods(estimator))
    than = estimator.threshold
    if isinstance(than, str):
        than = 0.5 if method == "predict_proba" else 0.0
    return _by_threshold(compilation, (inner, method), rows, than, estimator.pos_label)


def _by_tuned_threshold(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    inner = estimator.estimator_
    method = asked(inner, _threshold_methods(estimator))
    positive = estimator._curve_scorer._get_pos_label()  # noqa: SLF001 - nothing else says it
    return _by_threshold(compilation, (inner, method), rows, estimator.best_threshold_, positive)


def _threshold_methods(estimator: Any) -> Sequence[str]:
    if estimator.response_method == "auto":
        return "predict_proba", "decision_function"
    return (estimator.response_method,)


def _by_threshold(
    compilation: Compilation, scoring: tuple[Any, str], rows: Value, than: float, positive: Any
) -> Methods:
    inner, method = scoring
    compiled = compilation.compile(inner, rows)
    found = score(compilation, compiled, inner, method, positive)
    labels = inner.classes_ if positive is None else _positive_last(inner.classes_, positive)
    settings = {"than": float(than), "or_equal": True}
    chosen = compilation.add("above", found, arrays={"labels": labels}, settings=settings, form="vector")
    kept = {name: compiled[name] for name in _SCORES if name in compiled}
    return {"predict": chosen, **kept}


def _positive_last(classes: Any, positive: Any) -> Any:
    return classes[[int(np.flatnonzero(classes != positive)[0]), int(np.flatnonzero(classes == positive)[0])]]


COMPILERS: Mapping[str, Compiler] = {
    "sklearn.calibration.CalibratedClassifierCV": _calibrated,
    "sklearn.model_selection._classification_threshold.FixedThresholdClassifier": _by_fixed_threshold,
    "sklearn.model_selection._classification_threshold.TunedThresholdClassifierCV": _by_tuned_threshold,
}
