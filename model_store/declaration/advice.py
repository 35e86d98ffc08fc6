"""What a publisher had better look at before a version is served: each warning is one sentence that says what to do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model_store.batch import Array, Batch, spread, take
from model_store.declaration.declaring import resolved
from model_store.declaration.document import Declaration, DeclaredColumn
from model_store.schema import INTEGERS, Column, Schema

_FEW_ROWS = 50
_LOOKED_AT = 1000
"""Rows that are looked at: enough to tell a measurement from a code."""
_MOST_CODES = 10
"""Different whole numbers that a column of codes or counts has at most; more are a measurement."""
_LEAST_IDS = 20
"""Values that are needed to tell that they are ids."""
_LEAST_ID = 10**8
_WORDS_OF_TEXT = 3
_LARGEST_SAMPLE = 10**9
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the sample shows of a column: its values that are there, and how many differ."""

    column: Column
    declared: DeclaredColumn
    values: list[Any]
    distinct: int

    @property
    def whole(self) -> bool:
        """Return whether it holds whole numbers that are no categories."""
        return self.column.dtype in INTEGERS and not self.column.categories

    @property
    def text(self) -> bool:
        """Return whether it holds sentences rather than names."""
        if self.column.dtype != "string" or self.declared.categories or not self.values:
            return False
        return sum(len(value.split()) for value in self.values) >= _WORDS_OF_TEXT * len(self.values)

    @property
    def ids(self) -> bool:
        """Return whether no two values are equal and they are texts, counted up, or of nine digits or more."""
        if self.distinct < max(_LEAST_IDS, len(self.values)) or self.text:
            return False
        if self.column.dtype == "string":
            return True
        if not self.whole:
            return False
        low, high = min(self.values), max(self.values)
        return bool(high - low < 2 * len(self.values) or low >= _LEAST_ID)


@dataclass(frozen=True, slots=True)
class _Sample:
    """What the warnings look at: the schema, the number of rows, the columns, and the classes that were answered."""

    schema: Schema
    rows: int
    columns: Sequence[_Seen]
    answered: frozenset[Any] | None


def warnings_of(schema: Schema, batch: Batch, declaration: Declaration, described: Mapping[str, Any]) -> list[str]:
    """Return the warnings about a sample, whose reference profile is ``described``."""
    some = take(batch, spread(batch.rows, _LOOKED_AT))
    declared = zip(schema.columns, resolved(schema, declaration), strict=True)
    columns = [_seen(column, own, some.column(schema, i)) for i, (column, own) in enumerate(declared)]
    sample = _Sample(schema, batch.rows, columns, _classes(described["outputs"].get("predict", {})))
    return [warning for warning in (rule(sample) for rule in _RULES) if warning]


def _classes(entry: Mapping[str, Any]) -> frozenset[Any] | None:
    """Return the classes that were answered, if the profile lists them all."""
    complete = entry.get("kind") == "categorical" and entry["other"] < 1 / _LARGEST_SAMPLE
    return frozenset(value for value, _ in entry["values"]) if complete else None


def _seen(column: Column, declared: DeclaredColumn, values: Array) -> _Seen:
    there = [value for value in values.tolist() if value is not None and value == value]  # noqa: PLR0124 - NaN differs
    return _Seen(column, declared, there, len(set(there)))


def _tiny(sample: _Sample) -> str | None:
    if sample.rows >= _FEW_ROWS:
        return None
    return f"the sample has {sample.rows} rows: give some hundred, so that ranges, categories and drift rest on enough"


def _no_gaps(sample: _Sample) -> str | None:
    said = any(seen.declared.nullable is not None or seen.declared.optional for seen in sample.columns)
    if said or sample.schema.layout == "series" or any(column.nullable for column in sample.schema.columns):
        return None
    return (
        "no column may be missing, because the sample has no gaps and the estimator learned none: null is refused "
        'everywhere; declare "nullable" where it is to be taken'
    )


def _whole_measurements(sample: _Sample) -> str | None:
    found = [
        seen
        for seen in sample.columns
        if seen.whole and seen.distinct > _MOST_CODES and not seen.ids and seen.declared.type is None
    ]
    if not found:
        return None
    return f"{_named(found)} only whole numbers in the sample, so 2.5 is refused: declare the type float64 to take it"


def _ids(sample: _Sample) -> str | None:
    found = [seen for seen in sample.columns if seen.ids]
    if not found:
        return None
    return f"{_named(found)} another value in each row, like an id: leave ids out of what a model learns from"


def _texts(sample: _Sample) -> str | None:
    found = [seen for seen in sample.columns if seen.text and sample.schema.layout != "series"]
    return f"{_named(found)} free text: any string is taken" if found else None


def _constant(sample: _Sample) -> str | None:
    found = [seen for seen in sample.columns if seen.distinct == 1 and len(seen.values) > 1]
    return f"{_named(found)} one value in the whole sample: give rows as they will be asked" if found else None


def _unseen_classes(sample: _Sample) -> str | None:
    output = sample.schema.output("predict")
    if output is None or output.shape or not output.labels or sample.answered is None:
        return None
    never = [label for label in output.labels if label not in sample.answered]
    if not never:
        return None
    return f"no row of the sample is answered with {_listed(map(str, never))}: give rows of every class"


def _named(found: Sequence[_Seen]) -> str:
    """Return the beginning of a sentence about columns."""
    names = _listed(repr(seen.column.name) for seen in found)
    return f"column {names} has" if len(found) == 1 else f"columns {names} have"


def _listed(names: Any) -> str:
    found = list(names)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more


_RULES: tuple[Callable[[_Sample], str | None], ...] = (
    _tiny,
    _no_gaps,
    _whole_measurements,
    _ids,
    _texts,
    _constant,
    _unseen_classes,
)
