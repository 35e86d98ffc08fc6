"""How live values are counted against a published profile: which bins there are, and which bin a value is in.

Pure computation on NumPy arrays; the format of profiles is described in ``model_store.reference.profile``.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from model_store.reference import first_format
from model_store.reference.measures import characters, numbers, texts

Array = npt.NDArray[Any]
Kind = Literal["input", "output"]

MISSING, UNSEEN, OTHER = "missing", "unseen", "other"
MOST_CATEGORIES = 10
MOST_TEXTS = 250
"""Texts or ids of one request that are measured at most."""
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
        if values.dtype.kind in "mMO":
            values = numbers(values)
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
class Text:
    """Texts and ids by their kind of characters and their length, in bins between ``edges`` as those of numbers.

    ``labels`` are the bins of what was there at publication, by kind and number; all else is ``other``.
    """

    kind: Kind
    name: str
    edges: tuple[int, ...]
    labels: Mapping[tuple[str, int], str]
    shares: tuple[float, ...]
    missing: float

    @property
    def bins(self) -> tuple[str, ...]:
        """Return one for each kind and length, such as ``words 20-34``, and ``other``."""
        return (*self.labels.values(), OTHER)

    def count(self, values: Array) -> Mapping[str, int]:
        """See Binned. Counts at most ``MOST_TEXTS`` of the values, spread evenly over them."""
        if len(values) == 1:  # as most requests
            value = values.item()
            return {self._bin(str(value)) if value is not None and value == value else MISSING: 1}  # noqa: PLR0124 - NaN
        sampled = values[:: -(-len(values) // MOST_TEXTS)]
        there = texts(sampled)
        found = Counter(map(self._bin, there))
        if len(there) < len(sampled):
            found[MISSING] = len(sampled) - len(there)
        return found

    def _bin(self, text: str) -> str:
        return self.labels.get((characters(text), bisect_right(self.edges, len(text))), OTHER)


@dataclass(frozen=True, slots=True)
class Categorical:
    """Values that are one of few: ``labels`` are bins of frequent ones.

    ``known`` are all values that the schema knows; others are ``unseen``. If it knows none, nothing is unseen.
    """

    kind: Kind
    name: str
    labels: Mapping[Any, str]
    shares: tuple[float, ...]
    missing: float
    known: frozenset[Any] = frozenset()

    @property
    def bins(self) -> tuple[str, ...]:
        """Return one for each frequent value, ``other`` for rarer ones, ``unseen`` for new ones."""
        return (*self.labels.values(), OTHER, *([UNSEEN] if self.known else []))

    def count(self, values: Array) -> Mapping[str, int]:
        """See Binned."""
        return Counter(self._bin(value) for value in values.tolist())

    def _bin(self, value: Any) -> str:
        if value is None or value != value:  # noqa: PLR0124 - NaN alone differs from itself
            return MISSING
        label = self.labels.get(value)
        if label is not None:
            return label
        return UNSEEN if self.known and value not in self.known else OTHER


def plan(
    profile: Mapping[str, Any], categories: Mapping[str, Collection[Any]], features: Sequence[str]
) -> list[Binned]:
    """Return what is counted for a version: the named input columns and every output of one value a row.

    ``categories`` are the values that the schema knows, by column or output.
    """
    profile = first_format.mended(profile, categories)
    entries: list[tuple[Kind, str, Any]] = [("input", name, profile.get("features", {}).get(name)) for name in features]
    entries += [("output", name, entry) for name, entry in profile.get("outputs", {}).items()]
    binned = (_binned(kind, name, entry or {}, categories.get(name, ())) for kind, name, entry in entries)
    return [one for one in binned if one is not None]


def _binned(kind: Kind, name: str, entry: Mapping[str, Any], known: Collection[Any]) -> Binned | None:
    if entry.get("kind") == "numeric" and entry["shares"]:
        return Numeric(kind, name, tuple(entry["edges"]), tuple(entry["shares"]), entry["missing"])
    if entry.get("kind") == "categorical":
        return _categorical(kind, name, entry, known)
    return _text(kind, name, entry) if entry.get("kind") == "text" else None


def _categorical(kind: Kind, name: str, entry: Mapping[str, Any], known: Collection[Any]) -> Categorical:
    frequent = entry["values"][:MOST_CATEGORIES]
    rarer = entry["values"][MOST_CATEGORIES:]
    labels = {value: f"{i:02d} {str(value)[:_LONGEST_LABEL]}" for i, (value, _) in enumerate(frequent)}
    other = entry["other"] + sum(share for _, share in rarer)
    shares = (*(share for _, share in frequent), other, *([0.0] if known else []))
    everything = frozenset(known) | {value for value, _ in entry["values"]} if known else frozenset()
    return Categorical(kind, name, labels, shares, entry["missing"], everything)


def _text(kind: Kind, name: str, entry: Mapping[str, Any]) -> Text:
    edges = tuple(entry["edges"])
    bins = {(of, i): share for of, shares in entry["shares"].items() for i, share in enumerate(shares) if share}
    labels = {(of, i): f"{of} {_span(edges[i - 1], edges[i] - 1)}" for of, i in bins}
    return Text(kind, name, edges, labels, (*bins.values(), 0.0 if bins else 1.0), entry["missing"])


def _span(least: int, most: int) -> str:
    return f"{least}" if least == most else f"{least}-{most}"


def references(binned: Binned) -> list[tuple[str, float]]:
    """Return the bins with their shares at publication: ``missing`` of all values, others of those there."""
    return [*zip(binned.bins, binned.shares, strict=True), (MISSING, binned.missing)]
