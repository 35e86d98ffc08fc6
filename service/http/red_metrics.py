"""Requests by route: rate, errors, duration.

prometheus-flask-exporter counts what Flask dispatches; predictions that are answered before Flask are counted here,
into the very same metrics.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import flask
from prometheus_flask_exporter import PrometheusMetrics

from service.metrics.adding import adder, observer, together
from service.metrics.catalogue import BY_NAME

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_OTHER = "other"
_UNMATCHED = "unmatched"
_DURATION = "flask_http_request_duration_seconds"
_TOTAL = "flask_http_request_total"
_EXCEPTIONS = "flask_http_request_exceptions"

Observe = Callable[[str, str, int, float], None]


def instrument(app: flask.Flask, registry: Any) -> Observe:
    """Count every request that ``app`` dispatches; return what counts a request that is answered before Flask.

    ``registry`` is an empty one of prometheus_client, for this application's metrics alone. What is returned is
    ``observed(rule, method, status, seconds)``, with ``rule`` the route's pattern as in Flask's URL map.
    """
    PrometheusMetrics(app, path=None, group_by=url_rule, buckets=BY_NAME[_DURATION].buckets, registry=registry)
    declared = registry._names_to_collectors  # noqa: SLF001 - the exporter keeps its metrics to itself
    duration, total = declared[_DURATION], declared[_TOTAL]
    for metric in (duration, total, declared[_EXCEPTIONS]):
        metric.labels = _bound(metric.labels)

    @cache
    def bound(rule: str, method: str, status: int) -> Callable[..., None]:
        observe = observer(duration.labels(method=method, url_rule=rule, status=status))
        return together(observe, adder(total.labels(method=method, status=status)))

    def observed(rule: str, method: str, status: int, seconds: float) -> None:
        bound(rule, method if method in _METHODS else _OTHER, status)(seconds, 1)

    return observed


def url_rule(request: flask.Request) -> str:
    """Return the pattern of the route that matched; never the path, which callers invent."""
    return request.url_rule.rule if request.url_rule else _UNMATCHED


def _bound(labels: Callable[..., Any]) -> Callable[..., Any]:
    """Make a metric's ``labels`` remember its children, and name no HTTP method that only the caller knows."""
    children: dict[tuple[Any, ...], Any] = {}

    def find(**values: Any) -> Any:
        if values["method"] not in _METHODS:
            values["method"] = _OTHER
        key = tuple(values.values())
        found = children.get(key)
        if found is None:
            found = children[key] = labels(**values)
        return found

    return find
