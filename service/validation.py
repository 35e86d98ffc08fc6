"""Values against a schema, before any model is touched: a batch of the schema's types, or a list of faults.

Only safe casts: a number into a float column, a whole number in range into an integer column. Strings are never read
as numbers, nor bools as anything but bools; infinity is refused, and missing values where the schema knows none.
"""

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from model_store.batch import Array, Batch
from model_store.schema import FLOATS, INTEGERS, Column, Schema
from service.errors import MOST_FAULTS, Fault, InvalidInput

Locate = Callable[[int, int], str]
"""Names a place for people, from a row's index and a column's index in the schema."""

_PLAIN_FLOATS = ({float}, {int}, {float, int})
_SHOWN = 64


def from_rows(schema: Schema, rows: Sequence[Any], locate: Locate | None = None) -> Batch:
    """Rows by position, as JSON gives them: a list of lists, or of scalars for a schema of one column."""
    width = len(schema.columns)
    where = locate or _rows_of(schema)
    if width == 1 and not any(isinstance(row, list) for row in rows):
        rows = [[value] for value in rows]
    _check_widths(rows, width, where)
    if schema.homogeneous:
        fast = _plain_matrix(schema, rows)
        if fast is not None:
            return Batch(len(rows), matrix=fast)
    return from_columns(schema, dict(zip(schema.names, zip(*rows, strict=True), strict=True)) if rows else {}, where)


def from_records(schema: Schema, records: Sequence[Any], locate: Locate | None = None, *, exact: bool = False) -> Batch:
    """Rows by name: a list of objects. A missing key is a missing value; with ``exact`` an unknown key is a fault."""
    where = locate or _rows_of(schema)
    faults = _record_faults(schema, records, where, exact=exact)
    if faults:
        raise _invalid(faults)
    return from_columns(schema, {name: [row.get(name) for row in records] for name in schema.names}, where)


def from_columns(schema: Schema, columns: Mapping[str, Sequence[Any] | Array], locate: Locate | None = None) -> Batch:
    """Columns by name, each a list of JSON values or a 1-D array. Columns that the schema does not know are ignored."""
    where = locate or _rows_of(schema)
    rows = _common_length(schema, columns)
    faults: list[Fault] = []
    cast = {
        column.name: cast_column(column, _values(column, columns, rows), lambda row, i=i: where(row, i), faults)  # type: ignore[misc]
        for i, column in enumerate(schema.columns)
    }
    if faults:
        raise _invalid(faults)
    if schema.homogeneous:
        return Batch(rows, matrix=np.ascontiguousarray(np.column_stack(list(cast.values()))))
    return Batch(rows, columns=cast)


def from_matrix(schema: Schema, matrix: Array, locate: Locate | None = None) -> Batch:
    """A 2-D array ``(rows, columns)`` by position; a 1-D one is a single column, or a single row of that width."""
    where = locate or _rows_of(schema)
    width = len(schema.columns)
    if matrix.ndim == 1:
        matrix = matrix.reshape(-1, 1) if width == 1 else matrix.reshape(1, -1)
    if matrix.ndim != 2 or matrix.shape[1] != width:
        raise _invalid([Fault("shape", f"[rows, {width}]", str(list(matrix.shape)))])
    if schema.homogeneous and matrix.dtype == schema.columns[0].dtype and _all_allowed(schema, matrix):
        return Batch(len(matrix), matrix=np.ascontiguousarray(matrix))
    return from_columns(schema, {name: matrix[:, i] for i, name in enumerate(schema.names)}, where)


def cast_column(
    column: Column, values: Sequence[Any] | Array, locate: Callable[[int], str], faults: list[Fault]
) -> Array:
    """The values as an array of the column's dtype; what does not fit is appended to ``faults``."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
        return _cast_array(column, values, locate, faults)
    if isinstance(values, np.ndarray):
        values = values.tolist() if values.dtype.kind != "M" else list(values.astype("datetime64[ns]"))
    if column.dtype in FLOATS and set(map(type, values)) in _PLAIN_FLOATS:
        with contextlib.suppress(OverflowError):
            return _cast_array(column, np.array(values, dtype=np.float64), locate, faults)
    return _cast_each(column, values, locate, faults)


def _plain_matrix(schema: Schema, rows: Sequence[Any]) -> Array | None:
    """Rows of nothing but JSON numbers, for float columns, in one step; None where a closer look is needed."""
    dtype = schema.columns[0].dtype
    if dtype not in FLOATS or not rows or set(map(type, chain.from_iterable(rows))) not in _PLAIN_FLOATS:
        return None
    try:
        matrix = np.array(rows, dtype=np.float64)
    except OverflowError:
        return None
    if dtype == "float32":
        with np.errstate(over="ignore"):
            matrix = matrix.astype(np.float32)
    return matrix if _all_allowed(schema, matrix) else None


def _all_allowed(schema: Schema, matrix: Array) -> bool:
    closed = any(column.closed for column in schema.columns)
    return not closed and (matrix.dtype.kind != "f" or bool(np.isfinite(matrix).all()))


def _cast_array(column: Column, values: Array, locate: Callable[[int], str], faults: list[Fault]) -> Array:
    """A number or bool array into the column's dtype."""
    want = column.dtype
    if (want == "bool") != (values.dtype.kind == "b") or want in {"string", "datetime64[ns]"}:
        return _cast_each(column, values.tolist(), locate, faults)
    if want in INTEGERS and values.dtype.kind == "f":
        return _cast_each(column, values.tolist(), locate, faults)
    with np.errstate(over="ignore"):
        cast = values.astype(want)
    wrong = _wrong_numbers(column, values, cast)
    for row in np.flatnonzero(wrong)[:MOST_FAULTS].tolist():
        faults.append(Fault(locate(row), expected(column), show(values[row].item())))
    return cast


def _wrong_numbers(column: Column, values: Array, cast: Array) -> npt.NDArray[np.bool_]:
    wrong = np.zeros(len(values), dtype=bool)
    if cast.dtype.kind == "f":
        wrong |= np.isinf(cast) if column.nullable else ~np.isfinite(cast)
    elif cast.dtype.kind in "iu":
        info = np.iinfo(cast.dtype)
        wrong |= (values < info.min) | (values > info.max)
    if column.closed:
        wrong |= ~np.isin(cast, np.array(column.categories)) & ~_missing(cast)
    return wrong


def _missing(values: Array) -> npt.NDArray[np.bool_]:
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=bool)


def _cast_each(column: Column, values: Sequence[Any], locate: Callable[[int], str], faults: list[Fault]) -> Array:
    """Value by value: the path of strings, dates, missing values and faults."""
    convert = _CONVERTERS.get(column.dtype, _float if column.dtype in FLOATS else _integer)
    known = set(column.categories) if column.closed else None
    made: list[Any] = []
    for row, value in enumerate(values):
        result = _missing_value(column) if _is_missing(value) else convert(column, value)
        if result is None and not (column.nullable and _is_missing(value)):
            faults.append(Fault(locate(row), expected(column), show(value)))
        elif _is_missing(value) and not column.nullable:
            faults.append(Fault(locate(row), expected(column), show(value)))
        elif known is not None and not _is_missing(value) and result not in known:
            faults.append(Fault(locate(row), expected(column), show(value)))
        if len(faults) >= MOST_FAULTS:
            break
        made.append(result)
    return _array(column, made) if not faults else np.empty(0)


def _array(column: Column, made: list[Any]) -> Array:
    if column.dtype == "string" or (column.dtype == "bool" and column.nullable):
        array = np.empty(len(made), dtype=object)
        array[:] = made
        return array
    return np.array(made, dtype=column.dtype)


def _missing_value(column: Column) -> Any:
    if column.dtype in FLOATS:
        return math.nan
    return np.datetime64("NaT", "ns") if column.dtype == "datetime64[ns]" else None


def _is_missing(value: Any) -> bool:
    return value is None or value != value  # NaN and NaT are the only values that differ from themselves


def _float(column: Column, value: Any) -> float | None:
    if type(value) not in {int, float}:
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if abs(number) <= float(np.finfo(column.dtype).max) else None


def _integer(column: Column, value: Any) -> int | None:
    if type(value) is float and value.is_integer():
        value = int(value)
    info = np.iinfo(column.dtype)
    return value if type(value) is int and info.min <= value <= info.max else None


def _bool(_column: Column, value: Any) -> bool | None:
    return value if type(value) is bool else None


def _string(_column: Column, value: Any) -> str | None:
    return value if type(value) is str else None


def _datetime(_column: Column, value: Any) -> np.datetime64 | None:
    if isinstance(value, np.datetime64):
        return value
    if type(value) is not str:
        return None
    import pandas as pd  # here, because few models eat dates

    try:
        stamp = pd.Timestamp(value)
        return (stamp.tz_convert(None) if stamp.tzinfo else stamp).to_datetime64().astype("datetime64[ns]")
    except (ValueError, OverflowError):
        return None


_CONVERTERS: Mapping[str, Callable[[Column, Any], Any]] = {
    "bool": _bool,
    "string": _string,
    "datetime64[ns]": _datetime,
}


def expected(column: Column) -> str:
    """The column's type in words, for a fault."""
    if column.closed:
        shown = ", ".join(show(c) for c in column.categories[:10])
        return f"one of {shown}{', …' if len(column.categories) > 10 else ''}{' or null' if column.nullable else ''}"
    if column.dtype in FLOATS:
        words = "a finite number"
    elif column.dtype in INTEGERS:
        info = np.iinfo(column.dtype)
        words = f"a whole number from {info.min} to {info.max}"
    else:
        words = {"bool": "true or false", "string": "a string"}.get(column.dtype, "an ISO 8601 date or time")
    return words + (" or null" if column.nullable else "")


def show(value: Any) -> str:
    """A value as an error may quote it: as JSON would write it, and cut short."""
    if value is None:
        text = "null"
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, (dict, list, tuple)):
        return "an object" if isinstance(value, dict) else f"a list of {len(value)}"
    elif isinstance(value, str):
        text = f'"{value}"'
    else:
        text = str(value)[: _SHOWN + 1] if not isinstance(value, int) or abs(value) < 10**60 else "a huge number"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _rows_of(schema: Schema) -> Locate:
    return lambda row, column: f"row {row}, column {schema.columns[column].name}"


def _check_widths(rows: Sequence[Any], width: int, locate: Locate) -> None:
    if set(map(type, rows)) <= {list} and set(map(len, rows)) <= {width}:
        return
    wanted = f"a list of {width} values"
    faults = [
        Fault(locate(i, 0), wanted, show(row)) for i, row in enumerate(rows) if type(row) is not list or len(row) != width
    ]
    raise _invalid(faults)


def _record_faults(schema: Schema, records: Sequence[Any], locate: Locate, *, exact: bool) -> list[Fault]:
    faults: list[Fault] = []
    names = set(schema.names)
    needed = [(i, c) for i, c in enumerate(schema.columns) if not c.nullable]
    for row, record in enumerate(records):
        if not isinstance(record, dict):
            faults.append(Fault(locate(row, 0), "an object", show(record)))
            continue
        faults += [Fault(locate(row, i), expected(c), "nothing") for i, c in needed if c.name not in record]
        if exact:
            faults += [Fault(locate(row, 0), f"only {', '.join(names)}", show(key)) for key in record.keys() - names]
        if len(faults) >= MOST_FAULTS:
            break
    return faults


def _common_length(schema: Schema, columns: Mapping[str, Any]) -> int:
    lengths = {name: len(columns[name]) for name in schema.names if name in columns}
    if len(set(lengths.values())) > 1:
        longest = max(lengths.values())
        raise _invalid([Fault(n, f"{longest} values, as the longest column has", str(k)) for n, k in lengths.items() if k != longest])
    return next(iter(lengths.values()), 0)


def _values(column: Column, columns: Mapping[str, Any], rows: int) -> Any:
    if column.name in columns:
        return columns[column.name]
    if column.nullable:
        return [None] * rows
    raise _invalid([Fault(column.name, expected(column), "no such column in the input")])


def _invalid(faults: Sequence[Fault]) -> InvalidInput:
    first = faults[0]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return InvalidInput(f"{first.location}: expected {first.expected}, got {first.got}{more}", faults)
