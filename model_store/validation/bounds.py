"""How many rows a request may hold, counted before they cost anything."""

from typing import Any

from model_store.request_errors import PayloadTooLarge


def check_rows(rows: int, most: int) -> None:
    """Raise PayloadTooLarge for more rows than a request may hold; called before they cost anything."""
    if rows > most:
        raise PayloadTooLarge(f"the request has {rows} rows: at most {most} are answered at once")


def announced_rows(value: Any) -> int:
    """Return how many rows a JSON value can hold at most: a list's length, or that of an object's longest list."""
    if isinstance(value, dict):
        return max((len(inner) for inner in value.values() if isinstance(inner, list)), default=0)
    return len(value) if isinstance(value, list) else 0
