"""The few kinds of panels that Millrace's dashboards are made of, before they have a place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from monitoring.grafana.queries import Json, Query

_GREEN, _YELLOW, _RED = "green", "#EAB839", "red"


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel before it has a place.

    ``width`` is of 24 columns; ``runbook`` names an alert; ``no_value`` is what the panel says if there is no data.
    """

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
    no_value: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A row's title and its panels, in reading order."""

    title: str
    panels: tuple[Panel, ...]


def lines(  # noqa: PLR0913 - the few things in which line panels differ
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    width: int = 8,
    stack: bool = False,
    runbook: str = "",
    warn: float | None = None,
    no_value: str = "",
) -> Panel:
    """Show values over time; ``stack`` for parts of a whole, ``warn`` draws the line above which to worry."""
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
    return Panel(
        "timeseries", title, description, unit, queries, options, width, 8, steps, custom, runbook, no_value=no_value
    )


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
    """Show one number with a sparkline, coloured by thresholds; ``low_is_bad`` turns them round."""
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


def bars(  # noqa: PLR0913 - the few things in which panels of bars differ
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    width: int = 8,
    steps: Sequence[tuple[float, str]] = (),
    no_value: str = "",
) -> Panel:
    """Show the newest values side by side, as horizontal bars."""
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
    return Panel(
        "bargauge", title, description, unit, queries, options, width, 8, coloured, instant=True, no_value=no_value
    )


def states(  # noqa: PLR0913 - the few things in which panels of states differ
    title: str,
    description: str,
    query: Query,
    names: Mapping[int, tuple[str, str]],
    *,
    width: int = 12,
    runbook: str = "",
) -> Panel:
    """Show which state a thing was in over time; ``names`` gives each value its word and colour."""
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
        "state-timeline", title, description, "none", (query,), options, width, 8, steps, custom, runbook, (mapping,)
    )
