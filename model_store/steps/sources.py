"""Where values begin: the rows of a batch."""

from collections.abc import Mapping, Sequence

import numpy as np

from model_store.batch import Array, Batch
from model_store.missing import numbers
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run


def _matrix(step: Step) -> Run:
    """Make the batch's numbers as one array (rows, columns), which lie in memory as scikit-learn would get them.

    Whole numbers of columns with gaps become ``dtype``, and the gaps NaN; ``names`` are those of the columns then.
    """
    by_column, dtype = step.settings.get("order", "C") == "F", step.settings.get("dtype")
    names = [str(name) for name in step.settings.get("names", ())]

    def run(batch: Batch) -> Array:
        made = batch.matrix
        if made is None:
            made = _stacked(batch, names)
        if dtype:
            made = made.astype(dtype)
        return np.asfortranarray(made) if by_column else made

    return run


def _stacked(batch: Batch, names: Sequence[str]) -> Array:
    if not names or batch.columns is None:
        raise ValueError("the rows are no plain numbers")
    return np.ascontiguousarray(np.column_stack([numbers(batch.columns[name]) for name in names]))


def _column(step: Step) -> Run:
    """Make one column of the batch, a 1-D array as the batch holds it."""
    place, name = int(step.settings["place"]), str(step.settings["name"])

    def run(batch: Batch) -> Array:
        if batch.matrix is not None:
            values: Array = batch.matrix[:, place]
            return values
        return (batch.columns or {})[name]

    return run


BUILDERS: Mapping[str, Builder] = {"matrix": _matrix, "column": _column}
