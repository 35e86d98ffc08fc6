"""Outputs that answer the same rows otherwise each time: nobody could tell whether they are served right."""

from dataclasses import replace
from typing import Any

from model_store.capture.inference import Inferred
from model_store.capture.own import own_answers
from model_store.capture.recording import chosen_rows
from model_store.engines.equality import same
from model_store.errors import BadSample


def steadied(estimator: Any, inferred: Inferred) -> tuple[Inferred, list[str]]:
    """Return what was inferred without such outputs, and a warning for each. Raises BadSample for the default one."""
    rows = chosen_rows(inferred)
    once, again = (own_answers(estimator, inferred, rows) for _ in range(2))
    random = [name for name in once if not same(once[name], again[name])]
    if not random:
        return inferred, []
    if inferred.schema.outputs[0].name in random:
        raise BadSample(
            f"{random[0]} answers the same rows otherwise each time: set its random_state, and fit it again"
        )
    kept = tuple(output for output in inferred.schema.outputs if output.name not in random)
    told = [f"{name} is not served: it answers the same rows otherwise each time" for name in random]
    return replace(inferred, schema=replace(inferred.schema, outputs=kept)), told
