"""BentoML with all models behind one route, for ``bentoml serve bentoml_script:Service``; models from BENCH_JOBLIB."""

import os
from pathlib import Path

import bentoml
import joblib
import numpy as np


class Loaded:
    """Requests name their model."""

    def __init__(self) -> None:
        self._models = {path.stem: joblib.load(path) for path in Path(os.environ["BENCH_JOBLIB"]).glob("*.joblib")}

    @bentoml.api(route="/v1/models/any:predict")  # type: ignore[untyped-decorator]  # mypy does not see it
    def predict(self, model: str, instances: np.ndarray) -> np.ndarray:
        """Predict rows: (n, features) to (n,)."""
        predicted: np.ndarray = self._models[model].predict(instances)
        return predicted


Service = bentoml.service(workers=2)(Loaded)
