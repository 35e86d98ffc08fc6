"""Parts of an estimator that there are no steps for: their own methods are called, with arrays."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.compilers.compilation import Compilation, Compiler, Methods, Value, refuse
from model_store.estimators import NAMES, is_blind, makes_tables, nameless, parts, path_to
from model_store.plans.plan import CALL

_METHODS = ("predict", "predict_proba", "decision_function", "transform", "score_samples")
_DIMENSIONS = {1: "vector", 2: "matrix"}


def caller(root: Any) -> Compiler:
    """Return what compiles a part of an estimator into calls of its methods with an array.

    Of the parts that get a DataFrame in the estimator these are scikit-learn's own that do not look at the names of
    columns. It raises NotCompiled for the whole estimator, for all other parts that were fitted on a DataFrame or make
    one, and for one that answers neither numbers nor texts in an array.
    """

    def compile_call(compilation: Compilation, estimator: Any, rows: Value) -> Methods:
        gets_table = rows.form == "frame" or bool(rows.names)
        path, rows = path_to(root, estimator), compilation.matrix(rows)
        if not path or np.dtype(rows.dtype).kind not in "biuf":
            refuse("it is the whole estimator, or gets no array of numbers")
        if any(_has_names(part, estimator) or (gets_table and not is_blind(part)) for part in parts(estimator)):
            refuse("it may look at the names of columns")
        found = {
            method: compilation.add(CALL, rows, settings={"path": list(path), "method": method}, **_known(answer))
            for method, answer in _answers(estimator, rows)
        }
        return found or refuse("it answers nothing that is known")

    return compile_call


def _has_names(part: Any, called: Any) -> bool:
    """Return whether a part makes tables, or knows the names of columns and cannot be called without them."""
    if hasattr(part, NAMES):
        return part is not called or NAMES not in vars(part) or not is_blind(part)
    return makes_tables(part)


def _answers(estimator: Any, rows: Value) -> Iterator[tuple[str, Array]]:
    """Yield what each method answers to two rows of zeros, if that is an array."""
    zeros, called = np.zeros((2, rows.width), rows.dtype), nameless(estimator)
    for method in _METHODS:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                answer = getattr(called, method)(zeros.copy())
        except Exception:  # noqa: BLE001, S112 - it has no such method, or refuses zeros
            continue
        if type(answer) is np.ndarray and answer.ndim in _DIMENSIONS and len(answer) == len(zeros):
            yield method, answer


def _known(answer: Array) -> dict[str, Any]:
    dtype = answer.dtype.name if answer.dtype.kind in "biuf" else "object"
    return {"form": _DIMENSIONS[answer.ndim], "dtype": dtype, "width": answer.shape[1] if answer.ndim > 1 else 1}
