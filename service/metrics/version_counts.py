"""What the workers of a replica counted of each version's predictions, read from their files."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from service.metrics import files
from service.metrics.exposition import Version

_PREDICTIONS = "millrace_predictions_total"
_FIELDS = {"millrace_prediction_rows_total": "rows", "millrace_last_prediction_timestamp_seconds": "last"}
_STAGE = "millrace_stage_seconds_sum"
_READ = (
    '["millrace_predictions"',
    '["millrace_prediction_rows"',
    '["millrace_last_prediction',
    f'["millrace_stage_seconds", "{_STAGE}"',
)
"""How the keys begin in the files that are read at all: a bucket's key costs as much as its value is of no use here."""


@dataclass(frozen=True, slots=True)
class VersionCounts:
    """What was counted of one version.

    ``answered`` and ``refused`` are requests, ``rows`` those of answered ones; ``decode``, ``predict`` and ``encode``
    are seconds, summed over answered ones. ``last`` is when the last one was answered, in seconds since 1970; 0 if none
    was.
    """

    answered: float = 0.0
    refused: float = 0.0
    rows: float = 0.0
    decode: float = 0.0
    predict: float = 0.0
    encode: float = 0.0
    last: float = 0.0

    def __add__(self, other: "VersionCounts") -> "VersionCounts":
        """Return the counts of two replicas as one."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in _NAMES}
        return VersionCounts(**{**sums, "last": max(self.last, other.last)})

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """Return counts that another replica tells; later releases may tell more. Raises ValueError, TypeError."""
        return cls(**{name: float(told.get(name, 0.0)) for name in _NAMES})


_NAMES = tuple(field.name for field in fields(VersionCounts))

Counted = Mapping[Version, VersionCounts]


def read(folder: Path) -> Counted:
    """Return the counts in the files of a replica's workers, of those that ended too."""
    found: dict[Version, dict[str, float]] = defaultdict(dict)
    merged, _ = files.read(folder)
    for values in merged.values():
        for key, (value, _) in values.items():
            if key.startswith(_READ):
                _, name, labels, _ = json.loads(key)
                if labels["model"]:
                    counts = found[labels["model"], labels["version"]]
                    field = _field(name, labels)
                    counts[field] = counts.get(field, 0.0) + value
    return {version: VersionCounts(**counts) for version, counts in found.items()}


def added(parts: Iterable[Counted]) -> Counted:
    """Return the counts of several replicas as one."""
    sums: dict[Version, VersionCounts] = defaultdict(VersionCounts)
    for part in parts:
        for version, counts in part.items():
            sums[version] += counts
    return sums


def _field(name: str, labels: Mapping[str, str]) -> str:
    if name == _PREDICTIONS:
        return "answered" if labels["code"] == "ok" else "refused"
    return labels["stage"] if name == _STAGE else _FIELDS[name]
