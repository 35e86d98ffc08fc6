"""From what trees answer to what ensembles of them answer."""

from collections.abc import Mapping

import numpy as np

from model_store.batch import Array
from model_store.extension.numbers import exp
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run, Sparse


def _opposites(_step: Step) -> Run:
    """Make two columns of a vector: its numbers with the other sign, and its numbers."""
    return lambda values: np.stack([-values, values], axis=1)


def _second_less_first(_step: Step) -> Run:
    """Subtract the first of two columns from the second."""
    return lambda values: values[:, 1] - values[:, 0]


_ZERO = float(np.float32(1e-35))
"""Numbers that are no farther from zero are zeros for LightGBM."""


def _prepared_for_lightgbm(step: Step) -> Run:
    """Cut off the fractions of the columns ``truncated``, and make zeros of those ``zero_is_missing`` NaN."""
    truncated, zero_is_missing = step.arrays["truncated"], step.arrays["zero_is_missing"]

    def run(values: Array) -> Array:
        made = values.copy()
        made[:, truncated] = np.trunc(values[:, truncated])
        zeros = values[:, zero_is_missing]
        made[:, zero_is_missing] = np.where(np.abs(zeros) <= _ZERO, np.nan, zeros)
        return made

    return run


def _softmax_in_order(_step: Step) -> Run:
    """Return exp of each number over the sum of its row, the greatest subtracted first, with the C library's exp.

    Sums are taken from the first column to the last in float64, and have the numbers' dtype when they divide.
    """

    def run(values: Array) -> Array:
        shares = exp(values - values.max(axis=1, keepdims=True))
        sums = shares.cumsum(axis=1, dtype=np.float64)[:, -1:]
        shares /= sums.astype(values.dtype, copy=False)
        return shares

    return run


def _anomaly(step: Step) -> Run:
    """Return the score of the sums of depths: minus 2 to the power of minus the depth over ``over``."""
    over = float(step.settings["over"])

    def run(depths: Array) -> Array:
        share = depths / over if over else np.ones_like(depths)
        score: Array = -(2 ** (-share))
        return score

    return run


def _boosted_votes(step: Step) -> Run:
    """Add up what classifiers weigh: for the label that each says, and less than nothing for the other ``labels``.

    The sums (rows, labels) are divided by those of the ``weights``. Source: AdaBoost's SAMME.
    """
    known, weights = step.arrays["labels"], step.arrays["weights"]

    def run(*said: Array) -> Array:
        sums = np.zeros((len(said[0]), len(known)))
        for labels, weight in zip(said, weights, strict=False):
            sums += np.where(labels[:, np.newaxis] == known, weight, -1 / (len(known) - 1) * weight)
        sums /= weights.sum()
        return sums

    return run


def _weighted_median(step: Step) -> Run:
    """Return the number in each row at which the ``weights`` of those up to it reach half of all."""
    weights = step.arrays["weights"]

    def run(values: Array) -> Array:
        order = np.argsort(values, axis=1)
        reached = np.cumsum(weights[order], axis=1)
        first = (reached >= 0.5 * reached[:, -1:]).argmax(axis=1)
        rows = np.arange(len(values))
        median: Array = values[rows, order[rows, first]]
        return median

    return run


def _indicators(step: Step) -> Run:
    """Make a sparse matrix with a one in the column of each number; ``width`` columns."""
    width = int(step.settings["width"])

    def run(columns: Array) -> Sparse:
        rows = np.repeat(np.arange(len(columns)), columns.shape[1])
        return Sparse(len(columns), width, rows, columns.ravel().astype(np.intp), np.ones(columns.size))

    return run


def _over(step: Step) -> Run:
    """Divide by a number."""
    by = float(step.settings["by"])
    return lambda values: values / by


def _minus(step: Step) -> Run:
    """Subtract a number."""
    number = float(step.settings["number"])
    return lambda values: values - number


BUILDERS: Mapping[str, Builder] = {
    "opposites": _opposites,
    "second_less_first": _second_less_first,
    "softmax_in_order": _softmax_in_order,
    "prepared_for_lightgbm": _prepared_for_lightgbm,
    "anomaly": _anomaly,
    "boosted_votes": _boosted_votes,
    "weighted_median": _weighted_median,
    "indicators": _indicators,
    "over": _over,
    "minus": _minus,
}
