"""Which column makes the answers differ: found by halves, and said with both values and what to do."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from model_store.batch import Array, Batch, estimator_input, take
from model_store.capture.inference import Inferred
from model_store.capture.own import own_answers, own_rows
from model_store.capture.recording import chosen_rows
from model_store.engines.equality import identical, same
from model_store.engines.estimator import answers_to
from model_store.errors import BadSample
from model_store.missing import is_missing
from model_store.schema import Schema

_SHOWN = 60


def changed(schema: Schema, batch: Batch, read: Batch) -> list[int]:
    """Return the places of the columns that came back otherwise."""
    pairs = ((batch.column(schema, i), read.column(schema, i)) for i in range(len(schema.columns)))
    return [i for i, (one, other) in enumerate(pairs) if not identical(one, other)]


def lost_in_schema(estimator: Any, inferred: Inferred, output: str) -> BadSample:
    """Return the error for answers that change once the publisher's rows go through the schema."""
    rows = chosen_rows(inferred)
    own = own_answers(estimator, inferred, rows, [output])[output]
    given = own_rows(inferred, rows)
    frame, served = _as_frame(given), _as_frame(estimator_input(inferred.schema, take(inferred.batch, rows)))

    def differs(places: Sequence[int]) -> bool:
        mixed = _mixed(given, frame, served, places)
        try:
            found = answers_to(estimator, inferred.schema, [output], mixed.copy, len(rows))[output]
        except Exception:  # noqa: BLE001 - the estimator refuses such a column: that is another answer
            return True
        return not same(found, own)

    place = _culprit([i for i in range(frame.shape[1]) if not _equal(frame.iloc[:, i], served.iloc[:, i])], differs)
    if place is None:
        return BadSample(f"{output} answers otherwise when it is served than here: give the sample as it was fitted on")
    return _lost_column(inferred.schema.names[place], output, frame.iloc[:, place], served.iloc[:, place])


def lost_in_format(
    form: str, schema: Schema, batches: tuple[Batch, Batch], predict: Callable[[Batch], Array], output: str
) -> BadSample:
    """Return the error for answers that change once rows are written and read: those of the second batch."""
    batch, read = batches
    right = predict(batch)

    def differs(places: Sequence[int]) -> bool:
        columns = {c.name: (read if i in places else batch).column(schema, i) for i, c in enumerate(schema.columns)}
        return not identical(predict(Batch(batch.rows, columns=columns)), right)

    place = _culprit(changed(schema, batch, read), differs)
    if place is None:
        return BadSample(f"{output} answers otherwise to the same rows as {form}")
    one, other = _first_pair(batch.column(schema, place), read.column(schema, place))
    return BadSample(
        f"{output} answers otherwise to the same rows as {form}: column {schema.names[place]!r} has {_shown(one)} in "
        f"the sample, and {_shown(other)} once it is written and read. Turn the column into text or plain numbers "
        "before the estimator's first step"
    )


def _lost_column(name: str, output: str, one: "pd.Series[Any]", other: "pd.Series[Any]") -> BadSample:
    had, said = _first_pair(one, other)
    if is_missing(had) and is_missing(said):
        return BadSample(
            f"column {name!r} has more than one kind of gap ({had} and {said}), which {output} tells apart and a "
            "request cannot: make them one before the estimator is fitted"
        )
    return BadSample(
        f"{output} answers otherwise once column {name!r} has gone through the schema: the sample has {_shown(had)} "
        f"({one.dtype}), a request can only say {_shown(said)} ({other.dtype}). Turn the column into text, numbers or "
        "times before the estimator's first step, or give the sample with the types that it was fitted on (as Parquet, "
        "if it is CSV) and declare no others"
    )


def _culprit(places: Sequence[int], differs: Callable[[Sequence[int]], bool]) -> int | None:
    """Return a column that changes the answers, found by halves; None if all of them together do not."""
    if not places or not differs(places):
        return None
    while len(places) > 1:
        half = places[: len(places) // 2]
        places = half if differs(half) else places[len(half) :]
    return places[0]


def _as_frame(rows: Any) -> pd.DataFrame:
    if isinstance(rows, pd.DataFrame):
        return rows
    return pd.DataFrame(rows.to_pandas() if hasattr(rows, "to_pandas") else rows)


def _mixed(given: Any, frame: pd.DataFrame, served: pd.DataFrame, places: Sequence[int]) -> Any:
    """Return the publisher's rows, which ``frame`` has as well, with some columns as they are served."""
    mixed = pd.DataFrame({i: (served if i in places else frame).iloc[:, i].array for i in range(frame.shape[1])})
    mixed.columns = frame.columns
    if isinstance(given, np.ndarray):
        return np.asarray(mixed) if given.ndim > 1 else mixed.iloc[:, 0].to_numpy()
    return mixed


def _first_pair(one: Any, other: Any) -> tuple[Any, Any]:
    """Return the first two values that differ, or the first two."""
    pairs = list(zip(one.tolist(), other.tolist(), strict=True))
    return next((pair for pair in pairs if not _alike(*pair)), pairs[0])


def _equal(one: "pd.Series[Any]", other: "pd.Series[Any]") -> bool:
    return one.dtype == other.dtype and all(map(_alike, one.tolist(), other.tolist()))


def _alike(one: Any, other: Any) -> bool:
    """Return whether two values are of one type and equal; each kind of gap is equal to itself alone."""
    if type(one) is not type(other):
        return False
    return is_missing(one) or one is other or bool(one == other)


def _shown(value: Any) -> str:
    return repr(value)[:_SHOWN]
