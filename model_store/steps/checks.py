"""What scikit-learn refuses before it computes, refused here with the same first line."""

from collections.abc import Mapping

import numpy as np

from model_store.batch import Array
from model_store.extension.numbers import all_finite
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run


def _finite(step: Step) -> Run:
    """Pass floats through; raise ValueError for infinity, and for NaN unless ``nan`` allows it.

    Further inputs are values that the floats were made of, and that are not finite only if these are not. They are
    looked at only then, and first: it is infinity there that is refused, and NaN is not.
    """
    nan_is_fine = bool(step.settings.get("nan", False))

    def run(values: Array, *before: Array) -> Array:
        if not all_finite(values):
            for earlier in before:
                _refuse(earlier, nan_is_fine=True)
            _refuse(values, nan_is_fine=nan_is_fine)
        return values

    return run


def _as_float(step: Step) -> Run:
    """Cast numbers to ``dtype``, and refuse as ``finite`` does what is not finite then."""
    dtype, nan_is_fine = np.dtype(str(step.settings["dtype"])), bool(step.settings.get("nan", False))

    def run(values: Array) -> Array:
        with np.errstate(over="ignore"):
            cast = values.astype(dtype)
        if values.dtype.kind == "f":
            check_finite(cast, nan_is_fine=nan_is_fine)
        return cast

    return run


def _cast(step: Step) -> Run:
    """Cast numbers to floats of ``dtype``; what is too large is infinite then."""
    dtype = np.dtype(str(step.settings["dtype"]))

    def run(values: Array) -> Array:
        with np.errstate(over="ignore"):
            return values.astype(dtype)

    return run


def check_finite(values: Array, *, nan_is_fine: bool = False) -> None:
    """Raise ValueError for infinity, and for NaN unless it is fine."""
    if not all_finite(values):
        _refuse(values, nan_is_fine=nan_is_fine)


def _refuse(values: Array, *, nan_is_fine: bool) -> None:
    if not nan_is_fine and np.isnan(values).any():
        raise ValueError("Input X contains NaN.")
    if np.isinf(values).any():
        raise ValueError(f"Input X contains infinity or a value too large for dtype('{values.dtype.name}').")


BUILDERS: Mapping[str, Builder] = {"finite": _finite, "as_float": _as_float, "cast": _cast}
