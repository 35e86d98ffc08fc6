"""KServe's Python server, as its own one of scikit-learn does it: kserve_script.py PORT; models from BENCH_JOBLIB."""

import os
import sys
from pathlib import Path
from typing import Any

import joblib
from kserve import Model, ModelServer
from kserve.utils.utils import get_predict_input, get_predict_response


class Loaded(Model):  # type: ignore[misc]  # KServe is not in the environment that mypy sees
    """One model, loaded in each worker process."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.stem)
        self._path = path
        self.load()

    def load(self) -> bool:
        """Load the estimator; say that it is ready."""
        self._estimator = joblib.load(self._path)
        self.ready = True
        return self.ready

    def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:  # noqa: ARG002 - KServe's
        """Answer one request of KServe V1 or V2."""
        return get_predict_response(payload, self._estimator.predict(get_predict_input(payload)), self.name)


if __name__ == "__main__":
    models = [Loaded(path) for path in Path(os.environ["BENCH_JOBLIB"]).glob("*.joblib")]
    server = ModelServer(http_port=int(sys.argv[1]), workers=2, enable_grpc=False, access_log_format="")
    server.start(models)
