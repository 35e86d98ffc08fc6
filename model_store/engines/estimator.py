"""scikit-learn itself: an estimator's own methods, called the way it was fitted."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from model_store.batch import Array, Batch, estimator_input
from model_store.engines.answers import METHODS, as_dtype, plain
from model_store.engines.apart import in_floats, joined, parts, tight_columns, two_parts
from model_store.engines.declared import as_declared
from model_store.engines.engine import Engine
from model_store.engines.equality import identical
from model_store.schema import Output, Schema

log = logging.getLogger(__name__)


class EstimatorEngine(Engine):
    """The estimator's own methods, called with an array, a DataFrame or a series. The measure of all other engines."""

    name = "scikit-learn"

    def __init__(self, estimator: Any, schema: Schema) -> None:
        self._estimator = estimator
        self._schema = schema
        self._tight = tight_columns(schema)
        self._in_floats = False

    def compare_floats(self, batch: Batch, given: Mapping[str, Array]) -> None:
        """Take whole numbers with gaps as floats from now on, if the answers ``given`` to the batch stay the same.

        That saves a prediction for each pattern of gaps.
        """
        asked = self._tight and given and not self._in_floats
        floats = in_floats(self._schema, self._tight, batch) if asked else None
        if floats is None:
            return
        try:
            made = self._answers(floats, tuple(given))
        except Exception:
            log.debug("%s does not take whole numbers as floats", type(self._estimator).__name__, exc_info=True)
            return
        self._in_floats = all(identical(made[name], answer) for name, answer in given.items())

    def predict(self, batch: Batch, outputs: Sequence[str]) -> Mapping[str, Array]:
        """Return what the estimator answers; see Engine for what it raises."""
        if not self._tight or batch.matrix is not None:
            return self._answers(batch, outputs)
        split = two_parts(self._schema, self._tight, batch) if self._in_floats else None
        split = split or parts(self._schema, self._tight, batch)
        found = [(part.rows, self._answers(part.batch, outputs)) for part in split]
        return found[0][1] if len(found) == 1 else joined(found, outputs)

    def _answers(self, batch: Batch, outputs: Sequence[str]) -> dict[str, Array]:
        rows = partial(estimator_input, self._schema, batch)
        return answers_to(self._estimator, self._schema, outputs, rows, batch.rows)


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
