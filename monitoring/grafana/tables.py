"""Panels of what holds now, in columns: tables, and bars of two distributions side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitoring.grafana.colours import GREEN, RED, YELLOW, Look
from monitoring.grafana.panels import LEGEND, Panel
from monitoring.grafana.queries import Json, Query

_A = ord("A")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of values: what is asked, its unit, and from where on it is yellow and red."""

    title: str
    expr: str
    unit: str = "none"
    warn: float | None = None
    bad: float | None = None


@dataclass(frozen=True, slots=True)
class Labels:
    """The first columns of a table: labels and their titles; ``link`` is where a cell of the first one leads."""

    titles: tuple[tuple[str, str], ...]
    link: str = ""


def table(  # noqa: PLR0913 - the few things in which tables differ
    title: str,
    description: str,
    labels: Labels,
    *columns: Column,
    width: int = 12,
    height: int = 8,
    values: bool = True,
    no_value: str = "",
    runbook: str = "",
    overrides: Sequence[Json] = (),
) -> Panel:
    """Show a row for each set of labels, joined over the columns; without ``values``, the labels alone."""
    names = _value_names(len(columns))
    hidden = ["Time", *([] if values else names)]
    renamed = dict(labels.titles) | {name: column.title for name, column in zip(names, columns, strict=True)}
    order = {name: place for place, name in enumerate([label for label, _ in labels.titles] + names)}
    return Panel(
        "table",
        title,
        description,
        "none",
        tuple(Query(column.expr, column.title) for column in columns),
        {"frameIndex": 0, "showHeader": True, "cellHeight": "sm"},
        width,
        height,
        custom={"align": "auto", "inspect": False},
        runbook=runbook,
        instant=True,
        table=True,
        no_value=no_value,
        overrides=(*_links(labels), *map(_look, columns), *overrides),
        transformations=(
            {"id": "merge", "options": {}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": dict.fromkeys(hidden, True),
                    "indexByName": order,
                    "renameByName": renamed,
                },
            },
        ),
    )


def compared(title: str, description: str, unit: str, over: str, *columns: Column, no_value: str = "") -> Panel:
    """Show bars side by side for each value of the label ``over``: a live distribution next to a published one."""
    names = _value_names(len(columns))
    times = ["Time", *(f"Time {number}" for number in range(1, len(columns) + 1))]
    options = {
        "xField": over,
        "orientation": "auto",
        "barWidth": 0.9,
        "barRadius": 0,
        "groupWidth": 0.75,
        "stacking": "none",
        "showValue": "never",
        "fullHighlight": False,
        "xTickLabelRotation": 0,
        "xTickLabelMaxLength": 16,
        "legend": LEGEND,
        "tooltip": {"mode": "multi", "sort": "none"},
    }
    return Panel(
        "barchart",
        title,
        description,
        unit,
        tuple(Query(column.expr, column.title) for column in columns),
        options,
        24,
        9,
        custom={"lineWidth": 0, "fillOpacity": 80, "axisSoftMax": 0.1},
        instant=True,
        table=True,
        no_value=no_value,
        minimum=0,
        overrides=tuple(
            Look(f"^{column.title}$", colour).override
            for column, colour in zip(columns, ("blue", "#8e8e8e"), strict=False)
        ),
        transformations=(
            {"id": "joinByField", "options": {"byField": over, "mode": "outer"}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": dict.fromkeys(times, True),
                    "indexByName": {},
                    "renameByName": {name: column.title for name, column in zip(names, columns, strict=True)},
                },
            },
            {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": over}]}},
        ),
    )


def _value_names(count: int) -> list[str]:
    """Return what Grafana calls the values of several queries, and of one."""
    return [f"Value #{chr(_A + number)}" for number in range(count)] if count > 1 else ["Value"]


def _links(labels: Labels) -> list[Json]:
    if not labels.link:
        return []
    links = [{"title": "Runbook", "url": labels.link, "targetBlank": True}]
    return [_override(labels.titles[0][1], {"id": "links", "value": links})]


def _look(column: Column) -> Json:
    properties: list[Json] = [{"id": "unit", "value": column.unit}]
    if column.bad is not None:
        steps: list[Json] = [{"value": None, "color": GREEN}]
        if column.warn is not None:
            steps.append({"value": column.warn, "color": YELLOW})
        steps.append({"value": column.bad, "color": RED})
        properties.append({"id": "thresholds", "value": {"mode": "absolute", "steps": steps}})
        properties.append({"id": "custom.cellOptions", "value": {"type": "color-text"}})
    return _override(column.title, *properties)


def _override(title: str, *properties: Json) -> Json:
    return {"matcher": {"id": "byName", "options": title}, "properties": list(properties)}
