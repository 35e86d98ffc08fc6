"""What is measured of a column's values, 1-D arrays as a batch holds them; of texts, only lengths and characters."""

from typing import Any

import numpy as np

from model_store.batch import Array

CHARACTERS = ("empty", "digits", "letters", "letters and digits", "words", "marks", "beyond ASCII")
"""Kinds of texts: ``words`` have spaces; ``marks`` have none but other marks, such as an e-mail address."""

_SECOND = np.timedelta64(1, "s")


def numbers(values: Array) -> Array:
    """Return numbers or times as float64, missing ones as NaN; times are seconds, since 1970 if they are points."""
    if values.dtype.kind == "M":
        return np.asarray((values - np.datetime64(0, "s")) / _SECOND)
    return np.asarray(values / _SECOND) if values.dtype.kind == "m" else values.astype(np.float64)


def present(values: Array) -> list[Any]:
    """Return the values that are not missing, as Python's own."""
    return [value for value in values.tolist() if value is not None and value == value]  # noqa: PLR0124 - NaN differs


def texts(values: Array) -> list[str]:
    """Return the values that are not missing, as texts."""
    return [value if type(value) is str else str(value) for value in present(values)]


def characters(text: str) -> str:
    """Return which of ``CHARACTERS`` a text is; the length of the text hardly matters for the time that takes."""
    if not text.isascii():
        return "beyond ASCII"
    if text.isalnum():
        return "letters" if text.isalpha() else "digits" if text.isdigit() else "letters and digits"
    return ("words" if " " in text else "marks") if text else "empty"
