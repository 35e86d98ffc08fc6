"""The reference profile of a version: how each feature and each output was distributed in the sample.

``profile.json``: ``rows``; ``features`` and ``outputs`` by name. Each entry has a ``kind`` and ``missing``, a share;
what else it has depends on the kind.

``numeric``: numbers and times. ``mean``, ``std``, the inner ``edges`` of the decile bins (ascending, at most 9; the
outer bins are open) and the ``shares`` of non-missing values in the ``len(edges) + 1`` bins, bin i holding
edges[i-1] <= value < edges[i]. Edges are rounded, to less than a tenth of the distance to the next one, so that they
are not the numbers of single rows.

``categorical``: categories, bools and classes. The ``values`` with their shares, most frequent first (at most 50), and
``other``, the share of all others. Of a feature, the values that fewer than five rows have are among the others.

``text``: texts and ids. No value is kept: ``edges`` are numbers of characters, and ``shares`` has the shares, as above,
for each kind of text (``model_store.reference.measures.CHARACTERS``) that was there. A string is a text unless the
schema knows categories of the column, at most half of the sample's values differ, and all of them look like names of
categories (see ``model_store.privacy``). Whole numbers are ids if no two are equal and they have nine or more digits or
are counted up.

``vector``: an output of several entries a row. ``components``, one entry each (at most 64).

Format 1, of release 0.1.0, has no ``text``: its ``categorical`` entries hold values of texts and ids too.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from model_store import privacy
from model_store.batch import Array, Batch
from model_store.reference.measures import characters, numbers, present, texts
from model_store.schema import NUMBERS, Column, Output, Schema

FILE = "profile.json"
FORMAT = 2
_MOST_VALUES = 50
_MOST_COMPONENTS = 64
_BINS = 10
_FINENESS = 10
"""An edge is rounded to the power of ten below this part of the distance to the next edge."""
_WIDER = 1.25
"""Lengths that differ by less than this factor are alike."""
_LEAST_IDS = 20
"""Numbers that are needed to tell that they are ids."""
_LEAST_ID = 10**8


def write(folder: Path, profile: Mapping[str, Any]) -> None:
    """Write ``profile.json`` into a version's folder."""
    (folder / FILE).write_text(json.dumps(profile, allow_nan=False), "utf-8")


def read(folder: Path) -> dict[str, Any]:
    """Return the profile of a version."""
    return from_bytes((folder / FILE).read_bytes())


def from_bytes(data: bytes) -> dict[str, Any]:
    """Return the profile in the bytes of ``profile.json``. Raises ValueError."""
    document: dict[str, Any] = json.loads(data)
    return document


def describe(schema: Schema, batch: Batch, answers: Mapping[str, Array]) -> dict[str, Any]:
    """Return the profile of a sample and of the answers to it."""
    features = {column.name: _feature(column, batch.column(schema, i)) for i, column in enumerate(schema.columns)}
    outputs = {
        output.name: _output(output, answers[output.name]) for output in schema.outputs if output.name in answers
    }
    return {"format": FORMAT, "rows": batch.rows, "features": features, "outputs": outputs}


def _feature(column: Column, values: Array) -> dict[str, Any]:
    if column.dtype == "bool":
        return _categorical(values)
    if values.dtype.kind not in "mM" and (column.categories or column.held == "category"):
        return _categorical(values, privacy.LEAST_ROWS) if _are_categories(values) else _text(values)
    if column.dtype == "string" or (column.dtype in NUMBERS and _are_ids(values)):
        return _text(values)
    return _numeric(numbers(values))


def _output(output: Output, values: Array) -> dict[str, Any]:
    if values.ndim > 1:
        flat = values.reshape(len(values), math.prod(values.shape[1:]))[:, :_MOST_COMPONENTS]
        return {"kind": "vector", "components": [_answer(flat[:, i]) for i in range(flat.shape[1])]}
    return _categorical(values) if output.labels else _answer(values)


def _answer(values: Array) -> dict[str, Any]:
    if values.dtype.kind == "b":
        return _categorical(values)
    return _numeric(numbers(values)) if values.dtype.kind in "fiumM" else _text(values)


def _are_categories(values: Array) -> bool:
    there = present(values)
    distinct = set(there)
    return privacy.are_few(len(distinct), len(there)) and privacy.are_names(distinct)


def _are_ids(values: Array) -> bool:
    """Return whether numbers are ids: whole, no two equal, and of nine or more digits or counted up."""
    there = np.array(present(values)) if values.dtype.kind == "O" else values[np.isfinite(values)]
    if len(there) < _LEAST_IDS or len(np.unique(there)) < len(there) or (there != np.floor(there)).any():
        return False
    low, high = int(there.min()), int(there.max())
    counted = values.dtype.kind != "f" and high - low < 2 * len(there)
    return counted or (low >= _LEAST_ID and len(str(low)) == len(str(high)))


def _numeric(values: Array) -> dict[str, Any]:
    there = values[np.isfinite(values)]
    entry = {"kind": "numeric", "missing": _share_missing(len(there), values)}
    if not len(there):
        return {**entry, "mean": None, "std": None, "edges": [], "shares": []}
    edges = _rounded(np.unique(np.quantile(there, np.linspace(0, 1, _BINS + 1)[1:-1])))
    with np.errstate(over="ignore"):
        mean, std = float(there.mean()), float(there.std())
    return {
        **entry,
        "mean": mean if np.isfinite(mean) else None,
        "std": std if np.isfinite(std) else None,
        "edges": edges.tolist(),
        "shares": (_counts(there, edges) / len(there)).tolist(),
    }


def _counts(values: Array, edges: Array) -> Array:
    return np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)


def _rounded(edges: Array) -> Array:
    """Return the edges rounded so far that they stay apart, and most of their bins what they were."""
    if len(edges) == 1:  # most of the values are this one
        return edges
    steps = np.diff(edges / _FINENESS)
    nearest = np.minimum(np.append(steps, steps[-1]), np.insert(steps, 0, steps[0]))
    places = -np.floor(np.log10(nearest)).astype(int)
    return np.array([_round(edge, place) for edge, place in zip(edges.tolist(), places.tolist(), strict=True)])


def _round(edge: float, place: int) -> float:
    try:
        return round(edge, place)
    except OverflowError:  # next to the largest float there is nothing to round to
        return edge


def _categorical(values: Array, least_rows: int = 1) -> dict[str, Any]:
    there = present(values)
    top = [(value, count) for value, count in Counter(there).most_common(_MOST_VALUES) if count >= least_rows]
    total = len(there) or 1
    return {
        "kind": "categorical",
        "missing": _share_missing(len(there), values),
        "values": [[value, count / total] for value, count in top],
        "other": (len(there) - sum(count for _, count in top)) / total,
    }


def _text(values: Array) -> dict[str, Any]:
    there = texts(values)
    entry = {"kind": "text", "missing": _share_missing(len(there), values)}
    if not there:
        return {**entry, "edges": [], "shares": {}}
    lengths, kinds = np.array(list(map(len, there))), np.array(list(map(characters, there)))
    edges = _length_edges(lengths)
    counts = {kind: _counts(lengths[kinds == kind], edges) for kind in sorted(set(kinds.tolist()))}
    return {**entry, "edges": edges.tolist(), "shares": {kind: (n / len(there)).tolist() for kind, n in counts.items()}}


def _length_edges(lengths: Array) -> Array:
    """Return the quarters of the lengths, apart and farther out by a factor, so that one letter more is no drift."""
    least, *quarters = np.quantile(lengths, (0, 0.25, 0.5, 0.75), method="higher").tolist()
    edges, last = [math.floor(least / _WIDER)], least
    for quarter in quarters:
        if quarter >= max(last, 1) * _WIDER:
            edges.append(quarter)
            last = quarter
    return np.unique([*edges, math.ceil(int(lengths.max()) * _WIDER) + 1])


def _share_missing(there: int, values: Array) -> float:
    return 1 - there / len(values) if len(values) else 0.0
