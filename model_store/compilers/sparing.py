"""Checks that a later check makes needless.

A scaler refuses infinity and lets NaN pass, and the model behind it refuses both. What is not finite stays so when it
is moved and stretched: so one look at the scaled numbers is enough, and only if that finds something, the numbers
before are looked at, to refuse what the scaler refuses.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from model_store.plans.plan import Plan, Step


def spared(plan: Plan) -> Plan:
    """Return a plan that refuses the same rows with the same words, and looks at some numbers once less."""
    steps = list(plan.steps)
    used = Counter(place for step in steps for place in step.inputs) + Counter(plan.outputs.values())
    for place, step in enumerate(steps):
        earlier = _earlier(steps, step, used)
        if earlier is not None:
            scale = step.inputs[0]
            before = steps[earlier - 1].inputs[0]
            steps[scale - 1] = replace(steps[scale - 1], inputs=(before,))
            steps[place] = replace(step, inputs=(scale, before))
    return Plan(tuple(steps), plan.outputs)


def _earlier(steps: Sequence[Step], step: Step, used: Mapping[int, int]) -> int | None:
    """Return the place of the check that a check makes needless, None if there is none."""
    if not _is_check(step, nan=False) or used[step.inputs[0]] != 1:
        return None
    scale = steps[step.inputs[0] - 1]
    place = scale.inputs[0]
    needless = scale.kind == "scale" and place > 0 and used[place] == 1 and _is_check(steps[place - 1], nan=True)
    return place if needless else None


def _is_check(step: Step, *, nan: bool) -> bool:
    return step.kind == "finite" and len(step.inputs) == 1 and bool(step.settings.get("nan")) is nan
