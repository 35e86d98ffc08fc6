"""Missing numbers: where they are, and what takes their place."""

from collections.abc import Callable, Mapping

import numpy as np

from model_store.batch import Array
from model_store.extension.numbers import all_finite
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run


def _mask(step: Step) -> Callable[[Array], Array]:
    """Return what says where numbers are missing: where they are ``missing``, or NaN if that is left out."""
    missing = step.settings.get("missing")
    if missing is None:
        return lambda values: np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    return lambda values: np.asarray(values == missing)


def _columns(step: Step, name: str) -> Array | slice:
    return step.arrays.get(name, slice(None))


def _fill(step: Step) -> Run:
    """Put ``with`` (columns,) in the place of missing numbers, in the ``kept`` columns, all if that is left out.

    If ``indicate``, bools follow for the ``indicated`` columns, all if that is left out: whether a number was missing.
    """
    mask, fill, indicate = _mask(step), step.arrays["with"], bool(step.settings.get("indicate"))
    kept, indicated = _columns(step, "kept"), _columns(step, "indicated")
    simple = "kept" not in step.arrays and not indicate
    seldom = simple and step.settings.get("missing") is None

    def run(values: Array) -> Array:
        if seldom:
            return values if values.dtype.kind != "f" or all_finite(values) else np.where(mask(values), fill, values)
        gaps = mask(values)
        if simple and not gaps.any():
            return values
        filled = np.where(gaps[:, kept], fill, values[:, kept])
        return np.hstack((filled, gaps[:, indicated])) if indicate else filled

    return run


def _missing(step: Step) -> Run:
    """Return bools for the ``indicated`` columns, all if that is left out: whether a number is missing.

    If ``error_on_new``, raises ValueError for numbers that are missing in the other columns.
    """
    mask, indicated = _mask(step), _columns(step, "indicated")
    others = np.setdiff1d(np.arange(int(step.settings["width"])), step.arrays.get("indicated", np.arange(0)))
    refused = bool(step.settings.get("error_on_new"))

    def run(values: Array) -> Array:
        gaps = mask(values)
        if refused and gaps[:, others].any():
            raise ValueError(
                f"The features {others[gaps[:, others].any(axis=0)]} have missing values in transform but have no "
                "missing values in fit."
            )
        return gaps[:, indicated]

    return run


BUILDERS: Mapping[str, Builder] = {"fill": _fill, "missing": _missing}
