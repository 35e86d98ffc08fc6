"""From numbers to labels."""

from collections.abc import Mapping

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run


def _most(step: Step) -> Run:
    """Return the label of the greatest number in each row; ``labels`` has one for each column."""
    labels = step.arrays["labels"]

    def run(values: Array) -> Array:
        chosen: Array = labels[values.argmax(axis=1)]
        return chosen

    return run


def _above(step: Step) -> Run:
    """Return the second of two ``labels`` where a number is greater than ``than``, or ``or_equal``, else the first."""
    labels, than = step.arrays["labels"], float(step.settings.get("than", 0.0))
    compare = np.greater_equal if step.settings.get("or_equal") else np.greater

    def run(values: Array) -> Array:
        chosen: Array = labels[compare(values, than).astype(np.intp)]
        return chosen

    return run


BUILDERS: Mapping[str, Builder] = {"most": _most, "above": _above}


def makes_texts(step: Step) -> bool:
    """Return whether a step answers one str for each row, as an object array, and nothing else."""
    labels = step.arrays.get("labels")
    if step.kind not in BUILDERS or labels is None or labels.dtype != object:
        return False
    return all(type(label) is str for label in labels.tolist())
