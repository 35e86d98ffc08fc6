"""Estimators made of others, whose rows pass through one after the other."""

from collections.abc import Mapping
from typing import Any

from model_store.compilers.compilation import Compilation, Compiler, Methods, Value


def _pipeline(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
    *first, (_, last) = estimator.steps
    for _, step in first:
        if step is not None and step != "passthrough":
            rows = compilation.compile(step, rows)["transform"]
    if last is None or last == "passthrough":
        return {"transform": rows}
    return compilation.compile(last, rows)


COMPILERS: Mapping[str, Compiler] = {"sklearn.pipeline.Pipeline": _pipeline}
