"""The plan of an estimator, written into its version if it is proven and fast."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model_store.capture.inference import Inferred
from model_store.manifest import ENGINES
from model_store.proof.verdict import Case, judge
from model_store.reference.golden import Golden


def write_plan(estimator: Any, inferred: Inferred, kept: Golden, folder: Path) -> Mapping[str, Any]:
    """Write the estimator's plan into a version's folder if that is what is used, and return the options that say."""
    return {ENGINES: judge(Case(estimator, inferred.schema, inferred.batch, kept), folder)}
