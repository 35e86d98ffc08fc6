"""Estimators as publishing hands them to the proof, and plans with planted errors."""

import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from model_store.capture.inference import infer
from model_store.capture.recording import golden_of
from model_store.compilers.registry import compile_plan
from model_store.plans.plan import Plan
from model_store.proof.verdict import Case, judge


def case(estimator, sample):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inferred = infer(estimator, sample)
        return Case(estimator, inferred.schema, inferred.batch, golden_of(estimator, inferred))


def judged(given, compiler=compile_plan):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with tempfile.TemporaryDirectory() as folder:
            facts = judge(given, Path(folder), compiler=compiler, seconds=2)
            left = sorted(path.name for path in Path(folder).iterdir())
            assert left == (["arrays.npy", "plan.json"] if facts["chosen"] == "compiled" else [])
            return facts


def spoiled(kind, spoil):
    """Return a compiler whose steps of a kind have been changed by ``spoil``, which takes and returns a Step."""

    def compiler(estimator, schema):
        plan = compile_plan(estimator, schema)
        return Plan(tuple(spoil(step) if step.kind == kind else step for step in plan.steps), plan.outputs)

    return compiler


def with_array(step, name, values):
    return replace(step, arrays={**step.arrays, name: np.ascontiguousarray(values)})


def numbers(count=400, features=6):
    """Return rows, two classes and four classes."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(count, features))
    score = rows[:, 0] + rows[:, 1] ** 2 + rng.normal(scale=0.3, size=count)
    return rows, np.array(["no", "yes"])[(score > 1).astype(int)], np.digitize(score, [0, 1, 2])
