"""Functions of single numbers, and shares of rows."""

from collections.abc import Callable, Mapping

import numpy as np

from model_store.batch import Array
from model_store.extension.numbers import exp, expit
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run

Function = Callable[[Array], Array]


def _relu(values: Array) -> Array:
    return np.maximum(values, 0)


def _expit_capped(values: Array) -> Array:
    """Return expit of float32 as XGBoost does: below -88.7 it is what it is there."""
    return expit(np.maximum(values, np.float32(-88.7)))


def _signed_square(values: Array) -> Array:
    squared: Array = np.sign(values) * values * values
    return squared


OWN: Mapping[str, Function] = {
    "relu": _relu,
    "expit": expit,
    "expit_capped": _expit_capped,
    "exp_exact": exp,
    "signed_square": _signed_square,
}


def known(name: str) -> Function:
    """Return the function of that name: one of NumPy's that take one array and make one, or one of those above.

    Raises ValueError if there is none.
    """
    if name in OWN:
        return OWN[name]
    found = getattr(np, name, None)
    if not isinstance(found, np.ufunc) or (found.nin, found.nout) != (1, 1):
        raise ValueError(f"{name!r} is no function of NumPy that takes one array and makes one")
    return found


def _each(step: Step) -> Run:
    """Apply the function that ``name`` says to each number."""
    return known(str(step.settings["name"]))


def _two(_step: Step) -> Run:
    """Make of the shares of one class (rows,) those of both (rows, 2)."""

    def run(shares: Array) -> Array:
        made = np.empty((len(shares), 2), shares.dtype)
        made[:, 1] = shares
        np.subtract(1, shares, made[:, 0])
        return made

    return run


def _proportions(_step: Step) -> Run:
    """Divide each number by the sum of its row; in a row of zeros all get the same."""

    def run(shares: Array) -> Array:
        sums = shares.sum(axis=1)
        nothing = sums == 0
        if nothing.any():
            shares = shares.copy()
            shares[nothing, :] = 1
            sums[nothing] = shares.shape[1]
        return np.asarray(shares / sums.reshape(len(sums), -1))

    return run


def _softmax(_step: Step) -> Run:
    """Return exp of each number over the sum of its row, the greatest subtracted first."""

    def run(values: Array) -> Array:
        moved: Array = values - np.max(values, axis=1).reshape((-1, 1))
        np.exp(moved, out=moved)
        moved /= np.sum(moved, axis=1).reshape((-1, 1))
        return moved

    return run


BUILDERS: Mapping[str, Builder] = {
    "each": _each,
    "two": _two,
    "proportions": _proportions,
    "softmax": _softmax,
}
