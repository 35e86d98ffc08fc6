"""Colours by meaning: what is well is green, what a caller did is yellow or orange, what failed is red."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitoring.grafana.queries import Json

GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "#EAB839", "orange", "red", "blue", "#8e8e8e"


@dataclass(frozen=True, slots=True)
class Look:
    """How series are drawn whose names match ``pattern``, a regular expression that need not match the whole."""

    pattern: str
    colour: str = ""
    dashed: bool = False

    @property
    def override(self) -> Json:
        """Give it as Grafana's JSON. Several series of one colour are shades of it."""
        properties: list[Json] = []
        if self.colour:
            properties.append({"id": "color", "value": {"mode": "shades", "fixedColor": self.colour}})
        if self.dashed:
            properties.append({"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 6]}})
            properties.append({"id": "custom.fillOpacity", "value": 0})
            properties.append({"id": "custom.stacking", "value": {"mode": "none", "group": "B"}})
        return {"matcher": {"id": "byRegexp", "options": f"/{self.pattern}/"}, "properties": properties}


BY_STATUS = (
    Look(r"\b2\d\d$", GREEN),
    Look(r"\b3\d\d$", BLUE),
    Look(r"\b4\d\d$", ORANGE),
    Look(r"\b5\d\d$", RED),
    Look(r"\b501$", ORANGE),
)
"""Of names that end with an HTTP status. 501 is an answer to what is left out, and no failure."""

BY_CODE = (
    Look("^(?!ok$)", ORANGE),
    Look("^ok$", GREEN),
    Look("(internal_error|model_failed|unavailable|timeout|overloaded)", RED),
)
"""Of names that are outcome codes."""

BY_QUANTILE = (Look(r"^p50$", GREEN), Look(r"^p95$", YELLOW), Look(r"^p99$", ORANGE))
"""Of percentiles."""

ALL_ERRORS = (Look(".", RED),)
"""Of panels whose series are all bad news."""


def mapped(names: Mapping[int, tuple[str, str]]) -> Json:
    """Give each value a word and a colour."""
    return {
        "type": "value",
        "options": {
            str(value): {"text": text, "color": colour, "index": value} for value, (text, colour) in names.items()
        },
    }
