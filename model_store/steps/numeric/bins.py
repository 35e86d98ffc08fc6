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

    def run(values: Array) -> Array:
        found = np.empty_like(values)  # which lies in memory as the numbers do
        found[:] = reached(values, edges)
        return found

    return run


def reached(values: Array, edges: Array) -> Array:
    """Return how many of its column's edges (columns, edges) each finite number has reached, as intp."""
    if len(values) * edges.size <= _FEW:
        at_once: Array = np.add.reduce(values >= edges.T[:, np.newaxis, :], axis=0, dtype=np.intp)
        return at_once
    found = np.empty(values.shape, np.intp)
    for j, known in enumerate(edges):
        found[:, j] = np.searchsorted(known, values[:, j], side="right")
    return found


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
