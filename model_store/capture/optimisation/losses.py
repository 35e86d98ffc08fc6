"""What each row of a holdout loses, so that two estimators can be compared row by row."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.errors import BadSample

_LEAST = 1e-15
"""Probabilities are held above, so that one certain mistake does not lose infinitely much."""

RowLosses = Callable[[Any, Any, Array], Array]
"""Takes an estimator, rows and their targets, and returns what each row loses, float64 of shape (rows,)."""


def default_metric(task: str) -> str:
    """Return the metric of a task that the owner names none for."""
    return "accuracy" if task == "classifier" else "r2"


def row_losses(metric: str, estimator: Any, rows: Any, targets: Array) -> Array:
    """Return what each row loses: their mean is how far the metric is from its best. Raises BadSample."""
    try:
        losses = _LOSSES[metric](estimator, rows, targets)
    except (AttributeError, TypeError, ValueError, KeyError) as error:
        raise BadSample(f"{metric} cannot be measured on the holdout: {type(error).__name__}: {error}") from error
    if losses.shape != (len(targets),) or not np.isfinite(losses).all():
        raise BadSample(f"{metric} cannot be measured on the holdout: rows and targets do not fit, or have gaps")
    return losses


def _accuracy(estimator: Any, rows: Any, targets: Array) -> Array:
    wrong: Array = np.asarray(estimator.predict(rows)) != targets
    return wrong.astype(np.float64)


def _log_loss(estimator: Any, rows: Any, targets: Array) -> Array:
    places = {label: place for place, label in enumerate(np.asarray(estimator.classes_).tolist())}
    columns = np.array([places[label] for label in targets.tolist()], dtype=np.intp)
    shares = np.asarray(estimator.predict_proba(rows), dtype=np.float64)[np.arange(len(columns)), columns]
    return np.asarray(-np.log(np.maximum(shares, _LEAST)))


def _squared(estimator: Any, rows: Any, targets: Array) -> Array:
    """Return squared errors over the targets' variance: their mean is 1 - R²."""
    errors = np.square(np.asarray(estimator.predict(rows), dtype=np.float64) - targets)
    return np.asarray(errors / targets.astype(np.float64).var())


def _absolute(estimator: Any, rows: Any, targets: Array) -> Array:
    return np.abs(np.asarray(estimator.predict(rows), dtype=np.float64) - targets)


_LOSSES: Mapping[str, RowLosses] = {
    "accuracy": _accuracy,
    "log_loss": _log_loss,
    "r2": _squared,
    "mean_absolute_error": _absolute,
}
