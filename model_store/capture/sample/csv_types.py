"""What the columns of a CSV sample are: what the model shows of them, else what all their fields look like."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from model_store.capture.sample.csv_rows import CsvRows
from model_store.codecs import csv
from model_store.errors import BadSample
from model_store.missing import is_missing
from model_store.schema import NUMBERS

_OFFSET = re.compile(r":\d\d(?:\.\d+)?\s*[+-](?!00:?(?:00)?$)\d\d(?::?\d\d)?", re.ASCII)
_LEADING_ZERO = re.compile(r"[+-]?0\d", re.ASCII)
_LONGEST = 20  # digits of a 64-bit number, with its sign
_MOST = 2**64


def typed(
    rows: CsvRows,
    fitted: tuple[str, ...] | None,
    encoded: Mapping[str, Sequence[Any]],
    declared: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return a CSV sample as a DataFrame.

    ``fitted`` are the names that the estimator was fitted on, ``encoded`` the values that its encoders know in a
    column, which tell text from numbers, and ``declared`` the types of columns of which any is declared. Other columns
    are numbers, bools or text by their fields: a number with a leading zero, such as 007, is text, and an empty field
    is missing. Raises BadSample.
    """
    types, made = declared or {}, {}
    for name, fields in rows.named(fitted).items():
        known = encoded.get(name)
        made[name] = _declared(name, fields, types[name]) if name in types else _column(name, fields, known)
    return pd.DataFrame(made)


def _declared(name: str, fields: Sequence[str], kind: str) -> Any:
    """Return values of a declared type; fields that are none of it stay what they look like, to be refused by name.

    Raises BadSample if times have an offset other than that of UTC, because it does not tell their zone.
    """
    there = [field for field in fields if field]
    if kind == "string":
        return _text(fields)
    if kind.startswith("datetime"):
        _refuse_offsets(name, there)
    if kind.startswith(("datetime", "timedelta")):
        return _times(fields, kind)
    return _numbers(fields) if kind in NUMBERS and all(map(csv.is_number, there)) else _values(fields)


def _refuse_offsets(name: str, fields: Sequence[str]) -> None:
    odd = next(filter(_OFFSET.search, fields), None)
    if odd:
        raise BadSample(
            f"column {name!r} of the sample holds {odd[:40]!r}: an offset does not tell the time zone, which times of "
            "another season need: give the sample as Parquet"
        )


def _times(fields: Sequence[str], kind: str) -> Any:
    values = pd.Series([field or None for field in fields], dtype=object)
    try:
        return pd.to_datetime(values, format="ISO8601") if kind.startswith("datetime") else pd.to_timedelta(values)
    except (ValueError, TypeError):
        return _text(fields)


def _column(name: str, fields: Sequence[str], known: Sequence[Any] | None) -> Any:
    there = [value for value in known or () if not is_missing(value)]
    if there and all(isinstance(value, str) for value in there):
        return _text(fields)
    values = _values(fields)
    if there and all(isinstance(value, (int, float)) for value in there) and values.dtype.kind not in "biuf":
        odd = next((field for field in fields if field and not csv.is_number(field)), None)
        if odd is None:  # numbers with leading zeros
            return _numbers(fields)
        raise BadSample(
            f"column {name!r} of the sample holds {odd[:40]!r}, and the estimator was fitted on numbers there, such as "
            f"{there[0]!r}: write numbers, leave missing ones empty, or give the sample as Parquet"
        )
    return values


def _values(fields: Sequence[str]) -> Any:
    filled = [field.strip() for field in fields if field]
    if filled and all(field.lower() in {"true", "false"} for field in filled):
        return _bools(fields)
    if not all(map(_is_plain, filled)):
        return _text(fields)
    return _numbers(fields)


def _numbers(fields: Sequence[str]) -> Any:
    if all(field.strip().lstrip("+-").isdigit() for field in fields):
        return pd.to_numeric(pd.Series(list(map(int, fields)), dtype=object)).to_numpy()
    return np.array([float(field) if field else np.nan for field in fields])


def _is_plain(field: str) -> bool:
    """Return whether it is a number, or NaN, and no code that looks like one."""
    if field.lower() == "nan":
        return True
    return csv.is_number(field) and not _LEADING_ZERO.match(field) and not _is_long(field)


def _is_long(field: str) -> bool:
    return field.lstrip("+-").isdigit() and (len(field) > _LONGEST or not -_MOST // 2 <= int(field) < _MOST)


def _bools(fields: Sequence[str]) -> Any:
    values = [field.strip().lower() == "true" if field else None for field in fields]
    return np.array(values) if None not in values else pd.Series(values, dtype=object)


def _text(fields: Sequence[str]) -> Any:
    return pd.array([field or None for field in fields], dtype="str")
