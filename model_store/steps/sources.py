"""Where values begin: the rows of a batch."""

from collections.abc import Mapping

import numpy as np

from model_store.batch import Array, Batch
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run


def _matrix(step: Step) -> Run:
    """Make the batch's numbers as one array (rows, columns), which lie in memory as scikit-learn would get them."""
    by_column = step.settings.get("order", "C") == "F"

    def run(batch: Batch) -> Array:
        if batch.matrix is None:
            raise ValueError("the rows are no plain numbers")
        return np.asfortranarray(batch.matrix) if by_column else batch.matrix

    return run


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
