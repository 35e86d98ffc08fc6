"""Sums of weighted numbers and of the weights of categories, from left to right as SciPy adds a sparse row."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.plans.places import NOWHERE
from model_store.plans.plan import Step
from model_store.steps.checks import check_finite
from model_store.steps.columns.encoding import Coder
from model_store.steps.step import Builder, Run


def _codes(step: Step) -> Run:
    """Make the places of the ones of what ``one_hot_sparse`` makes, (columns, rows) of intp; -1 where there is none."""
    coder = Coder(step)

    def run(*inputs: Any) -> Array:
        return coder.all(coder.columns(*inputs))

    return run


def _row_sums(step: Step) -> Run:
    """Add up numbers (rows, columns) times their weights, and the weights at ``codes``, in the order of the inputs.

    ``codes`` are which inputs are places of categories, and ``widths`` how many there are. ``weights`` and ``plus`` are
    as for ``sparse_dot``. Raises ValueError for numbers that are not finite.
    """
    weights, plus = np.atleast_2d(step.arrays["weights"]), step.arrays.get("plus")
    flat = bool(step.settings.get("flat", False))
    widths = dict(zip(step.settings["codes"], step.settings["widths"], strict=True))

    def run(*parts: Array) -> Array:
        for i, part in enumerate(parts):
            if i not in widths:
                check_finite(part)
        sums = [_sums(row, parts, widths) for row in weights]
        found: Array = sums[0] if flat else np.stack(sums, axis=1)
        return found if plus is None else found + plus

    return run


def _sums(weights: Array, parts: Sequence[Array], widths: Mapping[int, int]) -> Array:
    """Return one sum for each row. What is added first is 0, so that no sum is -0."""
    terms, start = [], 0
    for i, part in enumerate(parts):
        end = start + widths.get(i, part.shape[1])
        own = weights[start:end]
        terms.append(_of_codes(own, part) if i in widths else part.T * own[:, np.newaxis])
        start = end
    added: Array = np.add.accumulate(np.concatenate(terms), axis=0)[-1]
    return added + 0.0


def _of_codes(weights: Array, places: Array) -> Array:
    found: Array = weights[places]
    found[places == NOWHERE] = 0.0
    return found


BUILDERS: Mapping[str, Builder] = {"codes": _codes, "row_sums": _row_sums}
