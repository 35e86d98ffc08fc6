"""How large and how fast an estimator is when it is served."""

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from model_store.artifacts import joblib_format
from model_store.batch import Batch, take
from model_store.compilers.compilation import NotCompiled
from model_store.compilers.registry import compile_plan
from model_store.engines.compiled import CompiledEngine
from model_store.engines.engine import Engine
from model_store.engines.estimator import EstimatorEngine
from model_store.proof.threads import on_one_thread
from model_store.schema import Schema

_RUNS = 20


class Cost(NamedTuple):
    """Bytes of what is served, and CPU seconds for one row of the default output."""

    bytes: int
    row_seconds: float


def cost(estimator: Any, schema: Schema, batch: Batch) -> Cost:
    """Return what serving an estimator costs: as compiled arrays if it can be compiled, else as it is."""
    try:
        plan = compile_plan(estimator, schema)
    except NotCompiled:
        with on_one_thread(estimator):
            seconds = _row_seconds(EstimatorEngine(estimator, schema), schema, batch)
        return Cost(_stored_bytes(estimator), seconds)
    held = sum(array.nbytes for step in plan.steps for array in step.arrays.values())
    return Cost(held, _row_seconds(CompiledEngine(plan, schema), schema, batch))


def _stored_bytes(estimator: Any) -> int:
    with tempfile.TemporaryDirectory(prefix="millrace-size-") as folder:
        path = Path(folder) / "estimator"
        joblib_format.dump(estimator, path)
        return path.stat().st_size


def _row_seconds(engine: Engine, schema: Schema, batch: Batch) -> float:
    default, times = (schema.outputs[0].name,), []
    for run in range(_RUNS):
        row = take(batch, np.array([run % batch.rows]))
        start = time.thread_time()
        engine.predict(row, default)
        times.append(time.thread_time() - start)
    return median(times)
