"""`docs/reference/metrics.md`, written from the catalogue: `python -m monitoring.metrics_reference`."""

from itertools import groupby
from pathlib import Path

from service.metrics.catalogue import CATALOGUE, LABELS
from service.metrics.declaration import Declaration, Origin

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "metrics.md"

_ORIGINS: dict[Origin, str] = {
    "worker": "Counted in the workers and added up in each replica",
    "replica": "Read by each replica's master at a scrape",
    "flask": "Requests by route, by prometheus-flask-exporter",
    "nginx": "Counted from Nginx's access log by `monitoring/nginx_metrics.py`",
}


def page() -> str:
    """Give the page's text."""
    ordered = sorted(CATALOGUE, key=lambda declared: list(_ORIGINS).index(declared.origin))
    sections = [_section(origin, list(group)) for origin, group in groupby(ordered, key=lambda one: one.origin)]
    return "\n".join([_HEAD, *sections, _labels()])


_HEAD = """# Metrics

Written by `make dashboards` from `service/metrics/catalogue.py`; a metric that is not there cannot be recorded.

Each replica shows its own numbers at `/metrics` of its management port, never through Nginx. Counters of workers that
died go on counting, so that sums over replicas equal what clients counted. A histogram has the series `_bucket`,
`_sum` and `_count`.

A worker counts a request once its answer is ready, just before it is sent. What clients counted as answered is
therefore never more than the sums, and less by at most

* those that a worker had counted but not sent when it was killed (`millrace_worker_exits_total`), at most one for each
  request that it was answering: Nginx asked another worker, which counted them again;
* one for each request that Nginx gave up waiting for, a second after `PREDICT_TIMEOUT`, if that replica finished it all
  the same;
* one for each caller that hung up before its answer came.

A worker that is killed between two of its counters has counted its last requests in the first alone. Nginx's own
counters have each request once.
"""


def _section(origin: Origin, declared: list[Declaration]) -> str:
    rows = [_row(one) for one in declared]
    return "\n".join(
        [f"## {_ORIGINS[origin]}", "", "| Metric | Type | Labels | Meaning |", "|---|---|---|---|", *rows, ""]
    )


def _row(one: Declaration) -> str:
    labels = ", ".join(f"`{label}`" for label in one.labels)
    over = {"livesum": " Summed over live workers.", "livemax": " The largest of the live workers."}.get(one.mode, "")
    bounds = f" Bounds: {', '.join(f'{bound:g}' for bound in one.buckets)}." if one.buckets else ""
    return f"| `{one.name}` | {one.kind} | {labels} | {one.help}{over}{bounds} |"


def _labels() -> str:
    rows = [f"| `{name}` | {words} |" for name, words in LABELS.items()]
    return "\n".join(
        [
            "## Labels",
            "",
            "No label takes a value that a caller can invent.",
            "",
            "| Label | Values |",
            "|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), "utf-8")
