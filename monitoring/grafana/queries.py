"""What Prometheus is asked: a PromQL expression with a legend, and the expressions that come again and again."""

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression and how its series are called."""

    expr: str
    legend: str = ""


def rate(metric: str, by: str, where: str) -> str:
    """Give a counter's growth a second, summed by labels; by none where ``by`` is empty."""
    grouped = f"sum by ({by})" if by else "sum"
    return f"{grouped} (rate({metric}{{{where}}}[$__rate_interval]))"


def mean(histogram: str, by: str, where: str) -> str:
    """Give the mean of what a histogram observed."""
    return f"{rate(f'{histogram}_sum', by, where)} / {rate(f'{histogram}_count', by, where)}"


def quantile(share: float, metric: str, by: str, where: str) -> str:
    """Give a quantile of what a histogram observed; ``share`` is from 0 to 1."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket{{{where}}}[$__rate_interval])))"
