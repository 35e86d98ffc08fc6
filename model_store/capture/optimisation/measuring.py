"""How large and how fast an estimator is when it is served."""

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from model_store.artifacts import joblib_format
from model_store.batch import Batch
from model_store.compilers.compilation import NotCompiled
from model_store.compilers.registry import compile_plan
from model_store.engines.compiled import CompiledEngine
from model_store.engines.estimator import EstimatorEngine
from model_store.proof import costs
from model_store.proof.threads import on_one_thread
from model_store.schema import Schema


class Cost(NamedTuple):
    """Bytes of what is served, and CPU seconds for one row of the default output."""

    bytes: int
    row_seconds: float


def cost(estimator: Any, schema: Schema, batch: Batch) -> Cost:
    """Return what serving an estimator costs: as compiled arrays if it can be compiled, else as it is."""
    default = schema.outputs[0].name
    try:
        plan = compile_plan(estimator, schema)
    except NotCompiled:
        with on_one_thread(estimator):
            seconds = costs.of_one_row(EstimatorEngine(estimator, schema), batch, default)
        return Cost(_stored_bytes(estimator), seconds)
    held = sum(array.nbytes for step in plan.steps for array in step.arrays.values())
    return Cost(held, costs.of_one_row(CompiledEngine(plan, schema), batch, default))


def _stored_bytes(estimator: Any) -> int:
    with tempfile.TemporaryDirectory(prefix="millrace-size-") as folder:
        path = Path(folder) / "estimator"
        joblib_format.dump(estimator, path)
        return path.stat().st_size
