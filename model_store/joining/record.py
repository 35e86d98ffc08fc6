"""What is known of joining the requests for a version's outputs, as its manifest has it and as people read it.

``options["batching"]``: ``choice`` is the publisher's, ``auto``, ``always`` or ``never``; ``outputs`` has an entry for
each output that was looked at: ``joined`` (bool); ``rule`` that says so, ``steps`` (all of them are on the reviewed
list), ``rows`` (of a trial) or ``owner``; ``rows`` that were tried, ``differs_at``, the numbers of rows at once that
gave another answer, and how far ``apart`` answers were then, relative to their magnitude, null if that is no
rounding; ``why_not``. ``one_by_one`` has the same of outputs that are not joined otherwise: whether requests of one row
are, with products of matrices for each row by itself. What rows show counts for the ``engine`` and the ``machine`` that
they were tried with.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from model_store.manifest import BATCHING

Batching = Literal["auto", "always", "never"]
AUTO: Final = "auto"
ALWAYS: Final = "always"
NEVER: Final = "never"
CHOICES = (AUTO, ALWAYS, NEVER)
_SHOWN = 6
STEPS, ROWS, OWNER = "steps", "rows", "owner"


def choice(options: Mapping[str, Any]) -> str:
    """Return what the publisher chose; ``auto`` if the manifest does not say."""
    return str(facts(options).get("choice", AUTO))


def facts(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the manifest says of joining; nothing if it was written before there was any."""
    found = options.get(BATCHING)
    return found if isinstance(found, Mapping) else {}


def outputs(options: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Return what is known of each output."""
    found = facts(options).get("outputs")
    return found if isinstance(found, Mapping) else {}


def joined(options: Mapping[str, Any]) -> list[str]:
    """Return the outputs for which requests are joined."""
    return _joined(outputs(options))


def one_by_one(options: Mapping[str, Any]) -> list[str]:
    """Return the further outputs for which requests of one row are joined."""
    found = facts(options).get("one_by_one")
    return _joined(found) if isinstance(found, Mapping) else []


def _joined(entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [name for name, entry in entries.items() if entry.get("joined") is True]


def by_rows(options: Mapping[str, Any]) -> bool:
    """Return whether requests are joined for some output because of what rows have shown."""
    return bool(one_by_one(options)) or any(outputs(options)[name].get("rule") == ROWS for name in joined(options))


def differing(options: Mapping[str, Any]) -> list[str]:
    """Return the outputs whose answers differed in company at least once."""
    return [name for name, entry in outputs(options).items() if entry.get("differs_at")]


def lines(options: Mapping[str, Any]) -> list[str]:
    """Return a line for each output: whether requests are joined for it, and why; nothing if nothing is known."""
    found = outputs(options)
    width = max(map(len, found), default=0)
    return [f"{name.ljust(width)}  {_said(entry)}" for name, entry in found.items()]


def one_by_one_lines(options: Mapping[str, Any]) -> list[str]:
    """Return a line on the outputs for which requests of one row are joined, if there are any."""
    names = one_by_one(options)
    return [f"requests of one row are joined for {', '.join(names)}, each row computed by itself"] if names else []


def _said(entry: Mapping[str, Any]) -> str:
    if entry.get("joined"):
        return f"joined: {_REASONS[str(entry.get('rule'))](entry)}"
    return f"alone: {entry.get('why_not', 'nothing is known')}"


def _by_owner(entry: Mapping[str, Any]) -> str:
    sizes = entry.get("differs_at")
    if not sizes:
        return f"you asked for it; {entry.get('rows', 0)} rows showed no difference"
    return f"you asked for it; {different(sizes, entry.get('apart'))}"


def different(sizes: list[int], apart: float | None) -> str:
    """Say at which numbers of rows at once answers differ, and by how much; None is more than rounding."""
    much = "by more than rounding" if apart is None else f"by {apart:.1g} of their magnitude at most"
    at = ", ".join(map(str, sizes[:_SHOWN])) + (", …" if len(sizes) > _SHOWN else "")
    return f"answers differ {much} (at {at} rows at once)"


_REASONS = {
    STEPS: lambda _: "each step treats each row alone",
    ROWS: lambda entry: f"{entry.get('rows', 0)} rows had the same bits alone and in company",
    OWNER: _by_owner,
}
