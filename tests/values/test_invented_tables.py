"""Invented tables of every dtype that pandas has, with gaps, zones, categories and odd names, against Python itself."""

import warnings
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import note

from tests.system.fuzzing import FACTOR, fuzz
from tests.values.bodies import FORMATS
from tests.values.invented import recipes
from tests.values.kinds import KINDS, SHOWN, UNSAID
from tests.values.serving import Workbench

CASES = 100
"""So many without FUZZ_FACTOR; the long run with 10 asks a thousand."""


@pytest.fixture
def workbench(tmp_path):
    return Workbench(tmp_path)


def served_recipe(recipe):
    """The recipe; one that shows how values read, if scikit-learn does not take such rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            case = recipe.case()
            case.estimator.predict(case.fresh) if hasattr(case.estimator, "predict") else None
        except (ArithmeticError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError):
            return replace(recipe, pipeline="texts")
    return recipe


def test_what_is_served_is_what_python_answers(workbench):
    seen = Counter()

    def compare(recipe):
        note(repr(recipe))
        outcome = workbench.sweep(served_recipe(recipe).case())
        kinds = {column.kind for column in recipe.columns}
        assert outcome.wrong == {}
        assert outcome.refused == {}
        if not kinds & SHOWN:
            assert bool(outcome.unpublished) == bool(kinds & UNSAID.keys()), outcome.unpublished
        seen.update(kinds)
        seen.update(outcome.equal)

    assert fuzz(recipes, CASES, compare) >= CASES
    assert all(seen[form] > CASES / 3 for form in FORMATS)
    assert not FACTOR or seen.keys() >= KINDS.keys()
