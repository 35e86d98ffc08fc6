"""scikit-learn itself: an estimator's own methods, called the way it was fitted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from model_store.batch import Array, Batch, estimator_input
from model_store.engines.answers import METHODS, as_dtype, plain
from model_store.engines.apart import Apart
from model_store.engines.declared import as_declared
from model_store.engines.engine import Engine
from model_store.schema import Output, Schema


class EstimatorEngine(Engine):
    """The estimator's own methods, called with an array, a DataFrame or a series. The measure of all other engines."""

    name = "scikit-learn"

    def __init__(self, estimator: Any, schema: Schema) -> None:
        self.estimator = estimator
        self._schema = schema
        self._apart = Apart(schema)

    def compare_floats(self, batch: Batch, given: Mapping[str, Array]) -> None:
        """Take whole numbers with gaps as floats from now on, if the answers ``given`` to the batch stay the same."""
        self._apart.compare_floats(self._answers, batch, given)

    def predict(self, batch: Batch, outputs: Sequence[str]) -> Mapping[str, Array]:
        """Return what the estimator answers; see Engine for what it raises."""
        return self._apart.predict(self._answers, batch, outputs)

    def _answers(self, batch: Batch, outputs: Sequence[str]) -> dict[str, Array]:
        rows = partial(estimator_input, self._schema, batch)
        return answers_to(self.estimator, self._schema, outputs, rows, batch.rows)


def answers(estimator: Any, schema: Schema, batch: Batch, outputs: Sequence[str]) -> dict[str, Array]:
    """Return the wanted outputs, each an array of ``batch.rows`` entries of the shape and dtype that the schema says.

    Each method sees the rows as they are in the batch, and the batch stays as it is. Strings are object arrays.
    ``predict_proba_0``, ``predict_proba_1``, … are the entries of the list that multi-output classifiers answer. Raises
    what the estimator raises, KeyError for an output that the schema does not have, and UndeclaredAnswer.
    """
    return dict(EstimatorEngine(estimator, schema).predict(batch, outputs))


def answers_to(
    estimator: Any, schema: Schema, outputs: Sequence[str], rows: Callable[[], Any], count: int
) -> dict[str, Array]:
    """Return the wanted outputs for ``count`` rows, which ``rows`` makes again for each method.

    Raises as ``answers`` does.
    """
    found = _answers(estimator, schema, outputs, rows)
    return {output.name: as_declared(answer, output, count) for output, answer in found}


def answers_on_shared_rows(estimator: Any, schema: Schema, batch: Batch, outputs: Sequence[str]) -> dict[str, Array]:
    """Return the wanted outputs as release 0.1.0 recorded them.

    Each output sees what the ones before it left of the rows, and is cast to its dtype even if that loses values.
    """
    rows = estimator_input(schema, batch)
    found = _answers(estimator, schema, outputs, lambda: rows)
    return {output.name: as_dtype(answer, output.dtype) for output, answer in found}


def _answers(
    estimator: Any, schema: Schema, outputs: Sequence[str], rows: Callable[[], Any]
) -> Iterator[tuple[Output, Array]]:
    raw: dict[str, Any] = {}
    for name in outputs:
        output = schema.output(name)
        if output is None:
            raise KeyError(name)
        method, index = _method(name)
        if method not in raw:
            raw[method] = getattr(estimator, method)(rows())
        yield output, plain(raw[method] if index is None else raw[method][index])


def _method(output: str) -> tuple[str, int | None]:
    head, _, tail = output.rpartition("_")
    return (head, int(tail)) if head in METHODS and tail.isdigit() else (output, None)
