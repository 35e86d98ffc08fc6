"""Outputs that answer the same rows otherwise each time: nobody could tell whether they are served right."""

from dataclasses import replace
from typing import Any

from model_store.capture.inference import Inferred
from model_store.capture.own import own_answers
from model_store.capture.recording import chosen_rows, golden_of
from model_store.engines.equality import same
from model_store.errors import BadSample
from model_store.reference.golden import Golden


def steadied(estimator: Any, inferred: Inferred) -> tuple[Inferred, Golden, list[str]]:
    """Return what was inferred and the publisher's own answers without such outputs, and a warning for each.

    Raises BadSample if the default output is one.
    """
    once = golden_of(estimator, inferred)
    again = own_answers(estimator, inferred, chosen_rows(inferred))
    random = [name for name, answer in once.answers.items() if not same(answer, again[name])]
    if not random:
        return inferred, once, []
    if inferred.schema.outputs[0].name in random:
        raise BadSample(
            f"{random[0]} answers the same rows otherwise each time: set its random_state, and fit it again"
        )
    outputs = tuple(output for output in inferred.schema.outputs if output.name not in random)
    kept = replace(once, answers={output.name: once.answers[output.name] for output in outputs})
    told = [f"{name} is not served: it answers the same rows otherwise each time" for name in random]
    return replace(inferred, schema=replace(inferred.schema, outputs=outputs)), kept, told
