"""One version of a model, in memory and ready to answer."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from model_store.batch import Array, Batch
from model_store.engines.engine import Engine
from model_store.errors import UndeclaredAnswer
from model_store.manifest import Manifest
from model_store.payload_log import read_option
from model_store.request_errors import RequestError
from service.errors import ModelBrokeContract, ModelFailed, ModelRejectedInput
from service.model_process.engine import ProcessEngine

log = logging.getLogger(__name__)

INPUT_ERRORS = (ValueError, TypeError, KeyError)
"""What estimators raise when they do not like the rows; anything else is the model's own failure."""

_LONGEST_MESSAGE = 200


@dataclass(frozen=True, slots=True)
class OneByOne:
    """What answers requests of one row together, and for which outputs, each with the most rows at once."""

    engine: Engine
    outputs: Mapping[str, int] = field(default_factory=dict)


class LoadedModel:
    """A verified, warmed version. Immutable: who holds it may predict with it, also after it left the catalog."""

    def __init__(
        self,
        manifest: Manifest,
        engine: Engine,
        joins: Mapping[str, int] | None = None,
        one_by_one: OneByOne | None = None,
    ) -> None:
        """Hold a version's manifest and engine. Raises BadManifest if the version's options are malformed.

        ``joins`` has the outputs whose answers do not depend on the rows that are predicted together, each with the
        most rows for which that is known; ``one_by_one`` is for further outputs.
        """
        self.name: str = manifest.model
        self.version: int = manifest.version
        self.schema = manifest.schema
        self.manifest = manifest
        self.engine = engine
        self.payload_log = read_option(manifest.options, manifest.schema)
        self.process = engine.process if isinstance(engine, ProcessEngine) else None
        """The process that predicts, None if the worker itself does."""
        self._joins = joins or {}
        self._one_by_one = one_by_one or OneByOne(engine)
        self._single_rows = {**self._joins, **self._one_by_one.outputs}
        self.most_joined_rows: int = min(self._joins.values(), default=0)

    def may_join(self, outputs: Sequence[str]) -> bool:
        """Return whether requests for these outputs may be predicted together, ``most_joined_rows`` rows at most."""
        return bool(outputs) and all(name in self._joins for name in outputs)

    def most_single_rows(self, outputs: Sequence[str]) -> int:
        """Return how many requests of one row for these outputs may be predicted together; 0 if none may."""
        return min((self._single_rows.get(name, 0) for name in outputs), default=0)

    def joining(self, outputs: Sequence[str]) -> Engine:
        """Return the engine that answers joined requests for these outputs."""
        return self.engine if self.may_join(outputs) else self._one_by_one.engine

    def predict(self, batch: Batch, outputs: Sequence[str]) -> Mapping[str, Array]:
        """Return one array of ``batch.rows`` entries for each wanted output, in its schema's dtype and shape.

        Raises ModelRejectedInput if the estimator refuses the rows, ModelFailed if it breaks, ModelBrokeContract if it
        answers what its schema does not declare, and what a ProcessEngine raises. What it raised, with its traceback,
        goes to the log only. No rows are answered with none, which estimators refuse.
        """
        if not batch.rows:
            return self.nothing(outputs)
        try:
            return self.engine.predict(batch, outputs)
        except RequestError:
            raise
        except INPUT_ERRORS as error:
            log.info("%s version %d refused its input", self.name, self.version, exc_info=True)
            raise ModelRejectedInput(f"the model refused the input: {_cleaned(error)}") from error
        except UndeclaredAnswer as error:
            log.error("%s version %d: %s", self.name, self.version, error)  # noqa: TRY400 - it says all there is
            raise ModelBrokeContract(f"version {self.version} of {self.name!r} failed to predict: {error}") from error
        except Exception as error:
            log.exception("%s version %d failed to predict", self.name, self.version)
            raise ModelFailed(f"version {self.version} of {self.name!r} failed to predict") from error

    def nothing(self, outputs: Sequence[str]) -> Mapping[str, Array]:
        """Return the answers to no rows, which are not predicted."""
        return {name: self._nothing(name) for name in outputs}

    def _nothing(self, name: str) -> Array:
        output = next(output for output in self.schema.outputs if output.name == name)
        return np.empty((0, *output.shape), dtype=object if output.dtype == "string" else output.dtype)


def _cleaned(error: Exception) -> str:
    """Return the first line of what the estimator said, cut short: long messages quote data and code."""
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error).strip()
    line = text.splitlines()[0].strip() if text else type(error).__name__
    return line if len(line) <= _LONGEST_MESSAGE else line[:_LONGEST_MESSAGE] + "…"
