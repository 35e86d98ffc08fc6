"""How live values are counted against a published profile: which bins there are, and which bin a value is in.

Pure computation on NumPy arrays; the format of profiles is described in ``model_store.reference.profile``.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Kind = Literal["input", "output"]

MISSING, UNSEEN, OTHER = "missing", "unseen", "other"
MOST_CATEGORIES = 10
_LONGEST_LABEL = 40


class Binned(Protocol):
    """One input column or output of a version, and its bins."""

    @property
    def kind(self) -> Kind:
        """Return whether it goes into the model or comes out of it."""

    @property
    def name(self) -> str:
        """Return the column's or output's name."""

    @property
    def bins(self) -> Sequence[str]:
        """Return the bins, without the one of missing values."""

    @property
    def shares(self) -> Sequence[float]:
        """Return each bin's share of the values that were there at publication."""

    @property
    def missing(self) -> float:
        """Return the share of values that were missing at publication."""

    def count(self, values: Array) -> Mapping[str, int]:
        """Count the values, a 1-D array, by bin; only bins that hold any."""


@dataclass(frozen=True, slots=True)
class Numeric:
    """Numbers in bins between ``edges``: bin i holds ``edges[i-1] <= value < edges[i]``; the outer bins are open."""

    kind: Kind
    name: str
    edges: tuple[float, ...]
    shares: tuple[float, ...]
    missing: float

    @property
    def bins(self) -> tuple[str, ...]:
        """Return ``00`` to ``09``."""
        return tuple(f"{i:02d}" for i in range(len(self.edges) + 1))

    def count(self, values: Array) -> Mapping[str, int]:
        """See Binned. Infinities count as missing, as in the profile."""
        if values.dtype.kind == "M":
            values = np.where(np.isnat(values), np.nan, values.astype("datetime64[ns]").astype(np.int64) / 1e9)
        if len(values) == 1:  # most requests have one row, for which NumPy costs more than it saves
            value = float(values[0])
            there = value - value == 0
            return {f"{bisect_right(self.edges, value):02d}" if there else MISSING: 1}
        finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        counts = np.bincount(np.searchsorted(self.edges, finite, side="right"))
        found = {f"{i:02d}": int(count) for i, count in enumerate(counts) if count}
        if len(finite) < len(values):
            found[MISSING] = len(values) - len(finite)
        return found


@dataclass(frozen=True, slots=True)
class Categorical:
    """Values that are one of few. ``known`` are all values known at publication; others are ``unseen``."""

    kind: Kind
    name: str
    labels: Mapping[Any, str]
    shares: tuple[float, ...]
    missing: float
    known: frozenset[Any] = field(default=frozenset())
    open_ended: bool = False

    @property
    def bins(self) -> tuple[str, ...]:
        """Return one for each frequent value, ``other`` for rarer ones, ``unseen`` for new ones."""
        return (*self.labels.values(), OTHER, UNSEEN)

    def count(self, values: Array) -> Mapping[str, int]:
        """See Binned."""
        return Counter(self._bin(value) for value in values.tolist())

    def _bin(self, value: Any) -> str:
        if value is None or value != value:  # noqa: PLR0124 - NaN alone differs from itself
            return MISSING
        label = self.labels.get(value)
        if label is not None:
            return label
        return OTHER if self.open_ended or value in self.known else UNSEEN


def plan(
    profile: Mapping[str, Any], categories: Mapping[str, Collection[Any]], features: Sequence[str]
) -> list[Binned]:
    """Return what is counted for a version: the named input columns and every output of one value a row.

    ``categories`` are the values that the schema knows, by column or output.
    """
    entries: list[tuple[Kind, str, Any]] = [("input", name, profile.get("features", {}).get(name)) for name in features]
    entries += [("output", name, entry) for name, entry in profile.get("outputs", {}).items()]
    binned = (_binned(kind, name, entry or {}, categories.get(name, ())) for kind, name, entry in entries)
    return [one for one in binned if one is not None]


def _binned(kind: Kind, name: str, entry: Mapping[str, Any], known: Collection[Any]) -> Binned | None:
    if entry.get("kind") == "numeric" and entry["shares"]:
        return Numeric(kind, name, tuple(entry["edges"]), tuple(entry["shares"]), entry["missing"])
    if entry.get("kind") == "categorical":
        return _categorical(kind, name, entry, known)
    return None


def _categorical(kind: Kind, name: str, entry: Mapping[str, Any], known: Collection[Any]) -> Categorical:
    frequent = entry["values"][:MOST_CATEGORIES]
    rarer = entry["values"][MOST_CATEGORIES:]
    labels = {value: f"{i:02d} {str(value)[:_LONGEST_LABEL]}" for i, (value, _) in enumerate(frequent)}
    other = entry["other"] + sum(share for _, share in rarer)
    shares = (*(share for _, share in frequent), other, 0.0)
    everything = frozenset(known) | {value for value, _ in entry["values"]}
    # beyond the profile's longest list nobody knows which values were there, unless the schema does
    return Categorical(
        kind, name, labels, shares, entry["missing"], everything, open_ended=entry["other"] > 0 and not known
    )


def references(binned: Binned) -> list[tuple[str, float]]:
    """Return the bins with their shares at publication: ``missing`` of all values, others of those there."""
    return [*zip(binned.bins, binned.shares, strict=True), (MISSING, binned.missing)]
