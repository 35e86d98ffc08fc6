"""What an estimator can answer: read from its answers to sample rows."""

from collections.abc import Callable
from typing import Any

import numpy as np

from model_store.batch import Array
from model_store.engines.answers import METHODS, dtype_of, plain
from model_store.errors import BadSample
from model_store.schema import Output, Value


def discover(estimator: Any, rows: Callable[[], Any], count: int) -> tuple[Output, ...]:
    """Return what the estimator answers to ``count`` rows, by trying: ``rows`` makes them again for each method.

    Raises BadSample if it cannot answer.
    """
    outputs: list[Output] = []
    for method in METHODS:
        if not callable(getattr(estimator, method, None)):
            continue
        try:
            outputs += _described(estimator, method, getattr(estimator, method)(rows()), count)
        except Exception as error:
            if method == "predict" or (method == "transform" and not outputs):
                raise BadSample(f"{method} failed on the sample: {type(error).__name__}: {error}") from error
    if not outputs:
        raise BadSample(f"{type(estimator).__name__} has no method that answers new rows ({', '.join(METHODS)})")
    return tuple(outputs)


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
