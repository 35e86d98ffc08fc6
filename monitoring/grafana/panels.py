"""The few kinds of panels over time that Millrace's dashboards are made of, before they have a place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitoring.grafana.colours import GREEN, RED, YELLOW, Look, mapped
from monitoring.grafana.queries import Json, Query

_SOFT_MAXIMA = {"percentunit": 0.05, "reqps": 1, "ops": 1, "opm": 1, "s": 0.001, "none": 4, "Bps": 1024, "bytes": 1024}
"""How far an axis reaches at least, by unit, so that a flat zero does not stand on an axis of thousands."""

LEGEND: Json = {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []}


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel before it has a place.

    ``width`` is of 24 columns; ``runbook`` names an alert; ``no_value`` is what the panel says if there is no data.
    ``minimum`` is where the axis begins. ``transformations`` and ``overrides`` are Grafana's own.
    """

    kind: str
    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    options: Json
    width: int = 8
    height: int = 8
    steps: tuple[tuple[float | None, str], ...] = ((None, GREEN),)
    custom: Json = field(default_factory=dict)
    runbook: str = ""
    mappings: tuple[Json, ...] = ()
    instant: bool = False
    table: bool = False
    no_value: str = ""
    minimum: float | None = None
    overrides: tuple[Json, ...] = ()
    transformations: tuple[Json, ...] = ()


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
    soft: float | None = None,
    signed: bool = False,
    no_value: str = "",
    looks: Sequence[Look] = (),
) -> Panel:
    """Show values over time, from 0 on; ``stack`` for parts of a whole, ``warn`` draws the line above which to worry.

    Values that are ``signed`` may be below 0. The axis reaches at least to ``soft``: by default beyond ``warn``, or
    what is usual for the unit.
    """
    reach = soft if soft is not None else 1.2 * warn if warn is not None else _SOFT_MAXIMA.get(unit)
    custom: Json = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 30 if stack else 8,
        "showPoints": "never",
        "spanNulls": False,
        "axisSoftMin": 0 if signed else None,
        "axisSoftMax": reach,
        "stacking": {"mode": "normal" if stack else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if warn is not None else "off"},
    }
    return Panel(
        "timeseries",
        title,
        description,
        unit,
        queries,
        {"legend": LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}},
        width,
        steps=((None, GREEN), *([(warn, RED)] if warn is not None else [])),
        custom={name: value for name, value in custom.items() if value is not None},
        runbook=runbook,
        no_value=no_value,
        minimum=None if signed else 0,
        overrides=tuple(look.override for look in looks),
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
    names: Mapping[int, tuple[str, str]] | None = None,
    no_value: str = "",
) -> Panel:
    """Show one number with a sparkline, coloured by thresholds; ``low_is_bad`` turns them round.

    ``names`` gives values words and colours; then there is no sparkline.
    """
    first, last = (RED, GREEN) if low_is_bad else (GREEN, RED)
    steps: list[tuple[float | None, str]] = [(None, first if warn is not None or bad is not None else GREEN)]
    low, high = (bad, warn) if low_is_bad else (warn, bad)
    if low is not None:
        steps.append((low, YELLOW if high is not None else last))
    if high is not None:
        steps.append((high, last))
    options = {
        "graphMode": "none" if names else "area",
        "colorMode": "value",
        "justifyMode": "auto",
        "textMode": "value",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    named = query if query.legend else replace(query, legend=title.lower())
    return Panel(
        "stat",
        title,
        description,
        unit,
        (named,),
        options,
        width,
        4,
        tuple(steps),
        runbook=runbook,
        mappings=(mapped(names),) if names else (),
        no_value=no_value,
    )


def states(  # noqa: PLR0913 - the few things in which panels of states differ
    title: str,
    description: str,
    query: Query,
    names: Mapping[int, tuple[str, str]],
    *,
    width: int = 12,
    height: int = 8,
    runbook: str = "",
    no_value: str = "",
) -> Panel:
    """Show which state a thing was in over time; ``names`` gives each value its word and colour."""
    options = {
        "showValue": "auto",
        "rowHeight": 0.9,
        "mergeValues": True,
        "alignValue": "left",
        "legend": LEGEND,
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return Panel(
        "state-timeline",
        title,
        description,
        "none",
        (query,),
        options,
        width,
        height,
        custom={"lineWidth": 0, "fillOpacity": 70},
        runbook=runbook,
        mappings=(mapped(names),),
        no_value=no_value,
    )
