"""An engine leaves the memory as soon as nobody holds it: what a worker has at its start, no collector looks at."""

import gc
import weakref

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from model_store.compilers.registry import compile_plan
from model_store.engines.arrays import ArrayEngine
from model_store.engines.compiled import CompiledEngine
from model_store.engines.estimator import EstimatorEngine
from model_store.schema import Column, Output, Schema

SCHEMA = Schema("matrix", (Column("x0", "float64"), Column("x1", "float64")), (Output("predict", "int64"),))
ROWS = np.random.default_rng(0).normal(size=(30, 2))
FITTED = LogisticRegression().fit(ROWS, np.arange(30) % 3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: EstimatorEngine(FITTED, SCHEMA),
        lambda: ArrayEngine(FITTED, SCHEMA),
        lambda: CompiledEngine(compile_plan(FITTED, SCHEMA), SCHEMA),
    ],
)
def test_an_engine_that_nobody_holds_is_gone_without_a_collector(make):
    gc.collect()
    gc.disable()
    try:
        engine = make()
        kept = weakref.ref(engine)
        del engine
        assert kept() is None
    finally:
        gc.enable()
