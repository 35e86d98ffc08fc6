"""From what trees answer to what ensembles of them answer."""

from collections.abc import Mapping

import numpy as np

from model_store.batch import Array
from model_store.extension.numbers import exp, expit
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run, Sparse


def _pair(step: Step) -> Run:
    """Return 1 - p and p of a vector: p is expit of each number times ``times``, or the number if ``plain``."""
    times, plain = float(step.settings.get("times", 1.0)), bool(step.settings.get("plain"))

    def run(values: Array) -> Array:
        both = np.empty((len(values), 2), values.dtype)
        both[:, 1] = values if plain else expit(values if times == 1 else times * values)
        np.subtract(1, both[:, 1], out=both[:, 0])
        return both

    return run


def _anomaly(step: Step) -> Run:
    """Return the score of the sums of depths: minus 2 to the power of minus the depth over ``over``."""
    over = float(step.settings["over"])

    def run(depths: Array) -> Array:
        share = depths / over if over else np.ones_like(depths)
        score: Array = -(2 ** (-share))
        return score

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


_FUNCTIONS: Mapping[str, Run] = {
    "exp": np.exp,
    "exp_exact": exp,
    "expit_exact": expit,
    "log1p_exp": lambda values: np.log1p(exp(values)),
    "signed_square": lambda values: np.sign(values) * values * values,
}


def _function(step: Step) -> Run:
    """Apply the function ``name`` to each number."""
    return _FUNCTIONS[str(step.settings["name"])]


def _over(step: Step) -> Run:
    """Divide by a number."""
    by = float(step.settings["by"])
    return lambda values: values / by


def _minus(step: Step) -> Run:
    """Subtract a number."""
    number = float(step.settings["number"])
    return lambda values: values - number


BUILDERS: Mapping[str, Builder] = {
    "pair": _pair,
    "anomaly": _anomaly,
    "weighted_median": _weighted_median,
    "indicators": _indicators,
    "function": _function,
    "over": _over,
    "minus": _minus,
}
