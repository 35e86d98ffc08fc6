"""Labelled rows: what the estimator takes, and what it ought to answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from model_store.batch import Array, Batch
from model_store.capture.goal import Goal
from model_store.capture.inference import infer
from model_store.capture.sample import samples
from model_store.capture.sample.csv_rows import CsvRows
from model_store.errors import BadSample
from model_store.schema import Schema

_LEAST_ROWS = 50
_MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Holdout:
    """The estimator's schema, rows as a batch and as its methods take them, and their targets, a 1-D array."""

    schema: Schema
    batch: Batch
    rows: Any
    targets: Array


def read(estimator: Any, goal: Goal) -> Holdout:
    """Return the goal's holdout. Raises BadSample if it lacks the target, has gaps there, or too few or many rows."""
    given = samples.read(Path(goal.holdout)) if _is_path(goal.holdout) else samples.laid_out(goal.holdout)
    rows, targets = _parted(given, goal.target)
    if not _LEAST_ROWS <= len(targets) <= _MOST_ROWS:
        raise BadSample(
            f"the holdout has {len(targets)} rows: from {_LEAST_ROWS} to {_MOST_ROWS} measure a loss well and in time"
        )
    inferred = infer(estimator, rows)
    return Holdout(inferred.schema, inferred.batch, inferred.rows, _typed(estimator, targets, goal.target))


def _is_path(given: Any) -> bool:
    return isinstance(given, (str, Path))


def _parted(given: Any, target: str) -> tuple[Any, Sequence[Any]]:
    if isinstance(given, CsvRows) and not given.headless:
        return _parted_csv(given, target)
    if isinstance(given, pd.DataFrame) and target in given.columns:
        return given.drop(columns=target), given[target].tolist()
    named = given.columns if isinstance(given, pd.DataFrame) else given.lines[0] if isinstance(given, CsvRows) else ()
    raise _no_target(target, list(named))


def _parted_csv(given: CsvRows, target: str) -> tuple[CsvRows, Sequence[str]]:
    header = given.lines[0]
    if target not in header:
        raise _no_target(target, header)
    place = header.index(target)
    lines = tuple(line[:place] + line[place + 1 :] for line in given.lines)
    return CsvRows(lines), [line[place] for line in given.lines[1:]]


def _no_target(target: str, names: Sequence[Any]) -> BadSample:
    there = ", ".join(map(repr, map(str, names[:10]))) or "no names of columns"
    return BadSample(f"the holdout has no column {target!r}, which the target is to be read from: it has {there}")


def _typed(estimator: Any, targets: Sequence[Any], name: str) -> Array:
    """Return targets as the estimator's labels are, or as numbers if it has none."""
    labels = getattr(estimator, "classes_", None)
    if labels is None:
        return _numbers(targets, name)
    known = {str(label): label for label in np.asarray(labels).tolist()}
    unknown = [target for target in targets if str(target) not in known]
    if unknown:
        raise BadSample(f"{unknown[0]!r} in the holdout's column {name!r} is no label of the model: {list(known)[:10]}")
    return np.array([known[str(target)] for target in targets], dtype=np.asarray(labels).dtype)


def _numbers(targets: Sequence[Any], name: str) -> Array:
    try:
        numbers = np.array(targets, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadSample(f"the holdout's column {name!r} holds no numbers: {error}") from error
    if not np.isfinite(numbers).all():
        raise BadSample(f"the holdout's column {name!r} has gaps: leave rows without a target out")
    return numbers
