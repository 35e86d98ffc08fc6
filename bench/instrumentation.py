"""What instrumentation costs: CPU microseconds per request of each layer, in the mode that gunicorn's workers use.

Run it as `python bench/instrumentation.py`. It records as a worker does for one prediction that is answered before
Flask: the prediction's metrics, its route's metrics, queue time and requests in flight, and the access line.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROUNDS = 20_000


def main() -> None:
    """Print a table."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(dir="/dev/shm")
    sys.path.insert(0, str(Path(__file__).parent.parent))
    layers = _layers()
    for layer in layers.values():
        layer()  # binds the children
    total = 0.0
    for name, layer in layers.items():
        cost = _microseconds(layer)
        total += cost
        print(f"{name:<40}{cost:8.2f} µs")
    print(f"{'in all':<40}{total:8.2f} µs")


def _layers() -> dict[str, Callable[[], None]]:
    import flask

    from service import logs
    from service.http import red_metrics
    from service.metrics import Metrics

    logs.configure("INFO", Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open to the end
    metrics = Metrics()
    observed = red_metrics.instrument(flask.Flask("bench"))
    now = time.time()
    start = f"t={now - 0.003:.3f}"

    def in_flight() -> None:
        metrics.entered()
        metrics.left()

    return {
        "prediction (counts, stages, rows)": lambda: metrics.predicted("iris", 1, "tfserving", 3, 1e-4, 2e-4, 1e-4),
        "route (rate, errors, duration)": lambda: observed("/v1/models/<model>:predict", "POST", 200, 0.0005),
        "queue time": lambda: metrics.queued(start, now),
        "in flight": in_flight,
        "access line": lambda: logs.access(
            logs.Access(
                "POST", "/v1/models/iris:predict", 200, 5e-4, 90, 60, "0" * 32, None, "demo", "iris", 1, "tfserving"
            )
        ),
    }


def _microseconds(layer: Callable[[], None]) -> float:
    started = time.process_time()
    for _ in range(ROUNDS):
        layer()
    return (time.process_time() - started) / ROUNDS * 1e6


if __name__ == "__main__":
    main()
