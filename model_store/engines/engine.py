"""The port: what every engine offers, and what one offers that may take scikit-learn's place."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from model_store.batch import Array, Batch
from model_store.schema import Schema


class Engine(Protocol):
    """Something that answers for a model. ``name`` says what it is in the log."""

    name: str

    def predict(self, batch: Batch, outputs: Sequence[str]) -> Mapping[str, Array]:
        """Return one array of ``batch.rows`` entries for each wanted output.

        Raises KeyError for an output that the schema does not have, and what the estimator raises.
        """


class Candidate(Engine, Protocol):
    """An engine that is faster for some estimators, and that is chosen only if it answers the same to the last bit.

    It has to refuse the rows that the estimator refuses, such as NaN: the golden rows are all answered, so that they
    cannot show it.
    """

    def __init__(self, estimator: Any, schema: Schema) -> None: ...

    @classmethod
    def admits(cls, estimator: Any, schema: Schema) -> bool:
        """Return whether the engine can stand for such an estimator, as far as that shows before it predicts."""

    def discard(self) -> None:
        """Undo what the engine changed in the estimator, because another engine is chosen."""
