"""What is declared, put over what was inferred, and checked with the sample and the estimator."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from model_store.batch import Array, batch_of
from model_store.declaration import reading
from model_store.declaration.document import Declaration, DeclaredColumn
from model_store.engines.estimator import answers
from model_store.errors import BadSchema
from model_store.missing import with_gap
from model_store.request_errors import Fault
from model_store.schema import DATETIMES, INTEGERS, NUMBERS, TIMEDELTAS, Column, Output, Schema, Value
from model_store.validation.casts import cast_column
from model_store.validation.words import expected

_TRIAL_ROWS = 8
_TIMES = {"M": DATETIMES, "m": TIMEDELTAS}


def declare(
    estimator: Any, schema: Schema, values: list[Array], declaration: Declaration, *, closed: bool
) -> tuple[Schema, list[Array]]:
    """Return the schema with what is declared in place of what was inferred, and the sample's values in its types.

    Columns whose categories are declared are ``closed`` unless ``unknown`` says otherwise.
    Raises BadSchema if a column is not there, if a value of the sample is none that would be taken, and if
    the estimator takes no gap where one is declared.
    """
    declared = resolved(schema, declaration)
    columns, arrays = list(schema.columns), list(values)
    for i, (column, wanted) in enumerate(zip(schema.columns, declared, strict=True)):
        if wanted != DeclaredColumn():
            columns[i] = _declared(column, wanted, closed=closed)
        if columns[i] != column:
            arrays[i] = _cast(columns[i], values[i], "row {} of the sample")
    made = replace(schema, columns=tuple(columns))
    opened = [new.name for new, old in zip(columns, schema.columns, strict=True) if new.nullable and not old.nullable]
    if opened:
        _check_gaps(estimator, made, arrays, opened)
    return made, arrays


def served(known: tuple[Output, ...], declaration: Declaration) -> tuple[Output, ...]:
    """Return the outputs that are declared, in that order, or all. Raises BadSchema for one that is not known."""
    by_name = {output.name: output for output in known}
    for i, name in enumerate(declaration.outputs):
        reading.known_name(f"outputs[{i}]: {name}", name, by_name, "output of the estimator")
    return tuple(by_name[name] for name in declaration.outputs) or known


def declared_types(names: Sequence[str], declaration: Declaration) -> dict[str, str]:
    """Return the types that are declared, by the names of a sample's columns, of which those unknown are left out."""
    by_name = {name: declaration.columns.get(name, DeclaredColumn()).over(declaration.everywhere) for name in names}
    found = by_name if declaration.in_order is None else dict(zip(names, declaration.in_order, strict=False))
    return {name: column.type for name, column in found.items() if column.type is not None}


def resolved(schema: Schema, declaration: Declaration) -> list[DeclaredColumn]:
    """Return what is declared of each of the schema's columns. Raises BadSchema for a column that is not there."""
    if declaration.in_order is not None:
        found, width = declaration.in_order, len(schema.columns)
        if len(found) != width:
            raise reading.wrong("columns", f"{width} columns, as the model has", len(found))
        return list(found)
    for name in declaration.columns:
        reading.known_name(f"columns.{name}", name, schema.names, "column")
    own = (declaration.columns.get(name, DeclaredColumn()) for name in schema.names)
    return [column.over(declaration.everywhere) for column in own]


def _declared(column: Column, wanted: DeclaredColumn, *, closed: bool) -> Column:
    typed = _typed(column, wanted.type)
    gaps = True if wanted.optional else wanted.nullable
    made = replace(
        typed,
        nullable=typed.nullable if gaps is None else gaps,
        optional=bool(wanted.optional),
        unit=wanted.unit or "",
    )
    return _ranged(_categorized(made, wanted, closed=closed), wanted)


def _typed(column: Column, wanted: str | None) -> Column:
    if wanted is None or wanted == column.dtype or column.dtype.startswith(f"{wanted}64["):
        return column
    if column.held == "category":
        raise _refused(column, f"its type is {column.dtype}, that of its categories in the sample, not {wanted}")
    dtype = {"datetime": "datetime64[ns]", "timedelta": "timedelta64[ns]"}.get(wanted, wanted)
    made = replace(column, dtype=dtype, held="array", extension="")
    return made if {dtype, column.dtype} <= set(NUMBERS) else replace(made, minimum=None, maximum=None)


def _categorized(column: Column, wanted: DeclaredColumn, *, closed: bool) -> Column:
    categories = column.categories if wanted.categories is None else _categories(column, wanted.categories)
    if wanted.unknown == "refuse" and not categories:
        raise _refused(column, "unknown values can be refused only if categories are known: declare them")
    refuse = closed or column.closed if wanted.unknown is None else wanted.unknown == "refuse"
    return replace(column, categories=categories, closed=refuse and bool(categories))


def _categories(column: Column, wanted: tuple[Value, ...]) -> tuple[Value, ...]:
    """Return the declared categories; those of a pandas category stay as they are, because their order is a code."""
    if column.held != "category":
        _cast(replace(column, nullable=False, bounded=False, closed=False), wanted, "categories[{}]")
        return wanted
    if set(wanted) != set(column.categories):
        known = ", ".join(map(str, column.categories[:10]))
        raise _refused(column, f"its categories are those that the estimator was fitted with: {known}")
    return column.categories


def _ranged(column: Column, wanted: DeclaredColumn) -> Column:
    if wanted.minimum is None and wanted.maximum is None:
        return column
    if column.dtype not in NUMBERS:
        raise _refused(column, f"only numbers have a range, and its type is {column.dtype}")
    ends = [end for end in (wanted.minimum, wanted.maximum) if end is not None]
    if column.dtype in INTEGERS and not all(float(end).is_integer() for end in ends):
        raise _refused(column, f"its range has to begin and end with whole numbers, because its type is {column.dtype}")
    return replace(column, minimum=wanted.minimum, maximum=wanted.maximum, bounded=True)


def _cast(column: Column, values: Array | Sequence[Any], place: str) -> Array:
    """Return values in the column's type. Raises BadSchema for one that no request could hold."""
    if isinstance(values, np.ndarray) and values.dtype.kind in _TIMES and column.dtype in _TIMES[values.dtype.kind]:
        return _cast_times(column, values, place)
    faults: list[Fault] = []
    cast = cast_column(column, values, place.format, faults)
    if faults:
        first = faults[0]
        raise _refused(column, f"{first.location} is {first.got}, expected {first.expected}")
    return cast


def _cast_times(column: Column, values: Array, place: str) -> Array:
    cast = values.astype(column.dtype)
    wrong = np.isnat(values) & (not column.nullable) | (~np.isnat(values) & (cast != values))
    for row in np.flatnonzero(wrong)[:1].tolist():
        raise _refused(column, f"{place.format(row)} is {values[row]}, expected {expected(column)}")
    return cast


def _refused(column: Column, words: str) -> BadSchema:
    return BadSchema(f"the declared schema: column {column.name!r}: {words}")


def _check_gaps(estimator: Any, schema: Schema, values: Sequence[Array], opened: Sequence[str]) -> None:
    """Check that the estimator answers a row with a gap in each of the columns, or name the one that it refuses."""
    few = [array[:_TRIAL_ROWS] for array in values]
    if _failure(estimator, schema, few, opened) is None:
        return
    alone = ((name, _failure(estimator, schema, few, [name])) for name in opened)
    name, error = next(((name, error) for name, error in alone if error), (", ".join(opened), None))
    why = error or _failure(estimator, schema, few, opened)
    raise BadSchema(
        f"the declared schema: column {name!r} is declared nullable, but the estimator takes no missing value there: "
        f"{type(why).__name__}: {' '.join(str(why).split())[:200]}"
    )


def _failure(estimator: Any, schema: Schema, few: Sequence[Array], gaps: Sequence[str]) -> Exception | None:
    columns = zip(schema.columns, few, strict=True)
    batch = batch_of(schema, [with_gap(array) if column.name in gaps else array for column, array in columns])
    try:
        answers(estimator, schema, batch, [schema.outputs[0].name])
    except Exception as error:  # noqa: BLE001 - of any kind: it does not take the gap
        return error
    return None
