"""What is recorded of an estimator's answers: golden rows, and the profile of the sample."""

from typing import Any

import numpy as np

from model_store.batch import Array, take
from model_store.capture.inference import Inferred
from model_store.engines.estimator import answers
from model_store.reference import profile
from model_store.reference.golden import Golden
from model_store.schema import Output

_GOLDEN_ROWS = 64
_GOLDEN_BYTES = 8 * 2**20
_PROFILE_ROWS = 10_000


def golden_of(estimator: Any, inferred: Inferred) -> Golden:
    """Return some of the sample's rows with the estimator's answers to them; raises what the estimator raises."""
    names = [output.name for output in inferred.schema.outputs]
    most = min(rows_worth_keeping(output) for output in inferred.schema.outputs)
    batch = take(inferred.batch, _spread(inferred, most))
    return Golden(batch, answers(estimator, inferred.schema, batch, names))


def profile_of(estimator: Any, inferred: Inferred) -> dict[str, Any]:
    """Return the profile of the sample and of the answers to it; raises what the estimator raises."""
    rows = inferred.batch.rows
    batch = take(inferred.batch, np.linspace(0, rows - 1, min(rows, _PROFILE_ROWS)).astype(int))
    small = [output.name for output in inferred.schema.outputs if np.prod(output.shape, initial=1) <= _GOLDEN_ROWS]
    found = answers(estimator, inferred.schema, batch, small) if small else {}
    return profile.describe(inferred.schema, batch, found)


def rows_worth_keeping(output: Output) -> int:
    """Return how many rows of an output are worth keeping: fewer if one is huge, as of hashed texts."""
    row_bytes = 8 * int(np.prod(output.shape, initial=1))
    return max(1, min(_GOLDEN_ROWS, _GOLDEN_BYTES // max(row_bytes, 1)))


def _spread(inferred: Inferred, most: int) -> Array:
    """Return row indices evenly over the sample, and a row with a gap for each column that has one."""
    rows = inferred.batch.rows
    even = np.linspace(0, rows - 1, min(most, rows)).astype(int)
    gaps = [np.flatnonzero(_gaps(inferred, i))[:1] for i in range(len(inferred.schema.columns))]
    return np.unique(np.concatenate([even, *gaps[:most]]))


def _gaps(inferred: Inferred, column: int) -> Array:
    values = inferred.batch.column(inferred.schema, column)
    if values.dtype.kind == "O":
        return np.array([value is None for value in values.tolist()], dtype=bool)
    return np.asarray(values != values)  # noqa: PLR0124 - NaN and NaT alone differ from themselves
