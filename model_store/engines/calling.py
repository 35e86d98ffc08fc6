"""Steps that call a part of the estimator."""

from typing import Any

from model_store.batch import Array
from model_store.engines.answers import METHODS, plain
from model_store.estimators import at, nameless
from model_store.plans.plan import Step
from model_store.steps.step import Run


def called(step: Step, estimator: Any) -> Run:
    """Return what runs such a step: the part gets a copy of the rows, which it may write into.

    Raises ValueError if the estimator is not there or has no such part.
    """
    method = str(step.settings["method"])
    if estimator is None or method not in METHODS:
        raise ValueError(
            f"a step calls {method} of an estimator: expected the estimator and one of {', '.join(METHODS)}"
        )
    asked = getattr(nameless(at(estimator, step.settings["path"])), method)

    def run(rows: Array) -> Array:
        return plain(asked(rows.copy(order="K")))

    return run
