"""What Millrace is measured next to: bare WSGI, an empty Flask view, and the services that people write."""

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
    models, app = _loaded(), Flask("naive")

    @app.post(ROUTE)
    def predict(name: str) -> Response:
        return jsonify({"predictions": models[name].predict(request.get_json()["instances"]).tolist()})

    return app


def naive_fastapi() -> Any:
    """Make the same service with FastAPI: pydantic reads and checks the body."""
    from fastapi import FastAPI
    from pydantic import BaseModel

    models, app = _loaded(), FastAPI()

    class Body(BaseModel):
        instances: list[list[float]]

    async def predict(name: str, body: Body) -> dict[str, Any]:
        return {"predictions": models[name].predict(body.instances).tolist()}

    app.post("/v1/models/{name}:predict")(predict)
    return app


def _loaded() -> dict[str, Any]:
    """Load the models, in each worker process."""
    import joblib  # here, for the others do without

    return {path.stem: joblib.load(path) for path in Path(os.environ["BENCH_JOBLIB"]).glob("*.joblib")}
