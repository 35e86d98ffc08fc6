"""Sums of weighted numbers and of the weights of categories, from left to right as SciPy adds a sparse row."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.extension.numbers import added_in_order
from model_store.plans.plan import Step
from model_store.steps.checks import check_finite
from model_store.steps.columns.encoding import Coder
from model_store.steps.step import Builder, Run


def _codes(step: Step) -> Run:
    """Make the places of the ones of what ``one_hot_sparse`` makes, (columns, rows) of intp; -1 where there is none."""
    coder = Coder(step)

    def run(*inputs: Any) -> Array:
        columns = coder.columns(*inputs)
        if len(columns[0]) == 1:
            return np.array([coder.one(columns)], np.intp).T
        return coder.all(columns)

    return run


def _row_sums(step: Step) -> Run:
    """Add up numbers (rows, columns) times their weights, and the weights at ``codes``, in the order of the inputs.

    ``codes`` are which inputs are places of categories, and ``widths`` how many there are. ``weights`` and ``plus`` are
    as for ``sparse_dot``. Raises ValueError for numbers that are not finite.
    """
    weights, plus = np.atleast_2d(step.arrays["weights"]), step.arrays.get("plus")
    flat = bool(step.settings.get("flat", False))
    widths = {int(i): int(width) for i, width in zip(step.settings["codes"], step.settings["widths"], strict=True)}
    dense = [i for i in range(len(step.inputs)) if i not in widths]
    layout: list[list[Array]] = []
    begin_with_zero = plus is None or bool((np.signbit(plus) & (plus == 0)).any())

    def run(*parts: Array) -> Array:
        for i in dense:
            check_finite(parts[i])
        if not layout:
            every = {i: widths[i] if i in widths else int(part.shape[1]) for i, part in enumerate(parts)}
            layout[:] = [_own(row, every, widths) for row in weights]
        sums = [_sums(own, parts, widths) for own in layout]
        found: Array = sums[0] if flat else np.stack(sums, axis=1)
        if begin_with_zero:
            found = found + 0.0  # what SciPy adds first is 0, so that no sum is -0
        return found if plus is None else found + plus

    return run


def _own(weights: Array, every: Mapping[int, int], coded: Collection[int]) -> list[Array]:
    """Return the weights of each input; of places, a 0 follows them, which stands at ``NOWHERE``, the last place."""
    ends = np.cumsum([every[i] for i in range(len(every))])
    parts = [weights[end - every[i] : end] for i, end in enumerate(ends)]
    return [np.append(part, 0.0) if i in coded else part[:, np.newaxis] for i, part in enumerate(parts)]


def _sums(own: Sequence[Array], parts: Sequence[Array], coded: Collection[int]) -> Array:
    """Return one sum for each row."""
    terms = [mine[part] if i in coded else part.T * mine for i, (mine, part) in enumerate(zip(own, parts, strict=True))]
    return added_in_order(np.concatenate(terms))


BUILDERS: Mapping[str, Builder] = {"codes": _codes, "row_sums": _row_sums}
