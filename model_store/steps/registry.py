"""All kinds of steps."""

from collections.abc import Mapping

from model_store.plans.plan import Step
from model_store.steps import arranging, checks, ensembles, labels, neighbours, sources, support_vectors, trees
from model_store.steps.columns.families import FAMILIES as COLUMNS
from model_store.steps.compositions.families import FAMILIES as COMPOSITIONS
from model_store.steps.numeric.families import FAMILIES as NUMERIC
from model_store.steps.step import Builder, Run

_OWN = (sources, arranging, checks, labels, trees, support_vectors, neighbours, ensembles)
_MODULES = (*_OWN, *COMPOSITIONS, *NUMERIC, *COLUMNS)

BUILDERS: Mapping[str, Builder] = {kind: build for module in _MODULES for kind, build in module.BUILDERS.items()}

if len(BUILDERS) != sum(len(module.BUILDERS) for module in _MODULES):
    raise AssertionError("two modules have steps of one kind: name them differently")


class UnknownStep(ValueError):
    """A later release wrote this plan: a kind of step is not known here."""


def build(step: Step) -> Run:
    """Return what runs a step. Raises UnknownStep, and ValueError for a step whose arrays do not fit."""
    builder = BUILDERS.get(step.kind)
    if builder is None:
        raise UnknownStep(f"steps of kind {step.kind!r} are not known to this release")
    return builder(step)
