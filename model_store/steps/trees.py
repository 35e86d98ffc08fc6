"""Rows walked down trees."""

from collections.abc import Mapping

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run
from model_store.trees.trees import Trees


def _trees(step: Step) -> Run:
    """Add to ``base`` (columns) what each tree says, in their order, divide by ``over``; a vector if ``flat``.

    The sums have the dtype of ``base``.
    """
    base, over, flat = step.arrays["base"], step.settings.get("over", 1), bool(step.settings.get("flat"))
    trees, columns = _walked(step, len(base)), len(base)

    def run(rows: Array) -> Array:
        sums = np.empty((len(rows), columns), base.dtype)
        sums[:] = base
        trees.sum(np.ascontiguousarray(rows), sums)
        if over != 1:
            sums /= over
        return sums.reshape(-1) if flat else sums

    return run


def _answers_of_trees(step: Step) -> Run:
    """Answer what each tree says, the columns of one after those of the other; a vector if ``flat``."""
    values, flat = step.arrays["values"], bool(step.settings.get("flat"))
    trees = _walked(step, values.shape[1])

    def run(rows: Array) -> Array:
        answers = values.take(trees.leaves(np.ascontiguousarray(rows)), axis=0)
        return answers.reshape(-1) if flat else answers.reshape(len(rows), -1)

    return run


def _walked(step: Step, columns: int) -> Trees:
    features, rows = int(step.settings["features"]), str(step.settings["rows"])
    return Trees(step.arrays, features=features, columns=columns, rows=rows)


BUILDERS: Mapping[str, Builder] = {"trees": _trees, "answers_of_trees": _answers_of_trees}
