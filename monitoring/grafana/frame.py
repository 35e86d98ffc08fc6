"""What every dashboard has around its panels: variables, annotations, links, the time shown."""

from collections.abc import Sequence

from monitoring.grafana.links import links
from monitoring.grafana.panels import Section
from monitoring.grafana.placement import placed
from monitoring.grafana.queries import DATASOURCE, Json
from monitoring.grafana.variables import datasource, text, told

_SCHEMA_VERSION = 39


def dashboard(name: str, title: str, description: str, sections: Sequence[Section], variables: Sequence[Json]) -> Json:
    """Make a dashboard's JSON; its panels are placed from left to right and top to bottom."""
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
        "schemaVersion": _SCHEMA_VERSION,
        "time": {"from": "now-1h", "to": "now"},
        "timepicker": {},
        "fiscalYearStartMonth": 0,
        "templating": {"list": [datasource(), *variables, *_links_variables()]},
        "annotations": {"list": _annotations()},
        "links": links(),
        "panels": list(placed(sections)),
    }


def _links_variables() -> list[Json]:
    return [
        told("runbooks", "Runbooks at", 'label_values(ALERTS{alertname="MillraceWatchdog"}, runbooks)'),
        text(
            "kibana",
            "Kibana at",
            "http://localhost:5601",
            "Where the logs are looked at; the profile elk has one.",
            hidden=True,
        ),
        text("request_id", "Request id", "", "X-Request-ID of an answer; the link Logs looks for it.", hidden=False),
    ]


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
