"""What publishing found out about a version's engines, as its manifest has it and as people read it.

``options["engines"]``: ``chosen`` is the engine to use; ``each`` has an entry for ``compiled``, ``arrays`` and
``estimator``: ``equal`` (bool), ``why_not`` where it is not used, ``rows`` that it was compared on, and ``seconds`` of
CPU for one call by its number of rows. ``parts`` are rows by the parts that were compared alone. ``calls`` is true if
the compiled form that is used calls parts of the estimator.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from model_store.manifest import ENGINES

COMPILED, ARRAYS, ESTIMATOR = "compiled", "arrays", "estimator"
CALLS = "calls"
KINDS = (COMPILED, ARRAYS, ESTIMATOR)
"""All engines, as settings and manifests name them."""
_UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))


def chosen(options: Mapping[str, Any]) -> str:
    """Return the engine that publishing chose; empty if the manifest does not say."""
    return str(_facts(options).get("chosen", ""))


def calls(options: Mapping[str, Any]) -> bool:
    """Return whether the version's compiled form calls parts of the estimator, which is then loaded as well."""
    return _facts(options).get(CALLS) is True


def summary(options: Mapping[str, Any]) -> str:
    """Return in one line whether a version is compiled, and what that saves or why not; empty if it does not say."""
    each = _facts(options).get("each", {})
    compiled = each.get(COMPILED)
    if not compiled:
        return ""
    if chosen(options) != COMPILED:
        return f"not compiled: {compiled.get('why_not', 'not equal')}"
    times = [_row_seconds(each, kind) for kind in (COMPILED, ESTIMATOR)]
    saved = f": {_written(times[0])} instead of {_written(times[1])} for one row" if all(times) else ""
    return f"compiled{saved}, equal on {compiled['rows']:,} rows"


def lines(options: Mapping[str, Any]) -> list[str]:
    """Return the table of engines; nothing if the manifest does not say."""
    facts = _facts(options)
    if "each" not in facts:
        return []
    counts = list(dict.fromkeys(n for entry in facts["each"].values() for n in entry.get("seconds", {})))
    head = ("engine", "equal", "rows", *(f"{n} row{'s' if n != '1' else ''}" for n in counts), "")
    rows = [head, *(_row(kind, facts["each"].get(kind, {}), counts, facts["chosen"]) for kind in KINDS)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows] + [
        *(["the compiled form calls parts of the estimator, which is loaded as well"] if calls(options) else []),
    ]


def _row(kind: str, entry: Mapping[str, Any], counts: Sequence[str], used: str) -> tuple[str, ...]:
    times = [_written(entry.get("seconds", {}).get(n, 0.0)) for n in counts]
    said = "used" if kind == used else entry.get("why_not", "")
    return kind, "yes" if entry.get("equal") else "no", f"{entry.get('rows', 0):,}", *times, said


def _row_seconds(each: Mapping[str, Any], kind: str) -> float:
    return float(each.get(kind, {}).get("seconds", {}).get("1", 0.0))


def _facts(options: Mapping[str, Any]) -> Mapping[str, Any]:
    facts = options.get(ENGINES)
    return facts if isinstance(facts, Mapping) else {}


def _written(seconds: float) -> str:
    """Return a time as people read it, in two digits."""
    if not seconds:
        return "-"
    unit, size = next(((unit, size) for unit, size in _UNITS if seconds >= size), _UNITS[-1])
    return f"{float(f'{seconds / size:.2g}'):g} {unit}"
