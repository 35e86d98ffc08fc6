"""What instrumentation costs: CPU microseconds per request of each layer, in the mode that gunicorn's workers use.

Run it as `python -m bench.instrumentation`. It records as a worker does for one prediction that is answered before
Flask: the prediction's metrics, its route's metrics, queue time and requests in flight, and the access line.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROUNDS = 20_000


def main() -> None:
    """Print a table."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(dir="/dev/shm")
    layers = _layers()
    for layer in layers.values():
        layer()  # binds the children
    total = 0.0
    for name, layer in layers.items():
        cost = _microseconds(layer)
        total += cost
        print(f"{name:<40}{cost:8.2f} µs")
    print(f"{'in all':<40}{total:8.2f} µs")


def _layers() -> dict[str, Callable[[], object]]:
    import flask

    from service import logs
    from service.http import red_metrics
    from service.http.exchange import Exchange, facts
    from service.metrics.instruments import new_registry
    from service.metrics.requests import RequestMetrics
    from service.observers.counts import Counts
    from service.observers.drift import Drift
    from service.observers.observer import Prediction
    from service.observers.recent_predictions import RecentPredictions
    from service.presence.folder_rows import FolderRows

    logs.configure("INFO", Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open to the end
    metrics = RequestMetrics()
    observed = red_metrics.instrument(flask.Flask("bench"), new_registry())
    now = time.time()
    start = f"t={now - 0.003:.3f}"

    model, batch, outputs, store = _prediction()
    counts = Counts()
    drift = Drift(store, features=10, sampling=0.1)
    recent = RecentPredictions(FolderRows([Path(tempfile.mkdtemp())], replica="bench", records=10_000))
    prediction = Prediction(model, "stable", "tfserving", 1, 1e-4, 2e-4, 1e-4)
    exchange = Exchange({}, "", "0" * 32, 0.0, principal=SimpleNamespace(subject="demo"), prediction=prediction)
    logs.bind("0" * 32)

    def in_flight() -> None:
        metrics.entered()
        metrics.left()

    return {
        "record of a prediction": lambda: Prediction(model, "stable", "tfserving", 1, 1e-4, 2e-4, 1e-4),
        "prediction (counts, stages, rows)": lambda: counts.predicted(prediction, batch, outputs),
        "route (rate, errors, duration)": lambda: observed("/v1/models/<model>:predict", "POST", 200, 0.0005),
        "queue time": lambda: metrics.queued(start, now),
        "in flight": in_flight,
        "profile, a tenth of the requests": lambda: drift.predicted(prediction, batch, outputs),
        "recent predictions": lambda: recent.predicted(prediction, batch, outputs),
        "what Nginx logs": lambda: facts(exchange),
        "access line, which is rare": lambda: logs.access(
            logs.AccessLine(
                "POST", "/v1/models/iris:predict", 200, 5e-4, 90, 60, 1, "0" * 32, None, "demo", "iris", 1, "stable"
            )
        ),
    }


def _prediction() -> tuple[Any, Any, Any, Any]:
    """Return one row of ten numbers and its class, as inference hands them on, with a profile in a store."""
    import numpy as np

    from model_store.batch import Batch
    from model_store.reference import profile
    from model_store.schema import Column, Output, Schema

    columns = tuple(Column(f"x{i}", "float64") for i in range(10))
    schema = Schema("matrix", columns, (Output("predict", "int64", labels=(0, 1, 2)),), "classifier")
    sample = np.random.default_rng(0).random((1000, 10))
    classes = np.arange(1000) % 3
    folder = Path(tempfile.mkdtemp())
    profile.write(folder, profile.describe(schema, Batch(1000, matrix=sample), {"predict": classes}))
    store = SimpleNamespace(read=lambda _name, _version, file: (folder / file).read_bytes())
    model = SimpleNamespace(name="iris", version=1, schema=schema)
    return model, Batch(1, matrix=sample[:1]), {"predict": classes[:1]}, store


def _microseconds(layer: Callable[[], object]) -> float:
    started = time.process_time()
    for _ in range(ROUNDS):
        layer()
    return (time.process_time() - started) / ROUNDS * 1e6


if __name__ == "__main__":
    main()
