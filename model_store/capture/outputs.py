"""What an estimator can answer: read from its answers to sample rows."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from model_store.batch import Array, Batch, estimator_input, spread, take
from model_store.engines.answers import METHODS, dtype_of, plain
from model_store.errors import BadSample
from model_store.estimators import parts
from model_store.schema import INTEGERS, Output, Schema, Value

_MOST_ROWS = 10_000
_MOST_ENTRIES = 4 * 2**20
_EXACT = 2**53
_LABELLING = frozenset({"classifier", "clusterer", "outlier_detector"})
_ANSWER_ANYTHING = frozenset({"FunctionTransformer", "TransformedTargetRegressor"})


def discover(estimator: Any, schema: Schema, batch: Batch) -> tuple[Output, ...]:
    """Return what the estimator answers to rows of a schema, by trying; what the schema says of outputs is a guess.

    Up to 10,000 rows, evenly over the batch, are asked for each method, fewer if the schema's outputs are huge. Whole
    numbers that are no labels are float64 if other rows may be answered with other numbers: by a user's own function,
    or where a value is missing. Raises BadSample if the estimator cannot answer.
    """
    outputs: list[Output] = []
    for method in METHODS:
        if not callable(getattr(estimator, method, None)):
            continue
        try:
            outputs += _tried(estimator, method, schema, take(batch, _spread(schema, method, batch.rows)))
        except Exception as error:
            if method == "predict" or (method == "transform" and not outputs):
                raise BadSample(f"{method} failed on the sample: {type(error).__name__}: {error}") from error
    if not outputs:
        raise BadSample(f"{type(estimator).__name__} has no method that answers new rows ({', '.join(METHODS)})")
    return tuple(outputs)


def _spread(schema: Schema, method: str, rows: int) -> Array:
    entries = sum(math.prod(output.shape) for output in schema.outputs if output.name.startswith(method))
    most = min(_MOST_ROWS, max(1, _MOST_ENTRIES // max(entries, 1)))
    return spread(rows, most)


def _tried(estimator: Any, method: str, schema: Schema, rows: Batch) -> list[Output]:
    answer = getattr(estimator, method)(estimator_input(schema, rows))
    any_number = not (method == "predict" and schema.task in _LABELLING) and _answers_any_number(estimator, schema)
    return [
        _output(name, array, labels, rows.rows, any_number=any_number)
        for name, array, labels in _named(estimator, method, answer, rows.rows)
    ]


def _answers_any_number(estimator: Any, schema: Schema) -> bool:
    return any(column.nullable for column in schema.columns) or any(
        type(part).__module__.partition(".")[0] != "sklearn" or type(part).__name__ in _ANSWER_ANYTHING
        for part in parts(estimator)
    )


def _named(estimator: Any, method: str, answer: Any, count: int) -> Iterator[tuple[str, Array, tuple[Value, ...]]]:
    """Yield the name, the entries and their labels of each output that a method's answer holds."""
    classes: Any = getattr(estimator, "classes_", None)
    if isinstance(answer, list) and answer and all(np.ndim(part) == 2 for part in answer):  # noqa: PLR2004 - rows, classes
        per_target = classes if isinstance(classes, list) else [None] * len(answer)
        for i, (part, names) in enumerate(zip(answer, per_target, strict=True)):
            yield f"{method}_{i}", plain(part), _values(names)
        return
    array = plain(answer)
    if method == "transform":
        yield method, array, _feature_names(estimator, array)
        return
    if method == "predict" and not isinstance(classes, list) and np.ndim(classes) == 1 and array.shape == (count, 1):
        array = array[:, 0]  # the labels of one target, which some libraries answer as a column
    yield (
        method,
        array,
        () if isinstance(classes, list) or (array.ndim == 1 and method != "predict") else _values(classes),
    )


def _output(name: str, array: Array, labels: tuple[Value, ...], count: int, *, any_number: bool) -> Output:
    if array.ndim == 0 or len(array) != count:
        raise BadSample(f"{name} answered {list(array.shape)} to {count} rows: expected one entry for each row")
    if array.dtype.kind == "V":
        raise BadSample(
            f"{name} answered a structured array ({array.dtype}): answer an array with a column for each field"
        )
    shape, dtype = array.shape[1:], dtype_of(array)
    if any_number and dtype in INTEGERS and _exact_as_floats(array):
        dtype = "float64"
    fits = not shape or len(labels) == shape[-1]
    return Output(name, dtype, tuple(shape), labels if fits else ())


def _exact_as_floats(whole: Array) -> bool:
    return not whole.size or (int(whole.min()) >= -_EXACT and int(whole.max()) <= _EXACT)


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
