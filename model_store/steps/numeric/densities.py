"""How probable rows are in each class."""

from collections.abc import Mapping

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run


def _gaussian(step: Step) -> Run:
    """Return the logarithm of each class's density times its share: independent normal columns.

    ``means`` and ``variances`` are (classes, columns), ``shares`` (classes,). What a class adds is computed here, on
    the processor that computes the rest.
    """
    variances, shares = step.arrays["variances"], step.arrays["shares"]
    known = [
        (np.log(share), -0.5 * np.sum(np.log(2.0 * np.pi * variance)), mean, variance)
        for share, mean, variance in zip(shares, step.arrays["means"], variances, strict=True)
    ]

    def run(values: Array) -> Array:
        densities = [
            share + (basis - 0.5 * np.add.reduce((values - mean) ** 2 / variance, axis=1))
            for share, basis, mean, variance in known
        ]
        return np.stack(densities).T

    return run


def _bernoulli(step: Step) -> Run:
    """Return the logarithm of each class's probability of ones and zeros, times its share.

    ``logs`` (classes, columns) are those of a one, ``shares`` (classes,) those of the classes.
    """
    logs = step.arrays["logs"]
    none = np.log(1 - np.exp(logs))
    weights, plus = (logs - none).T, step.arrays["shares"] + none.sum(axis=1)

    def run(values: Array) -> Array:
        found: Array = values @ weights
        found += plus
        return found

    return run


def _quadratic(step: Step) -> Run:
    """Return the logarithm of each class's density times its share: normal rows, a covariance for each class.

    The i-th class has ``rotations_i`` (columns, axes) and ``scalings_i`` (axes,); ``means`` are (classes, columns),
    ``shares`` (classes,).
    """
    shares, means = step.arrays["shares"], step.arrays["means"]
    scalings = [step.arrays[f"scalings_{i}"] for i in range(len(means))]
    turned = [bool(turn) for turn in step.settings["turned"]]
    rotations = [step.arrays[f"rotations_{i}"] for i in range(len(means))]
    rotations = [matrix.T if turn else matrix for matrix, turn in zip(rotations, turned, strict=True)]
    known = [(mean, r * s ** (-0.5)) for mean, r, s in zip(means, rotations, scalings, strict=True)]
    sizes, plus = np.asarray([np.sum(np.log(s)) for s in scalings]), np.log(shares)

    def run(values: Array) -> Array:
        distances = np.array([np.add.reduce(np.dot(values - mean, axes) ** 2, axis=1) for mean, axes in known]).T
        found: Array = -0.5 * (distances + sizes) + plus
        return found

    return run


def _normal(step: Step) -> Run:
    """Return the logarithm of one normal density, with its ``mean`` and ``precision``, and ``minus`` to subtract."""
    mean, minus, precision = step.arrays["mean"], step.arrays["minus"], step.arrays["precision"]
    precision = precision.T if step.settings.get("turned") else precision

    def run(values: Array) -> Array:
        moved = values - mean
        found: Array = -0.5 * np.sum(moved * (moved @ precision), axis=1)
        found -= minus
        return found

    return run


def _normal_shares(_step: Step) -> Run:
    """Return exp of each number over the sum of its row, by way of the logarithm of that sum."""

    def run(values: Array) -> Array:
        moved = values - values.max(axis=1)[:, np.newaxis]
        return np.asarray(np.exp(moved - np.log(np.exp(moved).sum(axis=1)[:, np.newaxis])))

    return run


def _log_sum_shares(_step: Step) -> Run:
    """Do the same, but leave the greatest out of the sum and add it to the logarithm."""

    def run(values: Array) -> Array:
        return np.asarray(np.exp(values - np.atleast_2d(_log_sum(values)).T))

    return run


def _log_sum(values: Array) -> Array:
    greatest = np.max(values, axis=1, keepdims=True)
    at = values == greatest
    others = values.copy("K")
    others[at] = -np.inf
    count = np.sum(at.astype(values.dtype), axis=1, keepdims=True, dtype=values.dtype)
    rest = np.exp(others - np.where(np.isfinite(greatest), greatest, 0))
    summed = np.sum(rest, axis=1, keepdims=True, dtype=rest.dtype)
    summed = np.where(summed == 0, summed, summed / count)
    found: Array = np.squeeze(np.log1p(summed) + np.log(count) + greatest, axis=1)
    return found


def _difference(_step: Step) -> Run:
    """Return how much the second column is above the first."""
    return lambda values: values[:, 1] - values[:, 0]


BUILDERS: Mapping[str, Builder] = {
    "gaussian": _gaussian,
    "bernoulli": _bernoulli,
    "quadratic": _quadratic,
    "normal": _normal,
    "normal_shares": _normal_shares,
    "log_sum_shares": _log_sum_shares,
    "difference": _difference,
}
