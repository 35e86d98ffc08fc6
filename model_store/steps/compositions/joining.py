"""Answers of several estimators put together."""

from collections.abc import Mapping

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run


def _turned(_step: Step) -> Run:
    """Make (rows, vectors) of vectors, each of which stays in one piece in memory."""

    def run(*vectors: Array) -> Array:
        return np.asarray(vectors).T

    return run


def _reshaped(step: Step) -> Run:
    """Give an array another ``shape``, whose -1 stands for the rows."""
    shape = tuple(map(int, step.settings["shape"]))

    def run(values: Array) -> Array:
        return values.reshape(shape)

    return run


def _in_columns(step: Step) -> Run:
    """Put the columns of a matrix at ``places`` of a wider one (``width``) that is 0 elsewhere."""
    places, width = step.arrays["places"], int(step.settings["width"])

    def run(values: Array) -> Array:
        made = np.zeros((len(values), width))
        made[:, places] = values
        return made

    return run


def _chained(step: Step) -> Run:
    """Put vectors to the right of a matrix, as the first of ``width`` columns that lie in memory row by row."""
    width = int(step.settings["width"])

    def run(values: Array, *vectors: Array) -> Array:
        right = np.zeros((len(values), width))
        for place, vector in enumerate(vectors):
            right[:, place] = vector
        return np.hstack((values, right[:, : len(vectors)]))

    return run


def _gathered(step: Step) -> Run:
    """Make one matrix of float64 of vectors; ``places`` says which vector each column is."""
    places = step.arrays["places"]

    def run(*vectors: Array) -> Array:
        made = np.empty((len(vectors[0]), len(vectors)))
        for column, place in enumerate(places.tolist()):
            made[:, column] = vectors[place]
        return made

    return run


BUILDERS: Mapping[str, Builder] = {
    "turned": _turned,
    "reshaped": _reshaped,
    "in_columns": _in_columns,
    "chained": _chained,
    "gathered": _gathered,
}
