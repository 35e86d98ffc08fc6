"""B-splines of columns, computed as de Boor (1978) does, in the order in which SciPy does it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run


@dataclass(frozen=True, slots=True)
class _Splines:
    """``knots`` (columns, knots) and ``height``, how many splines a column has; ``around`` if the last meet the first.

    ``degree`` is at least 1.
    """

    knots: Array
    degree: int
    height: int
    around: bool

    @property
    def least(self) -> Array:
        """Return the lowest number of each column that the splines are made for."""
        found: Array = self.knots[:, self.degree]
        return found

    @property
    def most(self) -> Array:
        """Return the highest."""
        found: Array = self.knots[:, -self.degree - 1]
        return found

    def at(self, values: Array) -> Array:
        """Return the splines at float64 values (rows, columns), of shape (rows, columns, ``height``)."""
        columns, length = self.knots.shape
        inner = self.knots[:, self.degree + 1 : length - self.degree - 1]
        pieces = np.count_nonzero(values[:, :, None] >= inner, axis=2) + self.degree
        weights = self._weights(values, pieces + np.arange(0, columns * length, length))
        places = (pieces - self.degree)[:, :, None] + np.arange(self.degree + 1)
        made = np.zeros((*values.shape, self.height))
        np.put_along_axis(made, places % self.height if self.around else places, weights + 0.0, axis=2)
        return made

    def _weights(self, values: Array, pieces: Array) -> Array:
        """Return the ``degree`` + 1 splines that are not zero in a piece between knots."""
        knots, weights = self.knots.ravel(), [np.ones(values.shape)]
        for level in range(1, self.degree + 1):
            before, weights = weights, [np.zeros(values.shape)]
            for n in range(1, level + 1):
                above, below = knots[pieces + n], knots[pieces + n - level]
                share, apart = before[n - 1] / (above - below), above != below
                weights[-1] = np.where(apart, weights[-1] + share * (above - values), weights[-1])
                weights.append(np.where(apart, share * (values - below), 0.0))
        return np.stack(weights, axis=2)


def _splines(step: Step) -> Run:
    """Make the splines of all columns, of ``degree`` and between ``knots`` (columns, knots), column by column.

    Outside the knots, ``outside`` says what is made: constant, linear, continue, periodic or error; linear is
    for a degree of 2 and more. ``least`` and
    ``most`` (columns, splines) are the splines at the lowest and the highest knot, ``falling`` and ``rising`` how
    steep they are there. ``order`` is how the answer lies in memory.
    """
    outside, order = str(step.settings["outside"]), str(step.settings["order"])
    splines = _Splines(
        step.arrays["knots"], int(step.settings["degree"]), int(step.settings["height"]), outside == "periodic"
    )
    make = _OUTSIDE[outside]

    def run(values: Array) -> Array:
        made = make(step, splines, values)
        flat = made.reshape(len(values), -1).astype(values.dtype if values.dtype.kind == "f" else np.float64)
        return np.asfortranarray(flat) if order == "F" else flat

    return run


def _continued(_step: Step, splines: _Splines, values: Array) -> Array:
    return splines.at(values.astype(np.float64))


def _periodic(_step: Step, splines: _Splines, values: Array) -> Array:
    period = splines.most - splines.least
    around = splines.least + (values - splines.least) % period
    return splines.at(np.where(period > 0, around, 0.0))


def _refused(_step: Step, splines: _Splines, values: Array) -> Array:
    if ((values < splines.least) | (values > splines.most)).any():
        raise ValueError("`X` contains values beyond the limits of the knots.")
    return splines.at(values.astype(np.float64))


def _constant(step: Step, splines: _Splines, values: Array) -> Array:
    made, below, above = _inside(splines, values)
    few = np.arange(splines.height)
    made = np.where(below[:, :, None] & (few < splines.degree), step.arrays["least"], made)
    return np.where(above[:, :, None] & (few >= splines.height - splines.degree), step.arrays["most"], made)


def _linear(step: Step, splines: _Splines, values: Array) -> Array:
    made, below, above = _inside(splines, values)
    few, degree = np.arange(splines.height), splines.degree
    under, over = (values - splines.least)[:, :, None], (values - splines.most)[:, :, None]
    least, most = step.arrays["least"], step.arrays["most"]
    made = np.where(below[:, :, None] & (few < degree), least + under * step.arrays["falling"], made)
    reached = above[:, :, None] & (few >= splines.height - degree)
    return np.where(reached, most + over * step.arrays["rising"], made)


def _inside(splines: _Splines, values: Array) -> tuple[Array, Array, Array]:
    """Return the splines, zero where a value is outside, and which values are below and above."""
    below, above = values < splines.least, values > splines.most
    outside = below | above
    made = splines.at(np.where(outside, splines.least, values).astype(np.float64))
    made[outside] = 0
    return made, below, above


_OUTSIDE = {
    "constant": _constant,
    "linear": _linear,
    "continue": _continued,
    "periodic": _periodic,
    "error": _refused,
}

BUILDERS: Mapping[str, Builder] = {"splines": _splines}
