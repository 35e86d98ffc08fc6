"""Columns moved and stretched: what scikit-learn's scalers do to numbers."""

from collections.abc import Mapping

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run


def _scale(step: Step) -> Run:
    """Subtract ``minus`` and divide by ``by``, column by column; either may be left out."""
    minus, by = step.arrays.get("minus"), step.arrays.get("by")

    def run(values: Array) -> Array:
        if minus is None:
            return values / by
        moved: Array = values - minus
        if by is not None:
            moved /= by
        return moved

    return run


BUILDERS: Mapping[str, Builder] = {"scale": _scale}
