"""A compiled model: steps that make values of the values before them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from model_store.batch import Array

BATCH = 0
"""The value that no step makes: the batch itself."""

CALL = "call"
"""The kind of a step that calls the ``method`` of a part of the estimator, the one at ``path``: plans with such steps
need the estimator as well."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan.

    ``kind`` names what is done (see ``model_store.steps``), ``inputs`` are the places of the values that it takes:
    0 is the batch, i the value that the i-th step makes. ``settings`` are JSON; ``arrays`` have numbers, bools, or
    texts (object arrays of str, None for a missing one).
    """

    kind: str
    inputs: tuple[int, ...] = (BATCH,)
    settings: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps, each after those whose values it takes, and the place of the value that is each output's answer."""

    steps: tuple[Step, ...]
    outputs: Mapping[str, int]

    @property
    def calls(self) -> bool:
        """Whether a step calls a part of the estimator."""
        return any(step.kind == CALL for step in self.steps)

    def needed(self, outputs: tuple[str, ...]) -> list[int]:
        """Return the places of the steps that some outputs need, ascending. Raises KeyError for an unknown output."""
        needed = {self.outputs[name] for name in outputs}
        for place in range(len(self.steps), BATCH, -1):
            if place in needed:
                needed.update(self.steps[place - 1].inputs)
        return sorted(needed - {BATCH})


def pruned(plan: Plan) -> Plan:
    """Return the plan without the steps that none of its outputs needs."""
    kept = plan.needed(tuple(plan.outputs))
    places = {BATCH: BATCH} | {old: new for new, old in enumerate(kept, start=1)}
    steps = tuple(
        Step(step.kind, tuple(places[i] for i in step.inputs), step.settings, step.arrays)
        for step in (plan.steps[place - 1] for place in kept)
    )
    return Plan(steps, {name: places[place] for name, place in plan.outputs.items()})
