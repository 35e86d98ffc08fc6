"""Every estimator of the sweep that gets a plan: on rows that nobody has shown, it answers as its own engine does."""

import warnings
from collections import Counter

import numpy as np
import pytest

from model_store.batch import Batch
from model_store.capture.inference import infer
from model_store.capture.sample import samples
from model_store.compilers.compilation import NotCompiled
from model_store.compilers.registry import compile_plan
from model_store.engines.compiled import CompiledEngine
from model_store.engines.estimator import EstimatorEngine
from model_store.errors import StoreError
from model_store.extension import loader
from model_store.plans import files
from model_store.proof.proof import Comparison, pieces
from model_store.proof.threads import on_one_thread
from model_store.request_errors import RequestError
from tests.values.bodies import FORMATS, CannotBeWritten
from tests.values.estimators import boosters, trees
from tests.values.registry import FAMILIES

LEAST = {
    "linear": 67,
    "trees": 66,
    "unsupervised": 5,
    "transformers": 44,
    "texts": 10,
    "columns": 35,
    "dtypes": 2,
    "learned": 17,
    "boosters": 30,
}
"""So many estimators of each family have plans that are equal to them. It may only become more."""
UNEQUAL = {"IncrementalPCA", "TruncatedSVD", "TruncatedSVD, sparse"}
"""Estimators whose plans differ in the last bits, because their weights lie in memory as part of a larger array.

Publishing finds that and keeps the estimator.
"""


def _name(family):
    return family.__name__.rpartition(".")[2]


@pytest.fixture
def without_extension(monkeypatch):
    monkeypatch.setenv(loader.VARIABLE, "OFF")
    loader.kernels.cache_clear()
    yield
    loader.kernels.cache_clear()


@pytest.mark.parametrize("family", FAMILIES, ids=_name)
def test_whatever_gets_a_plan_answers_fresh_rows_to_the_last_bit(family, tmp_path):
    _compare(family, tmp_path)


@pytest.mark.usefixtures("without_extension")
@pytest.mark.parametrize("family", [trees, boosters], ids=_name)
def test_trees_answer_fresh_rows_to_the_last_bit_without_the_extension_too(family, tmp_path):
    assert loader.kernels() is None
    _compare(family, tmp_path)


def _compare(family, folder):
    found = {name: _compared(make(), folder) for name, make in family.CASES.items()}
    different = {name: words for name, words in found.items() if words not in ("no plan", "equal")}
    assert different.keys() <= UNEQUAL, different
    equal = Counter(found.values())["equal"]
    assert equal >= LEAST[_name(family)], equal


def _compared(case, folder):
    """Return ``no plan``, ``equal``, or how the plan's answers to the sample and to fresh rows differ."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            inferred = infer(case.estimator, samples.laid_out(case.sample), **case.options)
            files.write(folder, compile_plan(case.estimator, inferred.schema))
        except (NotCompiled, StoreError):
            return "no plan"
        plan = files.read((folder / files.PLAN).read_bytes(), np.load(folder / files.ARRAYS))
        with on_one_thread(case.estimator):
            return _unlike(case, inferred, CompiledEngine(plan, inferred.schema)) or "equal"


def _unlike(case, inferred, compiled):
    measure, names = EstimatorEngine(case.estimator, inferred.schema), [o.name for o in inferred.schema.outputs]
    batches = [inferred.batch, *_fresh(case, inferred.schema)]
    every = (piece for batch in batches for piece in pieces(batch, most=8))
    return Comparison(measure, compiled, names).difference(every)


def _fresh(case, schema) -> list[Batch]:
    """Return the fresh rows as the first format brings them that can say them."""
    for form in FORMATS.values():
        try:
            verb, request = form(case.fresh, schema)
            return [verb.decode(request, schema).batch]
        except CannotBeWritten:
            continue
        except RequestError:  # rows with gaps, of an estimator that takes none
            break
    return []
