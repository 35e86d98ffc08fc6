"""Values put together in other ways."""

from collections.abc import Mapping

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run


def _stack(step: Step) -> Run:
    """Make one array (rows, columns) of vectors, column by column in memory, as NumPy makes one of a DataFrame."""
    dtype = np.dtype(str(step.settings["dtype"]))

    def run(*vectors: Array) -> Array:
        made = np.empty((len(vectors), len(vectors[0])), dtype)
        with np.errstate(over="ignore"):
            for row, vector in zip(made, vectors, strict=True):
                row[:] = vector
        return made.T

    return run


def _by_column(_step: Step) -> Run:
    """Lay an array out column by column in memory: NumPy adds along its rows in another order then."""
    return np.asfortranarray


def _by_row(_step: Step) -> Run:
    """Lay an array out row by row in memory."""
    return np.ascontiguousarray


def _span(step: Step) -> Run:
    """Take the columns from ``start`` up to ``stop``."""
    columns = slice(int(step.settings["start"]), int(step.settings["stop"]))
    return lambda values: values[:, columns]


def _pick(step: Step) -> Run:
    """Take the ``columns``, in their order."""
    columns = step.arrays["columns"]
    return lambda values: values[:, columns]


def _side_by_side(_step: Step) -> Run:
    """Make one array of vectors, a column each."""

    def run(*vectors: Array) -> Array:
        return np.stack(vectors, axis=1)

    return run


BUILDERS: Mapping[str, Builder] = {
    "stack": _stack,
    "by_column": _by_column,
    "by_row": _by_row,
    "span": _span,
    "pick": _pick,
    "side_by_side": _side_by_side,
}
