"""Profiles of format 1, which release 0.1.0 wrote, without the values of texts and ids that they hold."""

from collections.abc import Collection, Mapping
from typing import Any

from model_store import privacy

FORMAT = 1
_MISSING_OR_NOT: Mapping[str, Any] = {"kind": "text", "edges": [], "shares": {}}
"""A text of which nothing is known but how often it is missing."""


def mended(profile: Mapping[str, Any], categories: Mapping[str, Collection[Any]]) -> Mapping[str, Any]:
    """Return a profile of format 1 as one of format 2; any other profile as it is.

    ``categories`` are the values that the schema knows, by column. Entries of other columns, and of those whose values
    are many or do not look like names of categories, become texts.
    """
    if profile.get("format", FORMAT) != FORMAT:
        return profile
    rows = profile.get("rows", 0)
    features = {
        name: _mended(entry, rows, categories.get(name, ())) if entry["kind"] == "categorical" else entry
        for name, entry in profile.get("features", {}).items()
    }
    return {**profile, "features": features}


def _mended(entry: Mapping[str, Any], rows: int, known: Collection[Any]) -> Mapping[str, Any]:
    there, missing = (1 - entry["missing"]) * rows, {"missing": entry["missing"]}
    if all(isinstance(value, bool) for value, _ in entry["values"]):
        return entry
    if not known or not _are_categories(entry, there, known):
        return {**_MISSING_OR_NOT, **missing}
    kept = [[value, share] for value, share in entry["values"] if round(share * there) >= privacy.LEAST_ROWS]
    return {**entry, "values": kept, "other": max(0.0, 1 - sum(share for _, share in kept))}


def _are_categories(entry: Mapping[str, Any], there: float, known: Collection[Any]) -> bool:
    """Return whether values are categories; of those that are not listed, each may be another."""
    most = len(entry["values"]) + entry["other"] * there
    listed = (value for value, _ in entry["values"])
    return privacy.are_few(most, there) and privacy.are_names((*listed, *known))
