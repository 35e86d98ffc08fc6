"""Panels as Grafana's JSON, placed from left to right and top to bottom on 24 columns."""

from collections.abc import Iterable, Sequence

from monitoring.grafana.links import link
from monitoring.grafana.panels import Panel, Section
from monitoring.grafana.queries import DATASOURCE, Json, Query

_WIDTH = 24
_BY_SERIES = ("timeseries", "barchart")


def placed(sections: Sequence[Section]) -> Iterable[Json]:
    """Yield each section's row and its panels, numbered in reading order."""
    top, ordinal = 0, 0
    for section in sections:
        ordinal += 1
        yield {
            "type": "row",
            "id": ordinal,
            "title": section.title,
            "collapsed": False,
            "gridPos": {"h": 1, "w": _WIDTH, "x": 0, "y": top},
            "panels": [],
        }
        top += 1
        left, tallest = 0, 0
        for panel in section.panels:
            if left + panel.width > _WIDTH:
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
                "color": {"mode": "palette-classic" if panel.kind in _BY_SERIES else "thresholds"},
                "mappings": list(panel.mappings),
                "thresholds": {
                    "mode": "absolute",
                    "steps": [{"value": value, "color": colour} for value, colour in panel.steps],
                },
            },
            "overrides": list(panel.overrides),
        },
    }
    defaults = made["fieldConfig"]["defaults"]
    if panel.minimum is not None:
        defaults["min"] = panel.minimum
    if panel.transformations:
        made["transformations"] = list(panel.transformations)
    if panel.no_value:
        defaults["noValue"] = panel.no_value
    if panel.runbook:
        made["links"] = [link(f"Runbook: {panel.runbook}", f"${{runbooks}}/{panel.runbook}.md")]
    return made


def _target(panel: Panel, query: Query, index: int) -> Json:
    return {
        "datasource": DATASOURCE,
        "refId": chr(ord("A") + index),
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "range": not panel.instant,
        "instant": panel.instant,
        "format": "table" if panel.table else "time_series",
    }
