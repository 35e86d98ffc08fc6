"""The instruments that the catalogue declares, and how a value is recorded with them.

prometheus_client chooses between values in this process and values in files that all workers share when it is imported:
files where PROMETHEUS_MULTIPROC_DIR names a folder. gunicorn_conf sets it, and wipes the folder, before this import.
"""

import threading
from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from service.metrics import whole
from service.metrics.catalogue import CATALOGUE
from service.metrics.declaration import Declaration

whole.install()

MOST_LABEL_VALUES = 64
"""Most values of a label whose set is fixed in code that is elsewhere; a further one is counted as ``other``."""

_known: dict[str, set[str]] = {}
_adding = threading.Lock()

REGISTRY = CollectorRegistry()


def _instrument(declared: Declaration, registry: CollectorRegistry) -> Any:
    if declared.kind == "counter":
        return Counter(declared.name, declared.help, declared.labels, registry=registry)
    if declared.kind == "gauge":
        mode = declared.mode or "max"
        return Gauge(declared.name, declared.help, declared.labels, registry=registry, multiprocess_mode=mode)
    return Histogram(declared.name, declared.help, declared.labels, registry=registry, buckets=declared.buckets)


_INSTRUMENTS: dict[str, Any] = {
    declared.name: _instrument(declared, REGISTRY) for declared in CATALOGUE if declared.origin == "worker"
}


@cache
def child(name: str, *values: str) -> Any:
    """Return the declared instrument with these label values, made once. Raises KeyError if it is not declared."""
    instrument = _INSTRUMENTS[name]
    return instrument.labels(*values) if values else instrument


for _declared in CATALOGUE:
    for _value in _declared.from_zero:
        child(_declared.name, _value)


def bounded(label: str, value: str) -> str:
    """Return ``value`` as it may stand in a label: ``other`` if the label already has as many values as it may."""
    known = _known.setdefault(label, set())
    if value not in known:
        with _adding:
            if len(known) >= MOST_LABEL_VALUES:
                return "other"
            known.add(value)
    return value


def all_but_latest() -> list[Any]:
    """Return all instruments but those that tell when they were set, and are set again soon."""
    return [_INSTRUMENTS[one.name] for one in CATALOGUE if one.name in _INSTRUMENTS and one.mode != "mostrecent"]


def new_registry() -> CollectorRegistry:
    """Return an empty registry, for metrics that another library makes."""
    return CollectorRegistry()
