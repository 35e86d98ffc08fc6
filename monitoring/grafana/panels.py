"""The few kinds of panels that Millrace's dashboards are made of, and the frame around them, as Grafana's JSON."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
SCHEMA_VERSION = 39
WIDTH = 24
_GREEN, _YELLOW, _RED = "green", "#EAB839", "red"


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression and how its series are called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel before it has a place. ``width`` is of 24 columns; ``runbook`` names an alert."""

    kind: str
    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    options: Json
    width: int = 8
    height: int = 8
    steps: tuple[tuple[float | None, str], ...] = ()
    custom: Json = field(default_factory=dict)
    runbook: str = ""
    mappings: tuple[Json, ...] = ()
    instant: bool = False


def lines(  # noqa: PLR0913 - the few things in which line panels differ
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    width: int = 8,
    stack: bool = False,
    runbook: str = "",
    warn: float | None = None,
) -> Panel:
    """Values over time; ``stack`` for parts of a whole, ``warn`` draws the line above which to worry."""
    custom: Json = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 30 if stack else 8,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stack else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if warn is not None else "off"},
    }
    options = {
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    steps: tuple[tuple[float | None, str], ...] = ((None, _GREEN),)
    if warn is not None:
        steps = (*steps, (warn, _RED))
    return Panel("timeseries", title, description, unit, queries, options, width, 8, steps, custom, runbook)


def number(  # noqa: PLR0913 - the few things in which single numbers differ
    title: str,
    description: str,
    unit: str,
    query: Query,
    *,
    width: int = 4,
    warn: float | None = None,
    bad: float | None = None,
    low_is_bad: bool = False,
    runbook: str = "",
) -> Panel:
    """One number with a sparkline, coloured by thresholds; ``low_is_bad`` turns them round."""
    first, last = (_RED, _GREEN) if low_is_bad else (_GREEN, _RED)
    steps: list[tuple[float | None, str]] = [(None, first if warn is not None or bad is not None else _GREEN)]
    low, high = (bad, warn) if low_is_bad else (warn, bad)
    if low is not None:
        steps.append((low, _YELLOW if high is not None else last))
    if high is not None:
        steps.append((high, last))
    options = {
        "graphMode": "area",
        "colorMode": "value",
        "justifyMode": "auto",
        "textMode": "auto",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    return Panel("stat", title, description, unit, (query,), options, width, 4, tuple(steps), {}, runbook)


def bars(
    title: str, description: str, unit: str, *queries: Query, width: int = 8, steps: Sequence[tuple[float, str]] = ()
) -> Panel:
    """The newest values side by side, as horizontal bars."""
    options = {
        "displayMode": "gradient",
        "valueMode": "color",
        "namePlacement": "auto",
        "showUnfilled": True,
        "sizing": "auto",
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 300,
        "orientation": "horizontal",
        "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []},
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    coloured: tuple[tuple[float | None, str], ...] = ((None, _GREEN), *steps)
    return Panel("bargauge", title, description, unit, queries, options, width, 8, coloured, instant=True)


def states(title: str, description: str, query: Query, names: Mapping[int, tuple[str, str]], width: int = 12) -> Panel:
    """Which state a thing was in over time; ``names`` gives each value its word and colour."""
    mapping = {
        "type": "value",
        "options": {str(v): {"text": text, "color": colour, "index": v} for v, (text, colour) in names.items()},
    }
    options = {
        "showValue": "auto",
        "rowHeight": 0.9,
        "mergeValues": True,
        "alignValue": "left",
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    custom = {"lineWidth": 0, "fillOpacity": 70}
    steps: tuple[tuple[float | None, str], ...] = ((None, _GREEN),)
    return Panel(
        "state-timeline", title, description, "none", (query,), options, width, 8, steps, custom, "", (mapping,)
    )


@dataclass(frozen=True, slots=True)
class Section:
    """A row's title and its panels, in reading order."""

    title: str
    panels: tuple[Panel, ...]


def dashboard(name: str, title: str, description: str, sections: Sequence[Section], variables: Sequence[Json]) -> Json:
    """Give a dashboard its JSON, panels placed from left to right and top to bottom."""
    return {
        "id": None,
        "uid": f"millrace-{name}",
        "title": f"Millrace / {title}",
        "description": description,
        "tags": ["millrace"],
        "timezone": "browser",
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "schemaVersion": SCHEMA_VERSION,
        "time": {"from": "now-1h", "to": "now"},
        "timepicker": {},
        "fiscalYearStartMonth": 0,
        "templating": {"list": [_datasource(), *variables, *_links_variables()]},
        "annotations": {"list": _annotations()},
        "links": _links(),
        "panels": list(_placed(sections)),
    }


def choice(name: str, label: str, query: str) -> Json:
    """A variable whose values Prometheus knows: several or all may be chosen."""
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "query": query,
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def _placed(sections: Sequence[Section]) -> Iterable[Json]:
    top, ordinal = 0, 0
    for section in sections:
        ordinal += 1
        yield {
            "type": "row",
            "id": ordinal,
            "title": section.title,
            "collapsed": False,
            "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": top},
            "panels": [],
        }
        top += 1
        left, tallest = 0, 0
        for panel in section.panels:
            if left + panel.width > WIDTH:
                top, left, tallest = top + tallest, 0, 0
            ordinal += 1
            yield _panel(panel, ordinal, {"h": panel.height, "w": panel.width, "x": left, "y": top})
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest


def _panel(panel: Panel, ordinal: int, place: Json) -> Json:
    made: Json = {
        "type": panel.kind,
        "id": ordinal,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": place,
        "targets": [_target(panel, query, i) for i, query in enumerate(panel.queries)],
        "options": panel.options,
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "custom": panel.custom,
                "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
                "mappings": list(panel.mappings),
                "thresholds": {
                    "mode": "absolute",
                    "steps": [{"value": value, "color": colour} for value, colour in panel.steps],
                },
            },
            "overrides": [],
        },
    }
    if panel.runbook:
        made["links"] = [_link(f"Runbook: {panel.runbook}", f"${{runbooks}}/{panel.runbook}.md")]
    return made


def _target(panel: Panel, query: Query, index: int) -> Json:
    return {
        "datasource": DATASOURCE,
        "refId": chr(ord("A") + index),
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "range": not panel.instant,
        "instant": panel.instant,
    }


def _datasource() -> Json:
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "query": "prometheus",
        "refresh": 1,
        "current": {"selected": True, "text": "Prometheus", "value": "prometheus"},
    }


def _links_variables() -> list[Json]:
    return [
        _text("runbooks", "Runbooks at", "docs/runbooks", "Where docs/runbooks is published; panels link there."),
        _text("kibana", "Kibana at", "http://localhost:5601", "Where the logs are looked at; the profile elk has one."),
        _text("request_id", "Request id", "", "X-Request-ID of an answer; the link Logs looks for it."),
    ]


def _text(name: str, label: str, value: str, description: str) -> Json:
    return {
        "type": "textbox",
        "name": name,
        "label": label,
        "description": description,
        "query": value,
        "current": {"selected": True, "text": value, "value": value},
        "hide": 0 if name == "request_id" else 2,
    }


def _annotations() -> list[Json]:
    return [
        {
            "name": "Annotations & Alerts",
            "datasource": {"type": "grafana", "uid": "-- Grafana --"},
            "enable": True,
            "hide": True,
            "iconColor": "rgba(0, 211, 255, 1)",
            "type": "dashboard",
            "builtIn": 1,
        },
        _annotation(
            "Version switch",
            'max by (model, channel) (changes(millrace_model_channel_version{channel="stable"}[1m])) > 0',
            "blue",
            "{{model}}: {{channel}} moved",
        ),
        _annotation(
            "Replica restart",
            'max by (instance) (changes(millrace_worker_start_time_seconds{worker="master"}[1m])) > 0',
            "orange",
            "{{instance}} started",
        ),
    ]


def _annotation(name: str, expr: str, colour: str, title: str) -> Json:
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "expr": expr,
        "titleFormat": title,
        "step": "30s",
    }


def _links() -> list[Json]:
    query = "query:(language:kuery,query:'http.request.id:%22${request_id}%22')"
    return [
        _link("Millrace", tags=["millrace"]),
        _link("Logs of the request id", f"${{kibana}}/app/discover#/?_a=({query})"),
    ]


def _link(title: str, url: str = "", tags: Sequence[str] = ()) -> Json:
    return {
        "title": title,
        "type": "dashboards" if tags else "link",
        "icon": "dashboard" if tags else "doc",
        "tooltip": title,
        "tags": list(tags),
        "url": url,
        "asDropdown": bool(tags),
        "targetBlank": not tags,
        "includeVars": bool(tags),
        "keepTime": bool(tags),
    }
