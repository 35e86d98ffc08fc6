"""What an estimator answers, by method; the same code for the publisher, the gate and the service."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from model_store.batch import Array, Batch, estimator_input
from model_store.errors import BadSample
from model_store.schema import NUMBERS, Output, Schema, Value

METHODS = ("predict", "predict_proba", "decision_function", "transform", "score_samples")
"""The methods that are outputs, the default answer first: predict, or what comes next for estimators without it."""

FLOAT64_TOLERANCE = 1e-9
FLOAT32_TOLERANCE = 1e-5


def answers(estimator: Any, schema: Schema, batch: Batch, outputs: Sequence[str]) -> dict[str, Array]:
    """The wanted outputs, each an array of ``batch.rows`` entries of the shape and dtype that the schema says.

    Strings are object arrays. ``predict_proba_0``, ``predict_proba_1``, … are the entries of the list that multi-output
    classifiers answer. Raises what the estimator raises, and KeyError for an output that the schema does not have.
    """
    rows = estimator_input(schema, batch)
    raw: dict[str, Any] = {}
    found: dict[str, Array] = {}
    for name in outputs:
        output = schema.output(name)
        if output is None:
            raise KeyError(name)
        method, index = _method(name)
        if method not in raw:
            raw[method] = getattr(estimator, method)(rows)
        answer = raw[method] if index is None else raw[method][index]
        found[name] = as_dtype(plain(answer), output.dtype)
    return found


def same(a: Array, b: Array) -> bool:
    """Whether two answers are equal for golden replay.

    Shapes and kinds must agree. Strings, bools, integers and datetimes must be equal; missing equals missing. Floats
    may differ by rounding that another processor or batch size brings: 1e-9 (float64) or 1e-5 (float32), relative to
    each value and to the largest magnitude in the array.
    """
    if a.shape != b.shape or a.dtype.kind != b.dtype.kind:
        return False
    if a.dtype.kind == "O":
        return bool(all(_same_object(x, y) for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)))
    if a.dtype.kind == "M":
        return bool(np.array_equal(a, b, equal_nan=True))
    if a.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    tolerance = (
        FLOAT32_TOLERANCE
        if min(a.dtype.itemsize, b.dtype.itemsize) < np.dtype("float64").itemsize
        else FLOAT64_TOLERANCE
    )
    finite = np.abs(a[np.isfinite(a)])
    scale = float(finite.max()) if finite.size else 0.0
    return bool(np.allclose(a, b, rtol=tolerance, atol=tolerance * scale, equal_nan=True))


def discover(estimator: Any, rows: Any, count: int) -> tuple[Output, ...]:
    """What the estimator answers to these rows, by trying; raises BadSample where it cannot answer."""
    outputs: list[Output] = []
    for method in METHODS:
        if not callable(getattr(estimator, method, None)):
            continue
        try:
            outputs += _described(estimator, method, getattr(estimator, method)(rows), count)
        except Exception as error:
            if method == "predict" or (method == "transform" and not outputs):
                raise BadSample(f"{method} failed on the sample: {type(error).__name__}: {error}") from error
    if not outputs:
        raise BadSample(f"{type(estimator).__name__} has no method that answers new rows ({', '.join(METHODS)})")
    return tuple(outputs)


def plain(answer: Any) -> Array:
    """An estimator's answer (array, list, sparse matrix, DataFrame, Series) as a dense array."""
    if isinstance(answer, np.ndarray):
        return answer
    if hasattr(answer, "toarray"):
        return np.asarray(answer.toarray())
    if hasattr(answer, "to_numpy"):
        return np.asarray(answer.to_numpy())
    return np.asarray(answer)


def as_dtype(array: Array, dtype: str) -> Array:
    """The array in a schema's dtype; strings become an object array of str, None where they are missing."""
    if dtype != "string":
        return array.astype(dtype, copy=False)
    if array.dtype.kind != "O":
        return array.astype(str).astype(object)
    flat = [None if _missing(value) else value if isinstance(value, str) else str(value) for value in array.ravel()]
    texts = np.empty(len(flat), dtype=object)
    texts[:] = flat
    return texts.reshape(array.shape)


def dtype_of(array: Array) -> str:
    """The schema's name for an answer's dtype; numbers in object arrays are looked at one by one."""
    if array.dtype.kind == "O":
        guess = np.asarray(array.tolist())
        return dtype_of(guess) if guess.dtype.kind in "biuf" and guess.shape == array.shape else "string"
    if array.dtype.name in (*NUMBERS, "bool"):
        return array.dtype.name
    if array.dtype.kind == "f":
        return "float32" if array.dtype.itemsize < np.dtype("float32").itemsize else "float64"
    return "datetime64[ns]" if array.dtype.kind == "M" else "string"


def _method(output: str) -> tuple[str, int | None]:
    head, _, tail = output.rpartition("_")
    return (head, int(tail)) if head in METHODS and tail.isdigit() else (output, None)


def _described(estimator: Any, method: str, answer: Any, count: int) -> list[Output]:
    classes = getattr(estimator, "classes_", None)
    if isinstance(answer, list) and answer and all(np.ndim(part) == 2 for part in answer):  # noqa: PLR2004 - rows, classes
        per_target = classes if isinstance(classes, list) else [None] * len(answer)
        return [
            _output(f"{method}_{i}", plain(part), _values(names), count)
            for i, (part, names) in enumerate(zip(answer, per_target, strict=True))
        ]
    array = plain(answer)
    if method == "transform":
        return [_output(method, array, _feature_names(estimator, array), count)]
    names = () if isinstance(classes, list) or (array.ndim == 1 and method != "predict") else _values(classes)
    return [_output(method, array, names, count)]


def _output(name: str, array: Array, labels: tuple[Value, ...], count: int) -> Output:
    if array.ndim == 0 or len(array) != count:
        raise BadSample(f"{name} answered {list(array.shape)} to {count} rows: expected one entry for each row")
    shape = array.shape[1:]
    fits = not shape or len(labels) == shape[-1]
    return Output(name, dtype_of(array), tuple(shape), labels if fits else ())


def _values(classes: Any) -> tuple[Value, ...]:
    if classes is None or np.ndim(classes) != 1:
        return ()
    return tuple(
        value if isinstance(value, (bool, int, float, str)) else str(value) for value in np.asarray(classes).tolist()
    )


def _feature_names(estimator: Any, array: Array) -> tuple[Value, ...]:
    try:
        names = tuple(str(name) for name in estimator.get_feature_names_out())
    except Exception:  # noqa: BLE001 - optional, and third-party steps raise anything
        return ()
    return names if array.ndim > 1 and len(names) == array.shape[-1] else ()


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124 - NaN alone differs from itself


def _same_object(a: Any, b: Any) -> bool:
    return bool(a == b) or (_missing(a) and _missing(b))
