"""Which values of a column may be shown to people who only watch: names of categories, never texts and ids."""

from collections.abc import Iterable

LEAST_ROWS = 5
"""Rows of a sample that a value must be in to be shown: a rarer one may be of one person."""
LONGEST_NAME = 64
"""Characters of the longest value that is taken for the name of a category."""
MOST_DIGITS = 5
"""Digits, as of a postal code, that the name of a category has at most: dates, telephone numbers and ids have more."""


def are_names(values: Iterable[object]) -> bool:
    """Return whether all values can be names of categories: short, with few digits, and no addresses of mail."""
    return all(map(_is_name, values))


def are_few(distinct: float, values: float) -> bool:
    """Return whether the different values are few enough to be categories: at most half as many as all values."""
    return 2 * distinct <= max(values, 2)


def _is_name(value: object) -> bool:
    text = str(value)
    return len(text) <= LONGEST_NAME and "@" not in text and sum(map(str.isdigit, text)) <= MOST_DIGITS
