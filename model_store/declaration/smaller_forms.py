"""What a version's manifest says of the smaller forms that were tried, for people."""

from collections.abc import Mapping
from typing import Any

from model_store.manifest import OPTIMISED, Manifest


def lines(manifest: Manifest) -> list[str]:
    """Return a line for each smaller form that was tried, and one that says what was taken; none if none was asked."""
    option = manifest.options.get(OPTIMISED)
    if not isinstance(option, Mapping):
        return []
    metric = f"{option['metric']} on {option['rows']} rows, loss budget {option['budget']:g}"
    return [f"smaller forms ({metric}):", *map(_tried, option["tried"]), f"taken: {_named(option['chosen'])}"]


def _tried(entry: Mapping[str, Any]) -> str:
    cost, loss = entry["cost"], entry["loss"]
    held = f"{cost['bytes'] / 1024:,.0f} KiB, {cost['row_seconds'] * 1e6:,.0f} µs a row"
    lost = f"loses {loss['mean']:.4g} (95 % from {loss['low']:.4g} to {loss['high']:.4g})"
    return f"  {_named(entry['names'])}: {held}; {lost}{'' if entry['allowed'] else ', too much'}"


def _named(names: list[str]) -> str:
    return " and ".join(names) or "the model as it is"
