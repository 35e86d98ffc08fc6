"""Sums of numbers and categories next to each other, without the sparse matrix that scikit-learn makes of them.

SciPy adds what is stored of a row from left to right, beginning with 0. What is not stored is 0, and adding it changes
no sum: so the numbers times their weights, and the weights of the categories' columns, are added in the same order.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from model_store.plans.plan import Plan, Step, pruned

_DENSE = frozenset({"as_float", "beside", "block", "fill", "finite", "matrix", "scale"})
"""Kinds of steps that make arrays of floats."""


def summed(plan: Plan) -> Plan:
    """Return a plan that adds up numbers and categories at once where it set them side by side to do so."""
    steps = list(plan.steps)
    used = Counter(place for step in steps for place in step.inputs) + Counter(plan.outputs.values())
    for place, step in enumerate(steps):
        parts = _parts(steps, step, used)
        if parts:
            codes = [part for part in parts if steps[part - 1].kind == "one_hot_sparse"]
            for part in codes:
                steps[part - 1] = replace(steps[part - 1], kind="codes")
            settings = {**step.settings, "codes": [parts.index(part) for part in codes]}
            widths = [int(steps[part - 1].settings["width"]) for part in codes]
            steps[place] = Step("row_sums", parts, {**settings, "widths": widths}, step.arrays)
    return pruned(Plan(tuple(steps), plan.outputs))


def _parts(steps: Sequence[Step], step: Step, used: Mapping[int, int]) -> tuple[int, ...]:
    """Return the places of what a sum is taken of; none unless it is numbers and categories of this sum alone."""
    if step.kind != "sparse_dot":
        return ()
    check = steps[step.inputs[0] - 1]
    beside = steps[check.inputs[0] - 1] if check.kind == "sparse_finite" else check
    passed = (step.inputs[0], check.inputs[0])[: 1 + (check.kind == "sparse_finite")]
    if beside.kind != "sparse_beside" or beside.settings["dtype"] != "float64" or any(used[i] != 1 for i in passed):
        return ()
    kinds = [steps[part - 1].kind if part else "" for part in beside.inputs]
    alone = all(used[part] == 1 for part, kind in zip(beside.inputs, kinds, strict=True) if kind == "one_hot_sparse")
    fits = alone and "one_hot_sparse" in kinds and set(kinds) <= _DENSE | {"one_hot_sparse"}
    return beside.inputs if fits and check.kind == "sparse_finite" else ()
