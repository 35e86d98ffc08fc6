"""Sums of weighted columns."""

from collections.abc import Mapping

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run


def _dot(step: Step) -> Run:
    """Multiply (rows, columns) by ``weights`` (columns, outputs or none) and add ``plus``.

    ``weights`` are stored (outputs, columns) and turned, as scikit-learn does, if ``turned``: how numbers lie in memory
    decides in which order BLAS adds them.
    """
    weights, plus = step.arrays["weights"], step.arrays.get("plus")
    weights = weights.T if step.settings.get("turned") else weights
    flat = bool(step.settings.get("flat", False))

    def run(values: Array) -> Array:
        found: Array = values @ weights
        if plus is not None:
            found = found + plus
        return found.reshape(-1) if flat else found

    return run


BUILDERS: Mapping[str, Builder] = {"dot": _dot}
