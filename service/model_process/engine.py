"""The engine of a version whose predictions are made in a process: asked like any other, or without waiting."""

import weakref
from collections.abc import Mapping, Sequence

from model_store.batch import Array, Batch
from model_store.engines.engine import Engine
from service.errors import ModelCrashed, ModelNotReady, PredictionTimeout
from service.model_process.process import Died, Late, ModelProcess, Outcome

_LOOK = 1.0


class ProcessEngine(Engine):
    """Asks a model process. The process is ended once nobody has the engine any more.

    What can go on meanwhile asks ``process`` itself; ``predict`` waits, as every engine does.
    """

    def __init__(self, process: ModelProcess, name: str) -> None:
        self.process = process
        self.name = f"{name}, in a process"
        self._closing = weakref.finalize(self, process.close)

    def predict(self, batch: Batch, outputs: Sequence[str]) -> Mapping[str, Array]:
        """Return what the process answers; see Engine.

        Raises ModelNotReady if it cannot be started, ModelCrashed, PredictionTimeout and other RequestErrors, and
        KeyError for an output that the schema does not have.
        """
        outcomes: list[Outcome] = []
        while not self.process.free:
            if self.process.failing:
                raise ModelNotReady(f"{self.name}: the model's process cannot be started", retry_after=1)
            self.process.wait(_LOOK)
        self.process.ask(batch, outputs, lambda outcome, _seconds: outcomes.append(outcome))
        while not outcomes:
            self.process.wait(_LOOK)
        return answered(outcomes[0])

    def close(self) -> None:
        """End the process now."""
        self._closing()


def answered(outcome: Outcome) -> Mapping[str, Array]:
    """Return the outputs of what came of a question.

    Raises ModelCrashed, PredictionTimeout and the other RequestErrors that it is answered with.
    """
    if isinstance(outcome, Died):
        raise ModelCrashed(f"the process of the model ended as it predicted: {outcome}") from outcome
    if isinstance(outcome, Late):
        raise PredictionTimeout("the prediction took too long and was ended") from outcome
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
