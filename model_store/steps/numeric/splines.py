"""B-splines of columns, computed as de Boor (1978) does, in the order in which SciPy does it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.numeric.bins import reached
from model_store.steps.step import Builder, Run


@dataclass(frozen=True, slots=True)
class _Splines:
    """``knots`` (columns, knots) and ``height``, how many splines a column has; ``around`` if the last meet the first.

    ``degree`` is at least 1; ``apart`` says that no column has the same knot twice.
    """

    knots: Array
    degree: int
    height: int
    around: bool
    apart: bool

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
        pieces = reached(values, inner)
        window = np.arange(1, 2 * self.degree + 1)[:, np.newaxis, np.newaxis]
        near = self.knots.ravel()[pieces + np.arange(0, columns * length, length) + window]
        made = np.zeros(values.size * self.height)
        begins = np.arange(0, made.size, self.height).reshape(values.shape)
        for i, weight in enumerate(self._weights(values, near)):
            places = (pieces + i) % self.height if self.around else pieces + i
            made[begins + places] = weight + 0.0
        return made.reshape(*values.shape, self.height)

    def _weights(self, values: Array, near: Array) -> list[Array]:
        """Return the ``degree`` + 1 splines that are not zero between the middle two of the knots ``near`` a value."""
        above, below = near[self.degree :], near[: self.degree]
        up, down, weights = above - values, values - below, [np.ones(values.shape)]
        for level in range(1, self.degree + 1):
            before, weights = weights, [np.zeros(values.shape)]
            for n in range(level):
                place = self.degree - level + n
                gap = above[n] - below[place]
                share = before[n] / gap
                risen, fallen = weights[-1] + share * up[n], share * down[place]
                if not self.apart:
                    risen, fallen = np.where(gap == 0, weights[-1], risen), np.where(gap == 0, 0.0, fallen)
                weights[-1] = risen
                weights.append(fallen)
        return weights


def _splines(step: Step) -> Run:
    """Make the splines of all columns, of ``degree`` and between ``knots`` (columns, knots), column by column.

    Outside the knots, ``outside`` says what is made: constant, linear, continue, periodic or error; linear is
    for a degree of 2 and more. ``least`` and
    ``most`` (columns, splines) are the splines at the lowest and the highest knot, ``falling`` and ``rising`` how
    steep they are there. ``order`` is how the answer lies in memory.
    """
    outside, order = str(step.settings["outside"]), str(step.settings["order"])
    knots, degree, height = step.arrays["knots"], int(step.settings["degree"]), int(step.settings["height"])
    splines = _Splines(knots, degree, height, outside == "periodic", bool((np.diff(knots) > 0).all()))
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
