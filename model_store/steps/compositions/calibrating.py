"""From a classifier's scores to probabilities that were fitted to them."""

from collections.abc import Mapping

import numpy as np

from model_store.batch import Array
from model_store.extension.numbers import expit
from model_store.plans.plan import Step
from model_store.steps.checks import check_finite
from model_store.steps.step import Builder, Run

_SLIGHTLY = 1.0 + 1e-5
_NOT_ZERO = 1e-12


def _platt(step: Step) -> Run:
    """Return ``1 / (1 + exp(slope * x + offset))`` of a vector, with the C library's exp."""
    slope, offset = step.arrays["slope"], step.arrays["offset"]

    def run(values: Array) -> Array:
        scaled: Array = -(slope * values + offset)
        return expit(scaled)

    return run


def _interpolated(step: Step) -> Run:
    """Clip numbers between ``least`` and ``most``, and take ``y`` at ``x``, on straight lines between them."""
    x, y = step.arrays["x"], step.arrays["y"]
    least, most = float(step.settings["least"]), float(step.settings["most"])

    def run(values: Array) -> Array:
        asked = values.astype(x.dtype, copy=False)
        check_finite(asked)
        found: Array = y.repeat(asked.shape) if len(y) == 1 else np.interp(np.clip(asked, least, most), x, y)
        return found.astype(x.dtype, copy=False)

    return run


def _capped(_step: Step) -> Run:
    """Make 1 of what is the least above it."""

    def run(values: Array) -> Array:
        return _cap(values.copy(order="K"))

    return run


def _cap(shares: Array) -> Array:
    """Make 1, in place, of what is slightly above it."""
    shares[(shares > 1.0) & (shares <= _SLIGHTLY)] = 1.0
    return shares


def _calibrated(step: Step) -> Run:
    """Make shares of vectors, each the column at one of ``places`` among ``width``; equal ones where all are 0."""
    places, width = step.arrays["places"].tolist(), int(step.settings["width"])

    def run(*columns: Array) -> Array:
        made = np.zeros((len(columns[0]), width))
        for place, column in zip(places, columns, strict=False):
            made[:, place] = column
        sums = np.sum(made, axis=1)[:, np.newaxis]
        return _cap(np.divide(made, sums, out=np.full_like(made, 1 / width), where=sums != 0))

    return run


def _calibrated_two(_step: Step) -> Run:
    """Return a number taken from 1, and the number."""

    def run(second: Array) -> Array:
        made = np.empty((len(second), 2))
        made[:, 1] = second
        made[:, 0] = 1.0 - made[:, 1]
        return _cap(made)

    return run


def _logits(step: Step) -> Run:
    """Return ``slope`` times what exp makes probabilities of: the log of probabilities, else the scores themselves.

    They are probabilities if all of them are between 0 and 1 and each row's sum is 1. A vector becomes two columns, -x
    and x. Source: scikit-learn's temperature scaling.
    """
    slope = step.arrays["slope"]

    def run(values: Array) -> Array:
        check_finite(values)
        if values.ndim == 1:
            column = values.reshape(-1, 1)
            return np.asarray(slope * np.concatenate([-column, column], axis=1))
        if ((values >= 0) & (values <= 1)).all() and np.isclose(np.sum(values, axis=1), 1.0).all():
            values = np.log(values + _NOT_ZERO)
        return np.asarray(slope * values)

    return run


BUILDERS: Mapping[str, Builder] = {
    "platt": _platt,
    "interpolated": _interpolated,
    "capped": _capped,
    "calibrated": _calibrated,
    "calibrated_two": _calibrated_two,
    "logits": _logits,
}
