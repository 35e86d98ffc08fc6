"""Save the joblib models as MLflow's: mlflow_script.py FOLDER; models from BENCH_JOBLIB, one folder for each."""

import os
import shutil
import sys
from pathlib import Path

import joblib
import mlflow.sklearn

if __name__ == "__main__":
    for path in Path(os.environ["BENCH_JOBLIB"]).glob("*.joblib"):
        folder = Path(sys.argv[1]) / path.stem
        shutil.rmtree(folder, ignore_errors=True)
        mlflow.sklearn.save_model(joblib.load(path), folder, serialization_format="cloudpickle", pip_requirements=[])
