"""The plan of an estimator, written into its version if it is proven and fast, and what may be joined with it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from model_store.capture.inference import Inferred
from model_store.engines.arrays import ArrayEngine
from model_store.engines.compiled import CompiledEngine
from model_store.engines.estimator import EstimatorEngine
from model_store.joining import verdict
from model_store.joining.record import Batching
from model_store.manifest import ENGINES
from model_store.plans import files
from model_store.proof.record import ARRAYS, COMPILED
from model_store.proof.threads import on_one_thread
from model_store.proof.verdict import Case, judge
from model_store.reference.golden import Golden


def write_plan(estimator: Any, inferred: Inferred, kept: Golden, folder: Path, batching: Batching) -> Mapping[str, Any]:
    """Write the estimator's plan into a version's folder if that is what is used.

    Returns the options that say which engine is used, and for which outputs requests are joined with it.
    """
    engines = judge(Case(estimator, inferred.schema, inferred.batch, kept), folder)
    with on_one_thread(estimator), _chosen(estimator, inferred, folder, engines["chosen"]) as engine:
        engine.compare_floats(kept.batch, kept.answers)
        joins = verdict.judge(verdict.Subject(engine, inferred.schema, estimator), inferred.batch, batching)
    return {ENGINES: engines, **joins}


@contextmanager
def _chosen(estimator: Any, inferred: Inferred, folder: Path, kind: str) -> Iterator[CompiledEngine | EstimatorEngine]:
    if kind == COMPILED:
        yield CompiledEngine(files.mapped(folder), inferred.schema, estimator)
    elif kind == ARRAYS:
        engine = ArrayEngine(estimator, inferred.schema)
        try:
            yield engine
        finally:
            engine.discard()
    else:
        yield EstimatorEngine(estimator, inferred.schema)
