"""Transformed targets turned back."""

from collections.abc import Mapping

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run


def _from_yeo_johnson(step: Step) -> Run:
    """Turn back Yeo and Johnson's power transformation (Biometrika 87, 2000), each column with one of ``powers``."""
    powers = step.arrays["powers"].tolist()

    def run(values: Array) -> Array:
        made = np.zeros_like(values)
        for column, power in enumerate(powers):
            made[:, column] = _unpowered(values[:, column], power)
        return made

    return run


def _unpowered(values: Array, power: float) -> Array:
    above, made, no_more = values >= 0, np.zeros_like(values), np.spacing(1.0)
    high, low = values[above], values[~above]
    made[above] = np.exp(high) - 1 if abs(power) < no_more else np.power(high * power + 1, 1 / power) - 1
    rest = 2 - power
    made[~above] = 1 - np.power(-rest * low + 1, 1 / rest) if abs(power - 2) > no_more else 1 - np.exp(-low)
    return made


def _from_quantiles(step: Step) -> Run:
    """Turn shares of a distribution back to its values: column by column, ``quantiles`` at ``references``."""
    quantiles, references = step.arrays["quantiles"], step.arrays["references"]

    def run(values: Array) -> Array:
        made = values.copy(order="K")
        for column, known in enumerate(quantiles.T):
            made[:, column] = _value_at(values[:, column], known, references)
        return made

    return run


def _value_at(shares: Array, quantiles: Array, references: Array) -> Array:
    there, made = ~np.isnan(shares), shares.copy()
    made[there] = np.interp(shares[there], references, quantiles)
    made[shares == 1] = quantiles[-1]
    made[shares == 0] = quantiles[0]
    return made


BUILDERS: Mapping[str, Builder] = {
    "from_yeo_johnson": _from_yeo_johnson,
    "from_quantiles": _from_quantiles,
}
