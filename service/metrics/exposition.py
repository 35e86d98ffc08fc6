"""The values of all workers as Prometheus text.

prometheus_client's own collector parses every key of every file in every scrape; this one parses a key once in its
life and keeps the text that stands for it, so that a scrape costs a fraction and steals little from the workers.
"""

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.metrics import files
from service.metrics.catalogue import BY_NAME

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Version = tuple[str, str]
"""A model's name and a version, as labels say them."""

_KEPT = frozenset({"millrace_predictions_total", "millrace_prediction_rows_total", "millrace_model_loads_total"})
"""Counts of versions that stay in sight for good, so that totals stay true; a few series a version."""

Reading = tuple[str, tuple[str, ...], float]
"""A declared metric's name, its label values in declared order, and the value now."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """What a file's key stands for. ``bound`` is a histogram bucket's upper bound.

    ``detail_of`` is the version whose details it belongs to, which are not shown once that version is gone.
    """

    family: str
    name: str
    labels: str
    bound: float | None
    detail_of: Version | None


class Exposition:
    """Reads a folder of metric files; keeps parsed keys between scrapes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._samples: dict[tuple[str, str], _Sample] = {}
        self._current: Collection[Version] | None = None

    def text(self, readings: Iterable[Reading] = (), current: Collection[Version] | None = None) -> str:
        """Return everything in Prometheus' text format, families in order of their names.

        Histograms, bins and gauges of versions that are not ``current`` are left out, if that is known: files only
        grow, and a replica sees many versions come and go. Raises KeyError for a reading that is not declared.
        """
        self._current = current
        merged, count = files.read(self._folder)
        lines: dict[str, list[str]] = defaultdict(list)
        for prefix, values in merged.items():
            add = self._add_histograms if prefix == "histogram" else self._add_plain
            add(prefix, values, lines)
        add_readings([*readings, ("millrace_metric_files", (), float(count))], lines)
        return render(lines)

    def _add_plain(self, prefix: str, values: files.Values, lines: dict[str, list[str]]) -> None:
        for key, (value, at) in values.items():
            if prefix.endswith("mostrecent") and not at:
                continue  # nobody has said anything yet
            sample = self._sample(prefix, key)
            if self._gone(sample):
                continue
            lines[sample.family].append(f"{sample.name}{_braces(sample.labels)} {number(value)}")

    def _add_histograms(self, prefix: str, values: files.Values, lines: dict[str, list[str]]) -> None:
        """Add cumulative buckets; the files hold each bucket's own count."""
        buckets: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
        sums: dict[tuple[str, str], float] = {}
        for key, (value, _) in values.items():
            sample = self._sample(prefix, key)
            if self._gone(sample):
                continue
            if sample.bound is None:
                sums[sample.family, sample.labels] = value
            else:
                buckets[sample.family, sample.labels].append((sample.bound, value))
        for (family, labels), counts in buckets.items():
            below = 0.0
            start = f'{family}_bucket{{{labels}{"," if labels else ""}le="'
            for bound, count in sorted(counts):
                below += count
                lines[family].append(f'{start}{number(bound)}"}} {number(below)}')
            lines[family].append(f"{family}_count{_braces(labels)} {number(below)}")
            lines[family].append(f"{family}_sum{_braces(labels)} {number(sums.get((family, labels), 0.0))}")

    def _gone(self, sample: _Sample) -> bool:
        return self._current is not None and sample.detail_of is not None and sample.detail_of not in self._current

    def _sample(self, prefix: str, key: str) -> _Sample:
        sample = self._samples.get((prefix, key))
        if sample is None:
            sample = self._samples[prefix, key] = _parse(prefix, key)
        return sample


def _parse(prefix: str, key: str) -> _Sample:
    family, name, labels, _ = json.loads(key)
    bound = labels.pop("le", None)
    if prefix == "counter":
        family = name
    detailed = family not in _KEPT and "feedback" not in family and {"model", "version"} <= labels.keys()
    detail_of = (labels["model"], labels["version"]) if detailed else None
    return _Sample(family, name, label_text(labels), None if bound is None else float(bound), detail_of)


def add_readings(readings: Iterable[Reading], lines: dict[str, list[str]]) -> None:
    """Add readings of declared metrics. Raises KeyError for one that is not declared."""
    for name, values, value in readings:
        labels = label_text(dict(zip(BY_NAME[name].labels, values, strict=True)))
        lines.setdefault(name, []).append(f"{name}{_braces(labels)} {number(value)}")


def render(lines: Mapping[str, list[str]]) -> str:
    """Give each family its HELP and TYPE."""
    text: list[str] = []
    for family in sorted(lines):
        declared = BY_NAME.get(family)
        if declared is not None:
            text += (f"# HELP {family} {declared.help}", f"# TYPE {family} {declared.kind}")
            text += lines[family]
    return "\n".join(text) + "\n"


def label_text(labels: Mapping[str, str]) -> str:
    """Return labels as they stand between the braces, sorted by name."""
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items()))


def number(value: float) -> str:
    """Return a value as Prometheus reads it."""
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(float(value))


def _braces(labels: str) -> str:
    return f"{{{labels}}}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
