"""A fitted estimator, the sample that its publisher hands over, and rows that nobody has shown to Millrace yet."""

import copy
from dataclasses import dataclass, field
from typing import Any

TRAINED = 100
"""Of the rows that a case is made of, these first ones are trained on and published as the sample."""


@dataclass(frozen=True)
class Case:
    """``fresh`` are at least 50 rows, in the very form in which the publisher's own call takes them."""

    estimator: Any
    sample: Any
    fresh: Any
    options: dict = field(default_factory=dict)


def fitted(estimator, rows, target=None, *, sample=None, **options):
    """Fit an estimator on the first rows; the others are the fresh ones. ``options`` go to ``publish``."""
    known = copy.deepcopy(rows[:TRAINED])  # some estimators write into what they are fitted to
    if target is None:
        estimator.fit(known)
    else:
        estimator.fit(known, target[:TRAINED])
    return Case(estimator, rows[:TRAINED] if sample is None else sample, rows[TRAINED:], options)


def named(estimators, rows, target=None):
    """Return a case for each estimator, by the name of its class."""
    return {type(one).__name__: lambda one=one: fitted(one, rows, target) for one in estimators}
