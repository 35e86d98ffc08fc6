"""The estimator called with plain arrays, if it was fitted on a DataFrame and never looks at column names."""

from dataclasses import replace
from typing import Any

from model_store.engines.engine import Candidate
from model_store.engines.estimator import EstimatorEngine
from model_store.estimators import NAMES, is_blind, parts
from model_store.schema import Schema


class ArrayEngine(EstimatorEngine, Candidate):
    """The methods of an estimator fitted on a DataFrame of one number type, called with plain arrays.

    Making a DataFrame and checking its column names costs more than many a prediction. Values, their order and their
    type are the same, so an estimator that never looks at column names answers the same. While the engine is in use,
    the estimator's fitted column names are taken out, so that arrays pass without a warning.
    """

    name = "scikit-learn on arrays"

    def __init__(self, estimator: Any, schema: Schema) -> None:
        super().__init__(estimator, replace(schema, layout="matrix"))
        self._taken = [(part, vars(part).pop(NAMES)) for part in parts(estimator) if NAMES in _attributes(part)]

    @classmethod
    def admits(cls, estimator: Any, schema: Schema) -> bool:
        """Return whether the rows are a table of one number type and no part of the estimator looks at column names."""
        return schema.layout == "table" and schema.homogeneous and all(map(is_blind, parts(estimator)))

    def discard(self) -> None:
        """Put the fitted column names back."""
        for part, names in self._taken:
            setattr(part, NAMES, names)


def _attributes(part: Any) -> dict[str, Any]:
    return getattr(part, "__dict__", {})
