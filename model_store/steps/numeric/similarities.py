"""How alike rows are to known points."""

from collections.abc import Callable, Mapping

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run

Kernel = Callable[[Array], Array]


def _similarity(step: Step) -> Run:
    """Return the kernel ``name`` of rows and ``points`` (points, columns): linear, polynomial, sigmoid or rbf."""
    points = step.arrays["points"]
    return _KERNELS[str(step.settings["name"])](step, points.T if step.settings.get("turned") else points)


def _linear(_step: Step, points: Array) -> Kernel:
    return lambda values: np.asarray(values @ points.T)


def _polynomial(step: Step, points: Array) -> Kernel:
    gamma, plus, degree = step.settings["gamma"], step.settings["coef0"], step.settings["degree"]

    def run(values: Array) -> Array:
        found: Array = values @ points.T
        found *= gamma
        found += plus
        found **= degree
        return found

    return run


def _sigmoid(step: Step, points: Array) -> Kernel:
    gamma, plus = step.settings["gamma"], step.settings["coef0"]

    def run(values: Array) -> Array:
        found: Array = values @ points.T
        found *= gamma
        found += plus
        np.tanh(found, found)
        return found

    return run


def _rbf(step: Step, points: Array) -> Kernel:
    gamma, distances = step.settings["gamma"], _squared_distances(points)

    def run(values: Array) -> Array:
        found = distances(values)
        found *= -gamma
        np.exp(found, found)
        return found

    return run


def _squared_distances(points: Array) -> Kernel:
    lengths = np.einsum("ij,ij->i", points, points)[None, :]

    def run(values: Array) -> Array:
        found: Array = -2 * (values @ points.T)
        found += np.einsum("ij,ij->i", values, values)[:, None]
        found += lengths
        np.maximum(found, 0, found)
        return found

    return run


def _distances(step: Step) -> Run:
    """Return the Euclidean distances of rows and ``points`` (points, columns)."""
    points = step.arrays["points"]
    squared = _squared_distances(points.T if step.settings.get("turned") else points)
    return lambda values: np.sqrt(squared(values))


_AT_ONCE = 256
"""Rows that scikit-learn multiplies at once."""


def _nearest_centre(step: Step) -> Run:
    """Return the number, int32, of the nearest of ``points`` (points, columns): the first of several.

    A row alone is multiplied as one of two: BLAS multiplies a matrix and a vector in another order.
    """
    points = step.arrays["points"]
    points = points.T if step.settings.get("turned") else points
    lengths = np.einsum("ij,ij->i", points, points)

    def nearest(values: Array) -> Array:
        several = np.repeat(values, 2, axis=0) if len(values) == 1 else values
        found = lengths + -2 * (several @ points.T)
        return np.asarray(found[: len(values)].argmin(axis=1))

    def run(values: Array) -> Array:
        pieces = [nearest(values[start : start + _AT_ONCE]) for start in range(0, len(values), _AT_ONCE)]
        return np.concatenate(pieces).astype(np.int32)

    return run


_KERNELS = {"linear": _linear, "polynomial": _polynomial, "poly": _polynomial, "sigmoid": _sigmoid, "rbf": _rbf}

BUILDERS: Mapping[str, Builder] = {
    "similarity": _similarity,
    "distances": _distances,
    "nearest_centre": _nearest_centre,
}
