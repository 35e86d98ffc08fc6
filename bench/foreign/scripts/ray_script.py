"""Ray Serve with all models behind one route: ray_script.py PORT; models from BENCH_JOBLIB."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import joblib
import ray
from ray import serve
from starlette.responses import JSONResponse


class Loaded:
    """Requests name their model."""

    def __init__(self, folder: str) -> None:
        self._models = {path.stem: joblib.load(path) for path in Path(folder).glob("*.joblib")}

    async def __call__(self, request: Any) -> JSONResponse:
        """Answer one request."""
        body = await request.json()
        return JSONResponse({"predictions": self._models[body["model"]].predict(body["instances"]).tolist()})


if __name__ == "__main__":
    ray.init(include_dashboard=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    deployment = serve.deployment(num_replicas=2, ray_actor_options={"num_cpus": 0.5})(Loaded)
    serve.run(deployment.bind(os.environ["BENCH_JOBLIB"]), route_prefix="/")
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    ray.shutdown()
