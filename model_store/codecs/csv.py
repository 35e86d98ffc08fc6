"""CSV bodies: a header row of column names, then one row a line; RFC 4180 quoting, UTF-8.

The empty field is a missing value, and in columns that are no text also ``NA``, as R writes it, and ``NaN`` in one of
floats; text such as ``NA``, ``null`` or ``007`` in a string column stays the text that it is.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import orjson

from model_store.codecs.placing import MOST_ROWS, places
from model_store.request_errors import Fault, InvalidInput, MalformedRequest, PayloadTooLarge, refuse
from model_store.schema import FLOATS, INTEGERS, Column, Schema

_NUMBER = re.compile(r"[+-]?+(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][+-]?+\d++)?+", re.ASCII)  # never looks twice
_INTEGER = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_NOT_AVAILABLE = "NA"
_BOOLS = {"true": True, "false": False}


def read_columns(body: bytes, schema: Schema, max_rows: int = MOST_ROWS) -> dict[str, list[Any]]:
    """Return the model's columns by name, as JSON-like values: missing is None, a field that is no value stays text.

    Raises MalformedRequest if the body is no CSV, PayloadTooLarge if it has more than ``max_rows`` rows, and
    InvalidInput if rows or columns do not fit.
    """
    header, rows = read_lines(body, max_rows)
    order = _places(schema, header, rows)
    fields = list(zip(*rows, strict=True)) if rows else [() for _ in header]
    return {c.name: _values(c, fields[order[c.name]]) for c in schema.columns if c.name in order}


def _places(schema: Schema, header: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, int]:
    try:
        return places(schema, header)
    except InvalidInput:
        if rows:
            raise
        raise MalformedRequest(
            "The CSV body is a single line that lacks columns of the model: expected a line of column names, then a "
            "line for each row. If curl sent it with -d, that took its line ends out: use --data-binary"
        ) from None


def is_number(field: str) -> bool:
    """Return whether a field is a number as a CSV body may write it."""
    return _NUMBER.fullmatch(field.strip()) is not None


def read_lines(body: bytes, max_rows: int = MOST_ROWS) -> tuple[list[str], list[list[str]]]:
    """Return the fields of the first line, and those of each other line.

    Raises MalformedRequest, PayloadTooLarge, and InvalidInput if a line has more or fewer fields than the first.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedRequest(f"The CSV body is not UTF-8: byte {error.start} cannot be read") from None
    ends = "\n" if "\n" in text else ""  # a lone \r among lines that end with \n is text that pandas did not quote
    reader = csv.reader(io.StringIO(text, newline=ends), strict=True)
    try:
        rows = list(islice(filter(None, reader), max_rows + 2))  # a blank line is no row
    except csv.Error as error:
        raise MalformedRequest(f"The body is not valid CSV: line {reader.line_num}: {error}") from None
    if not rows:
        raise MalformedRequest("The CSV body is empty: expected a header row with the column names")
    if len(rows) > max_rows + 1:
        raise PayloadTooLarge(f"The body has more than {max_rows} rows: send fewer at once")
    _check_widths(rows[1:], len(rows[0]))
    return rows[0], rows[1:]


def _check_widths(rows: Iterable[Sequence[str]], width: int) -> None:
    wanted = f"{width} fields, as the header has"
    refuse(Fault(f"row {i}", wanted, f"{len(row)} fields") for i, row in enumerate(rows) if len(row) != width)


def _values(column: Column, fields: Sequence[str]) -> list[Any]:
    if column.dtype in FLOATS or column.dtype in INTEGERS:
        numbers = _plain_numbers(fields)
        if numbers is not None:
            return numbers
    convert, gaps = _converter(column), ("",) if column.dtype == "string" else ("", _NOT_AVAILABLE)
    return [None if field in gaps else convert(field) for field in fields]


def _plain_numbers(fields: Sequence[str]) -> list[Any] | None:
    """Parse all fields in one step if each is a number as JSON writes it; else return None."""
    try:
        values: list[Any] = orjson.loads(f"[{','.join(fields)}]")
    except orjson.JSONDecodeError:
        return None
    plain = len(values) == len(fields) and set(map(type, values)) <= {int, float}
    return values if plain else None


def _converter(column: Column) -> Callable[[str], Any]:
    if column.dtype in FLOATS:
        return _float
    if column.dtype in INTEGERS:
        return _integer
    return _bool if column.dtype == "bool" else str


def _float(field: str) -> float | str:
    text = field.strip()
    return float(text) if _NUMBER.fullmatch(text) or text.lower() == "nan" else field


def _integer(field: str) -> float | str:
    text = field.strip()
    return int(text) if _INTEGER.fullmatch(text) else float(text) if _NUMBER.fullmatch(text) else field


def _bool(field: str) -> bool | str:
    return _BOOLS.get(field.strip().lower(), field)
