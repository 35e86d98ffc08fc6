"""The plan of an estimator, written into its version if it is proven."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model_store.batch import Batch
from model_store.compilers.compilation import NotCompiled
from model_store.compilers.registry import compile_plan
from model_store.engines.compiled import CompiledEngine
from model_store.engines.estimator import EstimatorEngine
from model_store.manifest import ENGINES
from model_store.plans import files
from model_store.proof.proof import difference, in_sizes
from model_store.reference.golden import Golden
from model_store.schema import Schema

log = logging.getLogger(__name__)


def write_plan(estimator: Any, schema: Schema, kept: Golden, folder: Path) -> Mapping[str, Any]:
    """Write the estimator's plan into a version's folder if it answers the same, and return the options that say so."""
    try:
        plan = compile_plan(estimator, schema)
        engine = CompiledEngine(plan, schema)
    except NotCompiled as reason:
        return {ENGINES: {"why_not_compiled": str(reason)}}
    batches: list[Batch] = list(in_sizes(kept.batch))
    unlike = difference(EstimatorEngine(estimator, schema), engine, batches, [o.name for o in schema.outputs])
    if unlike:
        return {ENGINES: {"why_not_compiled": f"{unlike} is not the same to the last bit"}}
    files.write(folder, plan)
    return {ENGINES: {"compiled": True}}
