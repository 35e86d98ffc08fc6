"""Rows by position or by name, as JSON gives them, against a schema."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from model_store.batch import Batch
from model_store.request_errors import Fault, refuse
from model_store.schema import Schema
from model_store.validation.columns import from_columns
from model_store.validation.facts import Facts, facts_of
from model_store.validation.numbers import matrix_of
from model_store.validation.words import Locate, expected, rows_of, show


def from_rows(schema: Schema, rows: Sequence[Any], locate: Locate | None = None) -> Batch:
    """Return a batch of rows by position, as JSON gives them: lists, or scalars for a schema of one column.

    Raises InvalidInput.
    """
    facts = facts_of(schema)
    if facts.width == 1 and list not in set(map(type, rows)):
        rows = [[value] for value in rows]
    if not _are_rows(facts, rows):
        _check_widths(rows, facts.width, locate or rows_of(schema))
    return _by_position(facts, rows, locate)


def from_records(schema: Schema, records: Sequence[Any], locate: Locate | None = None, *, exact: bool = False) -> Batch:
    """Return a batch of rows by name: objects, each with every column; with ``exact`` an unknown key is a fault.

    A missing value is said as null: a key that is not there is more often misspelt. Only optional columns may be left
    out. Raises InvalidInput.
    """
    facts = facts_of(schema)
    if set(map(type, records)) == {dict} and not (exact and set(map(len, records)) != {facts.width}):
        try:
            rows = list(map(facts.values_of, records))
        except KeyError:
            pass  # to be named below
        else:
            return _by_position(facts, rows, locate)
    refuse(_record_faults(schema, records, locate or rows_of(schema), exact=exact))
    return _by_position(facts, list(map(facts.values_of, records)), locate)


def numbers_by_position(schema: Schema, rows: Sequence[Any]) -> Batch | None:
    """Return the batch of rows by position that are nothing but numbers and allowed gaps.

    None if a closer look is needed.
    """
    facts = facts_of(schema)
    if not facts.homogeneous or facts.closed or not _are_rows(facts, rows):
        return None
    matrix = matrix_of(facts, rows)
    return None if matrix is None else Batch(len(rows), matrix=matrix)


def numbers_by_name(schema: Schema, records: Sequence[Any]) -> Batch | None:
    """Return the batch of records that have every column, no other key, and nothing but numbers and allowed gaps.

    None if a closer look is needed.
    """
    facts = facts_of(schema)
    if not facts.homogeneous or facts.closed or facts.optional:
        return None
    if set(map(type, records)) != {dict} or set(map(len, records)) != {facts.width}:
        return None
    try:
        matrix = matrix_of(facts, list(map(facts.values_of, records)))
    except KeyError:
        return None
    return None if matrix is None else Batch(len(records), matrix=matrix)


def _by_position(facts: Facts, rows: Sequence[Sequence[Any]], locate: Locate | None) -> Batch:
    """Return the batch of rows that all have the schema's width."""
    if facts.homogeneous and not facts.closed and rows:
        matrix = matrix_of(facts, rows)
        if matrix is not None:
            return Batch(len(rows), matrix=matrix)
    columns = zip(*rows, strict=True) if rows else ((),) * facts.width
    return from_columns(facts.schema, dict(zip(facts.names, columns, strict=True)), locate)


def _are_rows(facts: Facts, rows: Sequence[Any]) -> bool:
    return set(map(type, rows)) == {list} and set(map(len, rows)) == {facts.width}


def _check_widths(rows: Sequence[Any], width: int, locate: Locate) -> None:
    wanted = f"a list of {width} values"
    wrong = (i for i, row in enumerate(rows) if type(row) is not list or len(row) != width)
    refuse(Fault(locate(i, 0), wanted, show(rows[i])) for i in wrong)


def _record_faults(schema: Schema, records: Sequence[Any], locate: Locate, *, exact: bool) -> Iterator[Fault]:
    names = dict.fromkeys(schema.names)
    for row, record in enumerate(records):
        if not isinstance(record, dict):
            yield Fault(locate(row, 0), "an object", show(record))
            continue
        for place, column in enumerate(schema.columns):
            if column.name not in record and not column.optional:
                yield Fault(locate(row, place), expected(column), "nothing")
        if exact:
            yield from (_unknown(locate(row, 0), names, key) for key in record if key not in names)


def _unknown(location: str, names: Iterable[str], key: str) -> Fault:
    return Fault(location, f"only {', '.join(names)}", show(key))
