"""Curves through known points."""

from collections.abc import Mapping

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.numeric.normals import normal_quantiles
from model_store.steps.step import Builder, Run


def _quantiles(step: Step) -> Run:
    """Return which share of a column's known numbers is smaller; ``quantiles`` (references, columns) ascend.

    What several ``references`` share gets the mean of the lowest and the highest of them. If ``normal``, the answer is
    the normal quantile of that share.
    """
    references, mirrored = step.arrays["references"], -step.arrays["references"][::-1]
    columns = [(column, -column[::-1]) for column in np.ascontiguousarray(step.arrays["quantiles"].T)]
    normal = bool(step.settings.get("normal"))
    least, most = normal_quantiles(np.array([_NEAR - np.spacing(1), 1 - (_NEAR - np.spacing(1))]))

    def run(values: Array) -> Array:
        made = np.empty_like(values)
        for i, (known, turned) in enumerate(columns):
            column, near = values[:, i], _NEAR if normal else 0
            up, down = np.interp(column, known, references), np.interp(-column, turned, mirrored)
            found = 0.5 * (up - down)
            found[column + near > known[-1] if near else column == known[-1]] = 1
            found[column - near < known[0] if near else column == known[0]] = 0
            made[:, i] = np.where(np.isnan(column), column, found)
        return np.clip(normal_quantiles(made), least, most).astype(made.dtype) if normal else made

    return run


_NEAR = 1e-7
"""How near to the ends numbers are taken for these."""


def _isotonic(step: Step) -> Run:
    """Return where the line through (``x``, ``y``) is at the only column; ``outside`` is clip, nan or raise."""
    x, y, outside = step.arrays["x"], step.arrays["y"], str(step.settings["outside"])

    def run(values: Array) -> Array:
        column = values.reshape(-1)
        if outside == "clip":
            return np.interp(column, x, y)
        below, above = column < x[0], column > x[-1]
        if outside == "raise" and (below.any() or above.any()):
            side = "below" if below.any() else "above"
            shown = column[below if below.any() else above][0]
            raise ValueError(
                f"A value ({shown}) in x_new is {side} the interpolation range's "
                f"{'minimum' if below.any() else 'maximum'} value ({x[0] if below.any() else x[-1]})."
            )
        return np.where(below | above, np.nan, np.interp(column, x, y))

    return run


BUILDERS: Mapping[str, Builder] = {"quantiles": _quantiles, "isotonic": _isotonic}
