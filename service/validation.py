"""Values against a schema, before any model is touched: a batch of the schema's types, or a list of faults.

Only safe casts: a number into a float column, a whole number in range into an integer column. Strings are never read
as numbers, nor bools as anything but bools; infinity is refused, and missing values where the schema knows none.

Numbers that all fit are taken in one step; whatever does not go that way is looked at column by column, and what does
not fit there value by value, so that each wrong place can be named.
"""

import datetime as dt
import math
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, starmap
from operator import itemgetter
from types import NoneType
from typing import Any

import numpy as np
import numpy.typing as npt

from model_store.batch import Array, Batch
from model_store.schema import FLOATS, INTEGERS, Column, Schema
from service.errors import MOST_FAULTS, Fault, InvalidInput, PayloadTooLarge, refuse
from service.per_schema import per_schema

Locate = Callable[[int, int], str]
"""Names a place for people, from a row's index and a column's index in the schema."""

_NUMBERS = frozenset({int, float})
_NUMBERS_AND_GAPS = frozenset({int, float, NoneType})
_SHOWN = 64
_SHOWN_CATEGORIES = 10
_FEW = 8  # rows; up to that a plain loop is faster than the set-up of anything better
_EXACT = 2**53  # whole numbers up to here are exact as float64
_ISO_8601 = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d(?::?\d\d(?::?\d\d(?:[.,]\d{1,9})?)?)?(?:Z|[+-]\d\d:?(?:\d\d)?)?)?", re.ASCII
)


def check_rows(rows: int, most: int) -> None:
    """Raise PayloadTooLarge for more rows than a request may hold; called before they cost anything."""
    if rows > most:
        raise PayloadTooLarge(f"the request has {rows} rows: at most {most} are answered at once")


def announced_rows(value: Any) -> int:
    """How many rows a JSON value can hold at most: a list's length, or that of an object's longest list."""
    if isinstance(value, dict):
        return max((len(inner) for inner in value.values() if isinstance(inner, list)), default=0)
    return len(value) if isinstance(value, list) else 0


def from_rows(schema: Schema, rows: Sequence[Any], locate: Locate | None = None) -> Batch:
    """Rows by position, as JSON gives them: a list of lists, or of scalars for a schema of one column."""
    facts = _facts_of(schema)
    if facts.width == 1 and list not in set(map(type, rows)):
        rows = [[value] for value in rows]
    if set(map(type, rows)) != {list} or set(map(len, rows)) != {facts.width}:
        _check_widths(rows, facts.width, locate or _rows_of(schema))
    return _by_position(facts, rows, locate)


def from_records(schema: Schema, records: Sequence[Any], locate: Locate | None = None, *, exact: bool = False) -> Batch:
    """Rows by name: a list of objects, each with every column; with ``exact`` an unknown key is a fault.

    A missing value is said as null: a key that is not there is more often misspelt.
    """
    facts = _facts_of(schema)
    if set(map(type, records)) == {dict} and not (exact and set(map(len, records)) != {facts.width}):
        try:
            rows = list(map(facts.values_of, records))
        except KeyError:
            pass  # to be named below
        else:
            return _by_position(facts, rows, locate)
    where = locate or _rows_of(schema)
    refuse(_record_faults(schema, records, where, exact=exact))
    return _by_position(facts, list(map(facts.values_of, records)), locate)


def from_columns(schema: Schema, columns: Mapping[str, Sequence[Any] | Array], locate: Locate | None = None) -> Batch:
    """Columns by name, each a list of JSON values or a 1-D array. Columns that the schema does not know are ignored."""
    facts = _facts_of(schema)
    rows = _common_length(schema, columns)
    if facts.homogeneous and not facts.closed and rows and _all_lists(facts, columns):
        matrix = _matrix(facts, list(zip(*map(columns.__getitem__, facts.names), strict=True)))
        if matrix is not None:
            return Batch(rows, matrix=matrix)
    faults: list[Fault] = []
    where = locate or _rows_of(schema)
    cast: dict[str, Array] = {}
    for i, column in enumerate(schema.columns):
        values = _values(column, columns)
        cast[column.name] = cast_column(column, values, lambda row, i=i: where(row, i), faults)  # type: ignore[misc]
        if len(faults) >= MOST_FAULTS:
            break
    refuse(faults)
    if facts.homogeneous:
        return Batch(rows, matrix=np.column_stack(list(cast.values())))
    return Batch(rows, columns=cast)


def from_matrix(schema: Schema, matrix: Array, locate: Locate | None = None) -> Batch:
    """A 2-D array ``(rows, columns)`` by position; a 1-D one is a single column, or a single row of that width."""
    facts = _facts_of(schema)
    if matrix.ndim == 1:
        matrix = matrix.reshape(-1, 1) if facts.width == 1 else matrix.reshape(1, -1)
    if matrix.shape[1:] != (facts.width,):
        raise InvalidInput.of(Fault("shape", f"[rows, {facts.width}]", str(list(matrix.shape))))
    if facts.homogeneous and matrix.dtype == facts.dtype and not facts.closed and facts.allows(matrix):
        return Batch(len(matrix), matrix=np.ascontiguousarray(matrix))
    return from_columns(schema, {name: matrix[:, i] for i, name in enumerate(facts.names)}, locate)


def cast_column(
    column: Column, values: Sequence[Any] | Array, locate: Callable[[int], str], faults: list[Fault]
) -> Array:
    """The values as a 1-D array of the column's dtype; what does not fit is appended to ``faults``."""
    if isinstance(values, np.ndarray):
        if values.dtype.kind in "fiub":
            return _cast_array(column, values, locate, faults)
        values = _listed(values)
    fast = _cast_list(column, values) if len(values) > _FEW else None
    return _cast_each(column, values, locate, faults) if fast is None else fast


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is worth knowing about a schema at every request. ``nullable`` has one entry for each column."""

    schema: Schema
    width: int
    names: tuple[str, ...]
    values_of: Callable[[Any], tuple[Any, ...]]
    pack: Callable[..., bytes]
    homogeneous: bool
    dtype: np.dtype[Any]
    closed: bool
    nullable: npt.NDArray[np.bool_]

    def allows(self, matrix: Array) -> bool:
        """Whether every number is finite, or NaN where its column may have missing values."""
        if matrix.dtype.kind != "f" or np.isfinite(matrix).all():
            return True
        return bool((np.isfinite(matrix) | (np.isnan(matrix) & self.nullable)).all())


@per_schema
def _facts_of(schema: Schema) -> _Facts:
    names, columns = schema.names, schema.columns
    return _Facts(
        schema=schema,
        width=len(columns),
        names=names,
        values_of=itemgetter(*names) if len(names) > 1 else lambda record: tuple(record[name] for name in names),
        pack=struct.Struct(f"{len(columns)}d").pack,
        homogeneous=schema.homogeneous,
        dtype=np.dtype(columns[0].dtype if schema.homogeneous else object),
        closed=any(column.closed for column in columns),
        nullable=np.array([column.nullable for column in columns], dtype=bool),
    )


def _by_position(facts: _Facts, rows: Sequence[Sequence[Any]], locate: Locate | None) -> Batch:
    """Rows that all have the schema's width."""
    if facts.homogeneous and not facts.closed and rows:
        matrix = _matrix(facts, rows)
        if matrix is not None:
            return Batch(len(rows), matrix=matrix)
    columns = zip(*rows, strict=True) if rows else ((),) * facts.width
    return from_columns(facts.schema, dict(zip(facts.names, columns, strict=True)), locate)


def _all_lists(facts: _Facts, columns: Mapping[str, Any]) -> bool:
    return all(type(columns.get(name)) is list for name in facts.names)


def _matrix(facts: _Facts, rows: Sequence[Sequence[Any]]) -> Array | None:
    """Rows of nothing but JSON numbers and allowed gaps, in one step; None where a closer look is needed."""
    try:
        if facts.dtype.kind == "f":
            return _float_matrix(facts, rows)
        return np.array(rows, dtype=facts.dtype) if _kinds(rows) == {int} else None
    except OverflowError:
        return None


def _float_matrix(facts: _Facts, rows: Sequence[Sequence[Any]]) -> Array | None:
    matrix = _packed(facts, rows) if len(rows) > _FEW else None
    if matrix is None:
        kinds = _kinds(rows)
        if not kinds <= _NUMBERS_AND_GAPS:
            return None
        matrix = np.array(rows, dtype=np.float64)  # None becomes NaN
        if len(rows) == 1 and facts.dtype == np.float64 and kinds <= _NUMBERS and all(map(math.isfinite, rows[0])):
            return matrix  # a loop in C over a short row is faster than NumPy's set-up
    if facts.dtype != np.float64:
        with np.errstate(over="ignore"):
            matrix = matrix.astype(facts.dtype)
    return matrix if facts.allows(matrix) else None


def _packed(facts: _Facts, rows: Sequence[Sequence[Any]]) -> Array | None:
    """Rows of ints and floats as float64, at a third of the cost of ``np.array``; None where there is anything else.

    Packing takes bools for 0 and 1, so those two are looked at again.
    """
    try:
        matrix = np.frombuffer(bytearray().join(starmap(facts.pack, rows))).reshape(len(rows), facts.width)
    except struct.error:
        return None
    if ((matrix == 0) | (matrix == 1)).any() and bool in _kinds(rows):
        return None
    return matrix


def _kinds(rows: Sequence[Sequence[Any]]) -> set[type]:
    return set(map(type, chain.from_iterable(rows)))


def _cast_list(column: Column, values: Sequence[Any]) -> Array | None:
    """JSON values that all fit, in one step; None where a closer look is needed."""
    kinds = set(map(type, values))
    if column.nullable:
        kinds.discard(NoneType)
    want = column.dtype
    try:
        if want in FLOATS and kinds <= _NUMBERS:
            made: Array = np.array(values, dtype=np.float64)  # None becomes NaN
        elif (want in INTEGERS and kinds == {int} and None not in values) or (want == "bool" and kinds == {bool}):
            made = _array(column, values)
        elif want == "string" and kinds == {str}:
            return _strings(column, values)
        else:
            return None
    except OverflowError:
        return None
    faults: list[Fault] = []
    cast = _cast_array(column, made, str, faults) if made.dtype.kind != "O" else made
    return None if faults else cast


def _strings(column: Column, values: Sequence[Any]) -> Array | None:
    if column.closed and not set(values) <= {*column.categories, None}:
        return None
    return _array(column, values)


def _cast_array(column: Column, values: Array, locate: Callable[[int], str], faults: list[Fault]) -> Array:
    """A number or bool array into the column's dtype."""
    want = column.dtype
    if (want == "bool") != (values.dtype.kind == "b") or want in {"string", "datetime64[ns]"}:
        return _cast_each(column, values.tolist(), locate, faults)
    if want in INTEGERS and values.dtype.kind == "f":
        return _cast_whole(column, values, locate, faults)
    if want == "bool":
        return values.astype(object if column.nullable else bool)
    with np.errstate(over="ignore"):
        cast = values.astype(want)
    wrong = _wrong_numbers(column, values, cast)
    _add_faults(column, values, wrong, locate, faults)
    return cast


def _cast_whole(column: Column, values: Array, locate: Callable[[int], str], faults: list[Fault]) -> Array:
    """Floats into an integer column: in one step where all are whole and exact."""
    if np.all(np.abs(values) <= _EXACT) and np.all(np.trunc(values) == values):
        return _cast_array(column, values.astype(np.int64), locate, faults)
    return _cast_each(column, values.tolist(), locate, faults)


def _add_faults(
    column: Column, values: Array, wrong: npt.NDArray[np.bool_], locate: Callable[[int], str], faults: list[Fault]
) -> None:
    places = np.flatnonzero(wrong)[:MOST_FAULTS].tolist()
    faults.extend(Fault(locate(row), expected(column), show(values[row].item())) for row in places)


def _wrong_numbers(column: Column, values: Array, cast: Array) -> npt.NDArray[np.bool_]:
    wrong = np.zeros(len(values), dtype=bool)
    if cast.dtype.kind == "f":
        wrong |= np.isinf(cast) if column.nullable else ~np.isfinite(cast)
    else:
        info = np.iinfo(cast.dtype)
        wrong |= (values < info.min) | (values > info.max)
    if column.closed:
        wrong |= ~np.isin(cast, np.array(column.categories)) & (cast == cast)  # noqa: PLR0124 - NaN is not a category
    return wrong


def _cast_each(column: Column, values: Sequence[Any], locate: Callable[[int], str], faults: list[Fault]) -> Array:
    """Value by value: the path of dates, of the unusual, and of faults."""
    convert: Callable[[Column, Any], Any] = _CONVERTERS.get(
        column.dtype, _float if column.dtype in FLOATS else _integer
    )
    known = (frozenset(column.categories) if len(values) > _FEW else column.categories) if column.closed else None
    made: list[Any] = []
    for row, value in enumerate(values):
        missing = _is_missing(value)
        result = None if missing else convert(column, value)
        fits = column.nullable if missing else result is not None and (known is None or result in known)
        if not fits:
            faults.append(Fault(locate(row), expected(column), show(value)))
            if len(faults) >= MOST_FAULTS:
                break
        made.append(result)
    return np.empty(0) if faults else _array(column, made)


def _array(column: Column, made: Sequence[Any]) -> Array:
    """Values that fit, None for missing, as the array that a batch holds for the column."""
    if column.dtype == "string" or (column.dtype == "bool" and column.nullable):
        objects = np.empty(len(made), dtype=object)
        objects[:] = made
        return objects
    if column.dtype in INTEGERS and None in made:
        return np.array(made, dtype=np.float64)  # as pandas does: integers have no missing value
    return np.array(made, dtype=column.dtype)


def _listed(values: Array) -> list[Any]:
    """An array of strings, dates or objects as a list of plain Python values; dates stay NumPy's."""
    if values.dtype.kind == "M":
        return list(values)
    listed: list[Any] = values.tolist()
    return [value.item() if isinstance(value, (np.number, np.bool_, np.str_)) else value for value in listed]


def _is_missing(value: Any) -> bool:
    """None, NaN, and what NumPy and pandas have for missing."""
    if value is None:
        return True
    if isinstance(value, float):
        return math.isnan(value)
    if isinstance(value, np.datetime64):
        return bool(np.isnat(value))
    return type(value).__name__ in {"NAType", "NaTType"}


def _float(column: Column, value: Any) -> float | None:
    if type(value) not in _NUMBERS:
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    if column.dtype == "float32":
        with np.errstate(over="ignore"):
            number = float(np.float32(number))
    return number if math.isfinite(number) else None


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
    """A date or time; one with an offset is taken to UTC. Nanoseconds reach from 1677 to 2262."""
    import pandas as pd  # here, because few models eat dates

    written = isinstance(value, str) and _ISO_8601.fullmatch(value)
    if not written and not isinstance(value, (np.datetime64, dt.date)):
        return None
    try:
        stamp = pd.Timestamp(value)
        stamp = stamp.tz_convert(None) if stamp.tzinfo else stamp
        return stamp.as_unit("ns").to_datetime64()
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
        shown = ", ".join(show(c) for c in column.categories[:_SHOWN_CATEGORIES])
        more = ", …" if len(column.categories) > _SHOWN_CATEGORIES else ""
        words = f"one of {shown}{more}"
    elif column.dtype in FLOATS:
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
        text = f'"{value[:_SHOWN]}{"" if len(value) > _SHOWN else chr(34)}'
    else:
        text = "a huge number" if isinstance(value, int) and abs(value) >= 10**_SHOWN else str(value)
    text = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return text.encode("utf-8", "backslashreplace").decode()  # half of a surrogate pair cannot be written


def _rows_of(schema: Schema) -> Locate:
    return lambda row, column: f"row {row}, column {schema.columns[column].name}"


def _check_widths(rows: Sequence[Any], width: int, locate: Locate) -> None:
    wanted = f"a list of {width} values"
    wrong = (i for i, row in enumerate(rows) if type(row) is not list or len(row) != width)
    refuse(Fault(locate(i, 0), wanted, show(rows[i])) for i in wrong)


def _record_faults(schema: Schema, records: Sequence[Any], locate: Locate, *, exact: bool) -> list[Fault]:
    faults: list[Fault] = []
    names = dict.fromkeys(schema.names)
    for row, record in enumerate(records):
        if not isinstance(record, dict):
            faults.append(Fault(locate(row, 0), "an object", show(record)))
        else:
            faults += [
                Fault(locate(row, i), expected(c), "nothing")
                for i, c in enumerate(schema.columns)
                if c.name not in record
            ]
            if exact:
                faults += [
                    Fault(locate(row, 0), f"only {', '.join(names)}", show(key)) for key in record if key not in names
                ]
        if len(faults) >= MOST_FAULTS:
            break
    return faults


def _common_length(schema: Schema, columns: Mapping[str, Any]) -> int:
    found = {name: columns[name] for name in schema.names if name in columns}
    refuse(Fault(name, "a list of values", show(values)) for name, values in found.items() if not _is_column(values))
    lengths = {name: len(values) for name, values in found.items()}
    longest = max(lengths.values(), default=0)
    wanted = f"{longest} values, as the longest column has"
    refuse(Fault(name, wanted, str(length)) for name, length in lengths.items() if length != longest)
    return longest


def _is_column(values: Any) -> bool:
    return values.ndim == 1 if isinstance(values, np.ndarray) else isinstance(values, (list, tuple))


def _values(column: Column, columns: Mapping[str, Any]) -> Any:
    if column.name in columns:
        return columns[column.name]
    raise InvalidInput.of(Fault(column.name, expected(column), "no such column in the input"))
