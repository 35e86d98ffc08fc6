"""The publisher's own call: the estimator's methods with rows of the sample as the publisher has them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from model_store.batch import Array
from model_store.capture.inference import Inferred
from model_store.engines.estimator import answers_to


def own_answers(estimator: Any, inferred: Inferred, rows: Array, outputs: Sequence[str] = ()) -> dict[str, Array]:
    """Return the estimator's answers to the sample's rows at these indices, by output; by default to all outputs.

    Each method gets a new copy of the rows, before any conversion. Raises what the estimator raises.
    """
    wanted = outputs or [output.name for output in inferred.schema.outputs]
    return answers_to(estimator, inferred.schema, wanted, lambda: own_rows(inferred, rows), len(rows))


def own_rows(inferred: Inferred, rows: Array) -> Any:
    """Return a copy of the sample's rows at these indices, of the type that the publisher's call takes."""
    given = inferred.rows
    if isinstance(given, pd.DataFrame):
        return given.iloc[rows].copy()
    if isinstance(given, np.ndarray):
        return np.array(given[rows], order=inferred.schema.order)
    return given[rows.tolist()]  # a frame of Polars
