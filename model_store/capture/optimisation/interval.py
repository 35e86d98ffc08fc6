"""How sure a mean is."""

from typing import NamedTuple

import numpy as np

from model_store.batch import Array

_RESAMPLES = 1000
_SHARE = 0.95


class Interval(NamedTuple):
    """A mean, and the ends between which it lies with 95 % confidence."""

    mean: float
    low: float
    high: float


def interval(values: Array) -> Interval:
    """Return the mean of float64 values (rows,) with its bootstrap percentile interval of 95 %, always the same one.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13.
    """
    drawn = np.random.default_rng(0)
    count = len(values)
    means = [values[drawn.integers(0, count, count)].mean() for _ in range(_RESAMPLES)]
    low, high = np.quantile(means, ((1 - _SHARE) / 2, (1 + _SHARE) / 2))
    return Interval(float(values.mean()), float(low), float(high))
