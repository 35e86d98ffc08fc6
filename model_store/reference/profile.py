"""The reference profile of a version: how each feature and each output was distributed in the sample.

``profile.json``: ``rows``; ``features`` and ``outputs`` by name. A numeric entry has ``missing`` (a share), ``min``,
``max``, ``mean``, ``std``, the inner ``edges`` of its decile bins (ascending, at most 9; the outer bins are open) and
the ``shares`` of non-missing values in the ``len(edges) + 1`` bins, bin i holding edges[i-1] <= value < edges[i]. A
categorical entry has ``missing``, the ``values`` with their shares, most frequent first (at most 50), and ``other``,
the share of all others. An output of several entries a row has ``components``, one entry each (at most 64).
"""

import json
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from model_store.batch import Array, Batch
from model_store.schema import Schema

FILE = "profile.json"
_MOST_VALUES = 50
_MOST_COMPONENTS = 64
_BINS = 10


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
    features = {
        column.name: _describe(batch.column(schema, i), categorical=bool(column.categories))
        for i, column in enumerate(schema.columns)
    }
    outputs = {
        output.name: _describe_output(answers[output.name], categorical=bool(output.labels))
        for output in schema.outputs
        if output.name in answers
    }
    return {"format": 1, "rows": batch.rows, "features": features, "outputs": outputs}


def _describe_output(values: Array, *, categorical: bool) -> dict[str, Any]:
    if values.ndim == 1:
        return _describe(values, categorical=categorical)
    flat = values.reshape(len(values), math.prod(values.shape[1:]))[:, :_MOST_COMPONENTS]
    return {"kind": "vector", "components": [_describe(flat[:, i], categorical=False) for i in range(flat.shape[1])]}


def _describe(values: Array, *, categorical: bool) -> dict[str, Any]:
    if values.dtype.kind in "fiu" and not categorical:
        return _numeric(values.astype(np.float64))
    if values.dtype.kind == "M":
        return _numeric(np.where(np.isnat(values), np.nan, values.astype("datetime64[ns]").astype(np.int64) / 1e9))
    return _categorical(values)


def _numeric(values: Array) -> dict[str, Any]:
    there = values[np.isfinite(values)]
    missing = 1 - len(there) / len(values) if len(values) else 0.0
    if not len(there):
        return {"kind": "numeric", "missing": missing, "min": None, "max": None, "mean": None, "std": None} | {
            "edges": [],
            "shares": [],
        }
    edges = np.unique(np.quantile(there, np.linspace(0, 1, _BINS + 1)[1:-1]))
    counts = np.bincount(np.searchsorted(edges, there, side="right"), minlength=len(edges) + 1)
    with np.errstate(over="ignore"):
        mean, std = float(there.mean()), float(there.std())
    return {
        "kind": "numeric",
        "missing": missing,
        "min": float(there.min()),
        "max": float(there.max()),
        "mean": mean if np.isfinite(mean) else None,
        "std": std if np.isfinite(std) else None,
        "edges": edges.tolist(),
        "shares": (counts / len(there)).tolist(),
    }


def _categorical(values: Array) -> dict[str, Any]:
    listed = values.tolist()
    there = [value for value in listed if value is not None and value == value]  # noqa: PLR0124 - NaN alone differs
    top = Counter(there).most_common(_MOST_VALUES)
    total = len(there) or 1
    return {
        "kind": "categorical",
        "missing": 1 - len(there) / len(listed) if listed else 0.0,
        "values": [[value, count / total] for value, count in top],
        "other": (len(there) - sum(count for _, count in top)) / total,
    }
