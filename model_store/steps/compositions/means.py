"""Sums and means of several estimators' answers, added in the order that scikit-learn adds them in."""

from collections.abc import Mapping

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run


def _sum(step: Step) -> Run:
    """Add values from left to right to 0, and divide by ``over``."""
    over = int(step.settings["over"])

    def run(*values: Array) -> Array:
        total: Array = 0 + values[0]
        for value in values[1:]:
            total = total + value
        return total / over

    return run


def _float_sum(step: Step) -> Run:
    """Add matrices from left to right to zeros of float64, and divide by ``over``."""
    over = int(step.settings["over"])

    def run(*values: Array) -> Array:
        total = np.zeros(values[0].shape)
        for value in values:
            total += value
        total /= over
        return total

    return run


def _average(step: Step) -> Run:
    """Return the mean of matrices, weighted if there are ``weights``, one each."""
    weights = step.arrays.get("weights")

    def run(*values: Array) -> Array:
        mean: Array = np.average(np.asarray(values), axis=0, weights=weights)
        return mean

    return run


def _column_average(step: Step) -> Run:
    """Return the mean of each row, weighted if there are ``weights``, one for each column."""
    weights = step.arrays.get("weights")

    def run(values: Array) -> Array:
        mean: Array = np.average(values, axis=1, weights=weights)
        return mean

    return run


BUILDERS: Mapping[str, Builder] = {
    "sum": _sum,
    "float_sum": _float_sum,
    "average": _average,
    "column_average": _column_average,
}
