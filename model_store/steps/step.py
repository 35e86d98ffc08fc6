"""What builders of steps are."""

from collections.abc import Callable
from typing import Any, NamedTuple

from model_store.batch import Array
from model_store.plans.plan import Step

Run = Callable[..., Any]
"""Takes the values of a step's inputs and returns the value that the step makes. It never writes into what it takes."""

Builder = Callable[[Step], Run]
"""Checks a step and prepares what runs it, once. Raises KeyError, TypeError or ValueError for one that it cannot."""


class Sparse(NamedTuple):
    """A matrix of few numbers that are not zero: its height and width, and their rows (ascending), columns and values.

    Within a row they are in the order in which scikit-learn's sparse matrices have them. ``rows`` and ``columns`` are
    1-D arrays of intp.
    """

    height: int
    width: int
    rows: Array
    columns: Array
    values: Array
