"""The models that are measured, once as a naive server would load them and once published to a store."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import sklearn
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model_store import publish
from model_store.seal import create_keys

RECIPE = 3
"""Grows with every change to what is trained or published here, so that kept models are made again."""


@dataclass(frozen=True, slots=True)
class Case:
    """One model and one number of rows in a request."""

    model: str
    rows: int
    words: str


CASES = (
    Case("logistic", 1, "logistic regression, 1 row"),
    Case("forest", 1, "random forest of 100 trees, 1 row"),
    Case("forest", 100, "random forest of 100 trees, 100 rows"),
    Case("forest", 1000, "random forest of 100 trees, 1000 rows"),
    Case("boosting", 1, "gradient boosting, 1 row"),
    Case("boosting", 1000, "gradient boosting, 1000 rows"),
)


def prepare(folder: Path) -> None:
    """Make ``folder/joblib/<model>.joblib`` and the store ``folder/models``, unless those that are there fit."""
    stamp = {"recipe": RECIPE, "scikit-learn": sklearn.__version__}
    mark = folder / "made.json"
    if mark.is_file() and json.loads(mark.read_text()) == stamp:
        return
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "joblib").mkdir(parents=True)
    (folder / "models").mkdir()
    create_keys(folder / "keys")
    for name, (estimator, sample) in trained().items():
        joblib.dump(estimator, folder / "joblib" / f"{name}.joblib")
        publish(folder / "models", name, estimator, sample, promote=True)
    mark.write_text(json.dumps(stamp))


def trained() -> dict[str, tuple[Any, Any]]:
    """Fit estimators and give them with sample rows: iris with 4 features, and made-up data with 20."""
    iris = load_iris()
    random = np.random.default_rng(0)
    x = random.normal(size=(2000, 20))
    target = x[:, :5].sum(axis=1) + random.normal(size=2000)
    return {
        "logistic": (make_pipeline(StandardScaler(), LogisticRegression()).fit(iris.data, iris.target), iris.data),
        "forest": (RandomForestClassifier(100, random_state=0).fit(x, target > 0), x[:500]),
        "boosting": (HistGradientBoostingRegressor(random_state=0).fit(x, target), x[:500]),
    }


def rows(case: Case) -> list[list[float]]:
    """Make the rows of a request, the same at every run: (rows, 4 or 20) float64."""
    width = 4 if case.model == "logistic" else 20
    made: list[list[float]] = np.random.default_rng(1).normal(size=(case.rows, width)).round(6).tolist()
    return made


def answers(folder: Path, case: Case) -> list[Any]:
    """Predict in process, as the server must answer."""
    estimator = joblib.load(folder / "joblib" / f"{case.model}.joblib")
    answered: list[Any] = estimator.predict(np.array(rows(case))).tolist()
    return answered
