"""What a version would take and answer, for its publisher to read before it is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from model_store.joining import record as joining
from model_store.manifest import BATCHING, ENGINES, Manifest
from model_store.proof import record
from model_store.schema import Column, Output, Schema, Value
from model_store.validation.words import plain

WARNINGS = "warnings"
"""The option of a manifest that keeps what its publisher was warned of."""
_SHOWN = 10
_WIDEST = 60
_FACTS = ("estimator", "artifact_format", "bytes", "load_seconds", "predict_seconds")


@dataclass(frozen=True, slots=True)
class Contract:
    """The draft of a version that was tried and not stored; ``str`` shows its schema and engines, with the warnings."""

    manifest: Manifest

    @property
    def schema(self) -> Schema:
        """Return what the version takes and answers."""
        return self.manifest.schema

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what the publisher had better look at, a sentence each."""
        return tuple(self.manifest.options.get(WARNINGS, ()))

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready form: the schema's fields, what publishing found out, and what was measured."""
        measured = {fact: getattr(self.manifest, fact) for fact in _FACTS}
        told = {name: self.manifest.options.get(name, {}) for name in (ENGINES, BATCHING)}
        return {**self.schema.to_json(), WARNINGS: list(self.warnings), **told, **measured}

    def lines(self) -> list[str]:
        """Return the schema as the lines of two tables, then a table of engines, what is joined, and the warnings."""
        columns = [("column", "type", "null", "values"), *map(_column, self.schema.columns)]
        outputs = [("output", "type", "a row's answer", "labels"), *map(_output, self.schema.outputs)]
        warned = [f"warning: {warning}" for warning in self.warnings]
        engines = record.lines(self.manifest.options)
        joined = [*joining.lines(self.manifest.options), *joining.one_by_one_lines(self.manifest.options)]
        parts = (_table(columns), _table(outputs), engines, joined, warned)
        return [line for part in parts if part for line in ("", *part)][1:]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def _column(column: Column) -> tuple[str, ...]:
    gaps = "taken, or left out" if column.optional else "taken" if column.nullable else "refused"
    zone = f" {column.zone}" if column.zone else ""
    return column.name, f"{column.dtype}{zone}", gaps, f"{_values(column)}{f' {column.unit}' if column.unit else ''}"


def _values(column: Column) -> str:
    if column.categories:
        return f"{'one of' if column.closed else 'known:'} {_listed(column.categories)}"
    ends = [end for end in (column.minimum, column.maximum) if end is not None]
    if not ends:
        return "-"
    if column.bounded and len(ends) == 1:
        return f"from {plain(ends[0])}" if column.maximum is None else f"up to {plain(ends[0])}"
    return f"{'from' if column.bounded else 'seen:'} {_number(ends[0])} to {_number(ends[-1])}"


def _number(value: float) -> str:
    return plain(float(f"{value:.6g}"))


def _output(output: Output) -> tuple[str, ...]:
    shape = f"{list(output.shape)}" if output.shape else "one value"
    return output.name, output.dtype, shape, _listed(output.labels) or "-"


def _listed(values: Sequence[Value]) -> str:
    text = ", ".join(map(str, values[:_SHOWN]))
    return f"{text[:_WIDEST]}…" if values[_SHOWN:] or len(text) > _WIDEST else text


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
