"""What `make bench-peers` measured, as a picture: CPU time per request and requests per second of each server."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from bench.cells import CONNECTIONS
from bench.figures import Figures

_SIZE = (4.2, 6.0)


def save(table: Sequence[Figures], path: Path) -> None:
    """Draw one column for each case at 8 connections, and write it as PNG and SVG next to one another."""
    table = [row for row in table if row.connections == CONNECTIONS]
    words = list(dict.fromkeys(row.words for row in table))
    figure, axes = plt.subplots(
        2, len(words), figsize=(_SIZE[0] * len(words), _SIZE[1]), squeeze=False, sharey=True, layout="constrained"
    )
    for column, case in enumerate(words):
        rows = [row for row in reversed(table) if row.words == case]
        axes[0, column].set_title(case)
        _draw(axes[0, column], rows, "cpu_us", "CPU µs per request")
        _draw(axes[1, column], rows, "requests_per_second", "requests per second")
    for ending in ("png", "svg"):
        figure.savefig(path.with_suffix(f".{ending}"), dpi=120)
    plt.close(figure)


def _draw(axes: Axes, rows: Sequence[Figures], value: str, label: str) -> None:
    bars = axes.barh([row.server for row in rows], [getattr(row, value) for row in rows])
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.set(xlabel=label)
    axes.locator_params(axis="x", nbins=4)
    axes.margins(x=0.25)
