"""LitServe with all models behind one route: litserve_script.py PORT; models from BENCH_JOBLIB."""

import os
import sys
from pathlib import Path
from typing import Any

import joblib
import litserve


class Api(litserve.LitAPI):  # type: ignore[misc]  # LitServe is not in the environment that mypy sees
    """Requests name their model."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's
        """Load the models, in each worker process."""
        self._models = {path.stem: joblib.load(path) for path in Path(os.environ["BENCH_JOBLIB"]).glob("*.joblib")}

    def predict(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request."""
        return {"predictions": self._models[request["model"]].predict(request["instances"]).tolist()}


if __name__ == "__main__":
    api = Api(api_path="/v1/models/any:predict")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=2)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
