"""Sums of weighted columns.

How numbers lie in memory decides in which order BLAS adds them: so weights are multiplied as scikit-learn holds them.
"""

from collections.abc import Mapping

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run

_TABLE = 2


def _weights(step: Step) -> Array:
    weights = _apart(step.arrays["weights"], int(step.settings.get("stride", 0)))
    return weights.T if step.settings.get("turned") else weights


def _apart(weights: Array, stride: int) -> Array:
    """Return weights whose rows begin so many numbers apart, backwards if that is negative; as they are if it is 0.

    Raises ValueError if rows are longer than that.
    """
    if not stride:
        return weights
    if weights.ndim != _TABLE or abs(stride) < weights.shape[1]:
        raise ValueError(f"expected rows of at most {abs(stride)} weights, got {weights.shape}")
    wide = np.empty((len(weights), abs(stride)), weights.dtype)[:, : weights.shape[1]]
    apart = wide[::-1] if stride < 0 else wide
    apart[:] = weights
    return apart


def _dot(step: Step) -> Run:
    """Multiply (rows, columns) by ``weights`` (columns, outputs or none) and add ``plus``, which may be left out.

    ``weights`` are stored (outputs, columns) if they are ``turned``, and their rows begin ``stride`` numbers apart if
    that is said; ``flat`` makes one dimension of the one output.
    """
    weights, plus = _weights(step), step.arrays.get("plus")
    if step.settings.get("flat"):  # BLAS does the same with one column as with a vector
        weights, plus = weights.reshape(-1), plus if plus is None else plus.reshape(())
    if plus is None:
        return lambda values: values @ weights

    def run(values: Array) -> Array:
        found: Array = values @ weights
        return found + plus

    return run


def _project(step: Step) -> Run:
    """Multiply (rows, columns) by ``weights``, as ``dot`` does, then subtract what that makes of the ``centre``.

    The centre's part is computed here, on the processor that computes the rest.
    """
    weights = _weights(step)
    minus = step.arrays["centre"].reshape(1, -1) @ weights

    def run(values: Array) -> Array:
        found: Array = values @ weights
        found -= minus
        return found

    return run


def one_by_one(run: Run) -> Run:
    """Return what does what such a step does, with each row as if it were the only one.

    NumPy multiplies a stack of matrices of one row by calling BLAS for each of them, as for one that comes alone. So
    the last bits of a row are the same in any company.
    """

    def run_one_by_one(values: Array) -> Array:
        rows, *columns = values.shape
        found: Array = run(values.reshape(rows, 1, *columns))[:, 0]
        return found

    return run_one_by_one


BUILDERS: Mapping[str, Builder] = {"dot": _dot, "project": _project}
