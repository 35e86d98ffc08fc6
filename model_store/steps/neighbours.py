"""What the nearest known rows say of a row."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from model_store.batch import Array
from model_store.nearest.points import Points
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run


class Near(NamedTuple):
    """For each row the ``places`` of the nearest points (rows, points), and what each weighs; None if all the same."""

    places: Array
    weights: Array | None


def _nearest(step: Step) -> Run:
    """Find the ``count`` points nearest to each row; they weigh one over their distance if they are ``weighed``.

    ``refusing`` refuses rows whose points all weigh nothing.
    """
    settings = step.settings
    metric, power, first = str(settings["metric"]), float(settings["power"]), int(settings["first"])
    points, count = Points(step.arrays, metric=metric, power=power, first=first), int(settings["count"])
    weighed, refusing = bool(settings["weighed"]), bool(settings.get("refusing"))

    def run(rows: Array) -> Near:
        distances, places = points.search(rows, count)
        weights = _weights(distances) if weighed else None
        if refusing and weights is not None and not weights.any(axis=1).all():
            raise ValueError(_NOTHING)
        return Near(places, weights)

    return run


_NOTHING = (
    "All neighbors of some sample is getting zero weights. Please modify 'weights' to avoid this case if you are using "
    "a user-defined function."
)
"""The words of scikit-learn."""


def _weights(distances: Array) -> Array:
    """Return one over each distance; where that is infinite, 1 for such points of the row and 0 for the others."""
    with np.errstate(divide="ignore", over="ignore"):
        weights: Array = 1.0 / distances
    at_once = np.isinf(weights)
    rows = at_once.any(axis=1)
    weights[rows] = at_once[rows]
    return weights


def _votes(step: Step) -> Run:
    """Add up for each of ``width`` labels what the points weigh that have it; ``labels`` are numbers from 0."""
    labels, width = step.arrays["labels"], int(step.settings["width"])

    def run(near: Near) -> Array:
        height = len(near.places)
        cells = labels[near.places] + width * np.arange(height)[:, np.newaxis]
        weights = None if near.weights is None else near.weights.ravel()
        votes = np.bincount(cells.ravel(), weights, height * width).astype(np.float64)
        return votes.reshape(height, width)

    return run


def _votes_by_label(step: Step) -> Run:
    """Add up the same with the other labels' zeros in between, as scikit-learn does to find the greatest."""
    labels, every = step.arrays["labels"], np.arange(int(step.settings["width"]))

    def run(near: Near) -> Array:
        said, weights = labels[near.places], 1.0 if near.weights is None else near.weights
        return np.stack([np.where(said == label, weights, 0.0).sum(axis=1) for label in every], axis=1)

    return run


def _mean_of_nearest(step: Step) -> Run:
    """Return the mean of what the points say, weighed; ``values`` are (points, outputs), stored turned if ``turned``.

    A vector if ``flat``.
    """
    values, flat = step.arrays["values"], bool(step.settings["flat"])
    values = values.T if step.settings.get("turned") else values

    def run(near: Near) -> Array:
        if near.weights is None:
            found = np.mean(values[near.places], axis=1)
        else:
            found = _weighed(values, near.places, near.weights)
        return np.asarray(found.ravel() if flat else found)

    return run


def _weighed(values: Array, places: Array, weights: Array) -> Array:
    total, made = np.sum(weights, axis=1), np.empty((len(places), values.shape[1]))
    with np.errstate(invalid="ignore"):
        for output in range(values.shape[1]):
            made[:, output] = np.sum(values[places, output] * weights, axis=1) / total
    return made


BUILDERS: Mapping[str, Builder] = {
    "nearest": _nearest,
    "votes_of_nearest": _votes,
    "votes_by_label": _votes_by_label,
    "mean_of_nearest": _mean_of_nearest,
}
