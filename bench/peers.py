"""What Millrace is measured next to: bare WSGI, an empty Flask view, and the Flask service that people write."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

ROUTE = "/v1/models/<name>:predict"


def bare() -> Callable[..., Iterable[bytes]]:
    """Make the least that gunicorn can serve."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
        return [b"{}"]

    return application


def empty() -> Flask:
    """Make a Flask view that does nothing."""
    app = Flask("empty")

    @app.post(ROUTE)
    def predict(name: str) -> str:  # noqa: ARG001 - the route has it
        request.get_data()
        return "{}"

    return app


def naive() -> Flask:
    """Make the service that people write: load with joblib, read JSON, predict, answer JSON."""
    import joblib  # here, for the other two do without

    folder = Path(os.environ["BENCH_JOBLIB"])
    models = {path.stem: joblib.load(path) for path in folder.glob("*.joblib")}
    app = Flask("naive")

    @app.post(ROUTE)
    def predict(name: str) -> Response:
        return jsonify({"predictions": models[name].predict(request.get_json()["instances"]).tolist()})

    return app
