"""What executes a loaded model. A version's engine is chosen once, when it is warmed, by its answers to golden rows."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from model_store.answers import answers, same
from model_store.batch import Array, Batch
from model_store.golden import Golden
from model_store.schema import Schema

log = logging.getLogger(__name__)


class Engine(Protocol):
    """Something that answers for a model. ``name`` says what it is, for logs and metrics."""

    name: str

    def predict(self, batch: Batch, outputs: Sequence[str]) -> Mapping[str, Array]:
        """One array of ``batch.rows`` entries for each wanted output; raises whatever the estimator raises."""


class ScikitLearnEngine:
    """The estimator's own methods, called the way it was fitted: with an array, a DataFrame or a series."""

    name = "scikit-learn"

    def __init__(self, estimator: Any, schema: Schema) -> None:
        self._estimator = estimator
        self._schema = schema

    def predict(self, batch: Batch, outputs: Sequence[str]) -> Mapping[str, Array]:
        """See Engine."""
        return answers(self._estimator, self._schema, batch, outputs)


class ArrayEngine(ScikitLearnEngine):
    """The methods of an estimator fitted on a DataFrame of one number type, called with plain arrays.

    Making a DataFrame and checking its column names costs more than many a prediction. Values, their order and their
    type are the same, so an estimator that never looks at column names answers the same.
    """

    name = "scikit-learn on arrays"

    def __init__(self, estimator: Any, schema: Schema) -> None:
        super().__init__(estimator, replace(schema, layout="matrix"))


class NoEngine(RuntimeError):
    """No engine reproduces the stored answers; the message says what came out wrong."""


def choose(estimator: Any, schema: Schema, golden: Golden) -> Engine:
    """The first candidate that reproduces the golden answers; raises NoEngine where scikit-learn itself does not.

    scikit-learn's own answers are the measure: a faster candidate has to give them to the last bit.
    """
    plain = ScikitLearnEngine(estimator, schema)
    given = plain.predict(golden.batch, tuple(golden.answers))
    _compare(given, golden.answers)
    for candidate in CANDIDATES:
        engine = candidate(estimator, schema, golden, given)
        if engine is not None:
            return engine
    return plain


Candidate = Callable[[Any, Schema, Golden, Mapping[str, Array]], Engine | None]
"""Makes an engine that gives, for the golden rows, the answers of the last argument, bit for bit; or gives None."""


def on_arrays(estimator: Any, schema: Schema, golden: Golden, given: Mapping[str, Array]) -> Engine | None:
    """An ArrayEngine, for a table of one number type whose estimator never selects columns by name."""
    if schema.layout != "table" or not schema.homogeneous or not _blind_to_names(estimator):
        return None
    engine = ArrayEngine(estimator, schema)
    with _without_names(estimator) as keep:
        if _reproduces(engine, golden, given):
            keep()
            return engine
    return None


CANDIDATES: tuple[Candidate, ...] = (on_arrays,)
"""Tried in this order, the fastest first; scikit-learn's own methods are the last resort and the measure."""


def identical(one: Array, other: Array) -> bool:
    """Whether two arrays have the same dtype, shape and values, bit for bit; NaN equals NaN."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype == object:
        return bool(np.all([a is b or a == b for a, b in zip(one.flat, other.flat, strict=True)]))
    return one.tobytes() == other.tobytes()


def _reproduces(engine: Engine, golden: Golden, given: Mapping[str, Array]) -> bool:
    try:
        made = engine.predict(golden.batch, tuple(given))
    except Exception:
        log.debug("%s does not take the golden rows", engine.name, exc_info=True)
        return False
    return all(identical(made[name], answer) for name, answer in given.items())


def _compare(given: Mapping[str, Array], stored: Mapping[str, Array]) -> None:
    for name, answer in stored.items():
        if not same(given[name], answer):
            raise NoEngine(f"its answers to the stored sample are not those stored with it (output {name!r})")


def _blind_to_names(estimator: Any) -> bool:
    """Whether nothing inside looks at column names: scikit-learn's own parts, none that selects or makes frames."""
    return all(_is_blind(part) for part in parts(estimator))


def _is_blind(part: Any) -> bool:
    kind = type(part)
    return (
        kind.__module__.partition(".")[0] == "sklearn"
        and kind.__name__ not in {"ColumnTransformer", "FunctionTransformer"}
        and not getattr(part, "_sklearn_output_config", None)
    )


def parts(estimator: Any) -> Iterator[Any]:
    """The estimator and every estimator inside it, each once."""
    seen: set[int] = set()
    waiting = [estimator]
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, (list, tuple, set)):
            waiting.extend(item)
        elif isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, np.ndarray):
            waiting.extend(item.flat if item.dtype == object else ())
        elif hasattr(item, "get_params") and hasattr(item, "__dict__"):
            yield item
            waiting.extend(vars(item).values())


@contextmanager
def _without_names(estimator: Any) -> Iterator[Callable[[], None]]:
    """Take the fitted column names out, so that arrays pass without a warning; put them back unless told to keep."""
    taken = [
        (part, vars(part).pop("feature_names_in_")) for part in parts(estimator) if "feature_names_in_" in vars(part)
    ]
    kept: list[bool] = []
    try:
        yield lambda: kept.append(True)
    finally:
        for part, names in () if kept else taken:
            part.feature_names_in_ = names
