"""What is recorded of an estimator's answers: golden rows, and the profile of the sample."""

from typing import Any

import numpy as np

from model_store.batch import Array, spread, take
from model_store.capture.inference import Inferred
from model_store.capture.own import own_answers
from model_store.missing import gaps
from model_store.reference import profile
from model_store.reference.golden import Golden
from model_store.schema import Output

_GOLDEN_ROWS = 64
_GOLDEN_BYTES = 8 * 2**20
_PROFILE_ROWS = 10_000


def golden_of(estimator: Any, inferred: Inferred) -> Golden:
    """Return some of the sample's rows with the estimator's own answers to them, as the caller would ask for them.

    Raises what the estimator raises.
    """
    rows = chosen_rows(inferred)
    return Golden(take(inferred.batch, rows), own_answers(estimator, inferred, rows))


def chosen_rows(inferred: Inferred) -> Array:
    """Return the indices of the sample's rows that are recorded."""
    most = min(rows_worth_keeping(output) for output in inferred.schema.outputs)
    return _spread(inferred, most)


def profile_of(estimator: Any, inferred: Inferred) -> dict[str, Any]:
    """Return the profile of the sample and of the answers to it; raises what the estimator raises."""
    rows = inferred.batch.rows
    chosen = spread(rows, _PROFILE_ROWS)
    small = [output.name for output in inferred.schema.outputs if np.prod(output.shape, initial=1) <= _GOLDEN_ROWS]
    found = own_answers(estimator, inferred, chosen, small) if small else {}
    return profile.describe(inferred.schema, take(inferred.batch, chosen), found)


def rows_worth_keeping(output: Output) -> int:
    """Return how many rows of an output are worth keeping: fewer if one is huge, as of hashed texts."""
    row_bytes = 8 * int(np.prod(output.shape, initial=1))
    return max(1, min(_GOLDEN_ROWS, _GOLDEN_BYTES // max(row_bytes, 1)))


def _spread(inferred: Inferred, most: int) -> Array:
    """Return row indices evenly over the sample, and a row with a gap for each column that has one."""
    even = spread(inferred.batch.rows, most)
    gapped = [
        np.flatnonzero(gaps(inferred.batch.column(inferred.schema, i)))[:1] for i in range(len(inferred.schema.columns))
    ]
    return np.unique(np.concatenate([even, *gapped[:most]]))
