"""What `make bench ARGS=--connections` measured, as a picture: CPU time per request and requests per second."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from bench.figures import Figures

_SIZE = (5.2, 6.4)


def save(table: Sequence[Figures], path: Path) -> None:
    """Draw one column for each case, and write it as PNG and SVG next to one another."""
    words = list(dict.fromkeys(row.words for row in table))
    figure, axes = plt.subplots(
        2, len(words), figsize=(_SIZE[0] * len(words), _SIZE[1]), squeeze=False, layout="constrained"
    )
    for column, case in enumerate(words):
        rows = [row for row in table if row.words == case]
        axes[0, column].set_title(case)
        _draw(axes[0, column], rows, "cpu_us", "CPU µs per request")
        _draw(axes[1, column], rows, "requests_per_second", "requests per second")
    axes[0, 0].legend()
    for ending in ("png", "svg"):
        figure.savefig(path.with_suffix(f".{ending}"), dpi=120)
    plt.close(figure)


def _draw(axes: Axes, rows: Sequence[Figures], value: str, label: str) -> None:
    for server in dict.fromkeys(row.server for row in rows):
        points = [(row.connections, getattr(row, value)) for row in rows if row.server == server]
        axes.plot(*zip(*points, strict=True), marker="o", label=server)
    axes.set(xscale="log", yscale="log", xlabel="connections", ylabel=label)
    counts = sorted({row.connections for row in rows})
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.grid(visible=True, alpha=0.3)
