"""Write Millrace's dashboards as JSON into `dashboards/`: `python -m monitoring.grafana.render`."""

import json
from pathlib import Path

from monitoring.grafana.access import access
from monitoring.grafana.data import data
from monitoring.grafana.models import models
from monitoring.grafana.overview import overview
from monitoring.grafana.replicas import replicas

FOLDER = Path(__file__).parent / "dashboards"
DASHBOARDS = (overview, models, data, replicas, access)
"""Each makes one dashboard, whose file is named after it."""


def rendered() -> dict[str, str]:
    """Give each dashboard's file name and text."""
    return {f"{made.__name__}.json": json.dumps(made(), indent=1) + "\n" for made in DASHBOARDS}


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in rendered().items():
        (FOLDER / name).write_text(text, "utf-8")
        print(FOLDER / name)


if __name__ == "__main__":
    main()
