"""Columns moved, stretched and cut off: what scikit-learn's scalers do to numbers."""

from collections.abc import Mapping

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run

_OPERATIONS = {"minus": np.subtract, "by": np.divide, "times": np.multiply, "plus": np.add}
"""In the order in which they are done."""


def _scale(step: Step) -> Run:
    """Subtract ``minus``, divide by ``by``, multiply with ``times`` and add ``plus``; each may be left out.

    ``within`` keeps the dtype of the numbers where an array is of a wider one.
    """
    (first, operand), *rest = [(_OPERATIONS[name], step.arrays[name]) for name in _OPERATIONS if name in step.arrays]
    within = bool(step.settings.get("within", False))

    def run(values: Array) -> Array:
        moved: Array = first(values, operand, np.empty_like(values)) if within else first(values, operand)
        for operation, other in rest:
            operation(moved, other, moved)
        return moved

    return run


def _clip(step: Step) -> Run:
    """Replace what is below ``least`` or above ``most`` by these, one number each of the dtype of the numbers."""
    least, most = step.arrays["least"], step.arrays["most"]

    def run(values: Array) -> Array:
        cut: Array = np.clip(values, least, most)
        return cut

    return run


def _normalise(step: Step) -> Run:
    """Divide each row by its ``norm``: ``l1``, ``l2`` or ``max``; rows of nearly none stay as they are."""
    norm = _NORMS[str(step.settings["norm"])]

    def run(values: Array) -> Array:
        norms = norm(values)
        norms[norms < 10 * np.finfo(norms.dtype).eps] = 1.0
        divided: Array = values / norms[:, None]
        return divided

    return run


def _sum(values: Array) -> Array:
    return np.asarray(np.sum(np.abs(values), axis=1))


def _length(values: Array) -> Array:
    lengths: Array = np.sqrt(np.einsum("ij,ij->i", values, values))
    return lengths


def _largest(values: Array) -> Array:
    return np.asarray(np.max(np.abs(values), axis=1))


_NORMS = {"l1": _sum, "l2": _length, "max": _largest}


def _binarise(step: Step) -> Run:
    """Return 1 where a number is greater than ``than``, else 0, in the dtype of the numbers."""
    than = float(step.settings["than"])

    def run(values: Array) -> Array:
        floats = values if values.dtype.kind == "f" else values.astype(np.float64)
        return np.asarray(floats > than).astype(values.dtype)

    return run


BUILDERS: Mapping[str, Builder] = {"scale": _scale, "clip": _clip, "normalise": _normalise, "binarise": _binarise}
