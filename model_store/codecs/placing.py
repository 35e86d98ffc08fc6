"""Which of a table's columns is which of the model's: by name, or by position if the names are mere numbers."""

from collections import Counter
from collections.abc import Sequence

from model_store.request_errors import MOST_FAULTS, Fault, InvalidInput, MalformedRequest
from model_store.schema import Column, Schema
from model_store.validation.words import expected

MOST_ROWS = 10_000_000
"""Most rows in a table if the caller sets no lower bound."""


def places(schema: Schema, names: Sequence[str]) -> dict[str, int]:
    """Return where each of the model's columns stands among the table's ``names``; optional ones may be absent.

    Other columns are left out. A model fitted on arrays takes a table whose columns are called 0, 1, 2, …, as pandas
    calls the columns of an array, by position, unless these are its own names. Raises MalformedRequest if a needed name
    stands twice, and InvalidInput, one fault a column, if the table lacks some that are not optional, nullable or not.
    """
    if _only_numbered(schema, names):
        return {column.name: place for place, column in enumerate(schema.columns)}
    found = {name: place for place, name in enumerate(names)}
    if len(found) < len(names):
        _refuse_doubled(schema, names)
    order = {column.name: found[column.name] for column in schema.columns if column.name in found}
    if len(order) < len(schema.columns):
        _refuse_incomplete(schema, order)
    return order


def _refuse_doubled(schema: Schema, names: Sequence[str]) -> None:
    counts = Counter(names)
    twice = [name for name in schema.names if counts[name] > 1]
    if twice:
        raise MalformedRequest(f"The table has more than one column {twice[0]}")


def _only_numbered(schema: Schema, names: Sequence[str]) -> bool:
    width = len(schema.columns)
    numbered = schema.layout != "table" and len(names) == width and list(names) == [str(i) for i in range(width)]
    return numbered and set(names) != set(schema.names)


def _refuse_incomplete(schema: Schema, found: dict[str, int]) -> None:
    lacking = [column for column in schema.columns if column.name not in found and not column.optional]
    if lacking:
        raise _incomplete(lacking)


def _incomplete(lacking: Sequence[Column]) -> InvalidInput:
    faults = [Fault(f"column {c.name}", expected(c), "no such column in the input") for c in lacking]
    missing = ", ".join(column.name for column in lacking[:MOST_FAULTS]) + (", …" if lacking[MOST_FAULTS:] else "")
    return InvalidInput(f"The input lacks columns that the model needs: {missing}", faults)
