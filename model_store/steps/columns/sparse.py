"""Matrices of few numbers that are not zero."""

from collections.abc import Mapping

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.checks import check_finite
from model_store.steps.step import Builder, Run, Sparse


def _dense(_step: Step) -> Run:
    """Make a 2-D array of a sparse matrix."""

    def run(sparse: Sparse) -> Array:
        made = np.zeros((sparse.height, sparse.width), sparse.values.dtype)
        made[sparse.rows, sparse.columns] = sparse.values
        return made

    return run


def _sparse_beside(step: Step) -> Run:
    """Set matrices side by side, sparse ones and others, as one sparse matrix of ``dtype``."""
    dtype = np.dtype(str(step.settings["dtype"]))

    def run(*parts: Sparse | Array) -> Sparse:
        sparse = [part if isinstance(part, Sparse) else _without_zeros(part) for part in parts]
        widths = np.cumsum([part.width for part in sparse]).tolist()
        rows = np.concatenate([part.rows for part in sparse])
        columns = np.concatenate([part.columns + end - part.width for part, end in zip(sparse, widths, strict=True)])
        values = np.concatenate([part.values for part in sparse]).astype(dtype, copy=False)
        order = np.argsort(rows, kind="stable")
        return Sparse(sparse[0].height, widths[-1], rows[order], columns[order], values[order])

    return run


def _without_zeros(values: Array) -> Sparse:
    rows, columns = np.nonzero(values)
    height, width = values.shape
    return Sparse(height, width, rows, columns, values[rows, columns])


def _sparse_dot(step: Step) -> Run:
    """Do what ``dot`` does with the columns of a sparse matrix, added in their order, as SciPy does.

    ``weights`` are stored (outputs, columns), or (columns,) if there is one output.
    """
    weights, plus = np.atleast_2d(step.arrays["weights"]), step.arrays.get("plus")
    flat = bool(step.settings.get("flat", False))

    def run(sparse: Sparse) -> Array:
        rows, columns, values, height = sparse.rows, sparse.columns, sparse.values, sparse.height
        sums = [np.bincount(rows, values * row[columns], height).astype(np.float64, copy=False) for row in weights]
        found: Array = sums[0] if flat else np.stack(sums, axis=1)
        return found if plus is None else found + plus

    return run


def _sparse_times(step: Step) -> Run:
    """Multiply all numbers by one, ``by``, or those of each column by one of ``times``."""
    times, factor = step.arrays.get("times"), float(step.settings.get("by", 1.0))

    def run(sparse: Sparse) -> Sparse:
        return sparse._replace(values=sparse.values * (factor if times is None else times[sparse.columns]))

    return run


def _sparse_pick(step: Step) -> Run:
    """Take the ``columns``, whose places ascend, of a sparse matrix ``width`` wide."""
    columns, width = step.arrays["columns"], int(step.settings["width"])
    places = np.full(width, -1)
    places[columns] = np.arange(len(columns))

    def run(sparse: Sparse) -> Sparse:
        found = places[sparse.columns]
        there = found >= 0
        return Sparse(sparse.height, len(columns), sparse.rows[there], found[there], sparse.values[there])

    return run


def _sparse_finite(_step: Step) -> Run:
    """Pass a sparse matrix through; raise ValueError for NaN and infinity."""

    def run(sparse: Sparse) -> Sparse:
        check_finite(sparse.values)
        return sparse

    return run


BUILDERS: Mapping[str, Builder] = {
    "dense": _dense,
    "sparse_finite": _sparse_finite,
    "sparse_pick": _sparse_pick,
    "sparse_beside": _sparse_beside,
    "sparse_dot": _sparse_dot,
    "sparse_times": _sparse_times,
}
