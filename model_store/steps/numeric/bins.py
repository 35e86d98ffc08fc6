"""Numbers put into bins."""

from collections.abc import Mapping

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run, Sparse

_FEW = 4096
"""Comparisons that are done at once rather than column by column."""


def _bins(step: Step) -> Run:
    """Return how many of its column's edges each number has reached, in the dtype of the numbers.

    ``edges`` (columns, edges) ascend, and infinity follows where a column has fewer.
    """
    edges = step.arrays["edges"]
    inner = [row[np.isfinite(row)] for row in edges]

    def run(values: Array) -> Array:
        if values.shape[0] * edges.size <= _FEW:
            reached = np.count_nonzero(values[:, :, None] >= edges, axis=2)
            return np.asarray(reached, values.dtype)
        found = np.empty_like(values)
        for j, known in enumerate(inner):
            found[:, j] = np.searchsorted(known, values[:, j], side="right")
        return found

    return run


def _ones(step: Step) -> Run:
    """Make a matrix of ``width`` columns, with a one at each number plus its column's ``offsets``."""
    offsets, width = step.arrays["offsets"], int(step.settings["width"])

    def run(values: Array) -> Array:
        made = np.zeros((len(values), width), values.dtype)
        made[np.arange(len(values))[:, None], values.astype(np.intp) + offsets] = 1
        return made

    return run


def _sparse_ones(step: Step) -> Run:
    """Make the ones alone of what ``ones`` makes."""
    offsets, width = step.arrays["offsets"], int(step.settings["width"])

    def run(values: Array) -> Sparse:
        places = (values.astype(np.intp) + offsets).ravel()
        rows = np.repeat(np.arange(len(values)), values.shape[1])
        return Sparse(len(values), width, rows, places, np.ones(len(places), values.dtype))

    return run


BUILDERS: Mapping[str, Builder] = {"bins": _bins, "ones": _ones, "sparse_ones": _sparse_ones}
