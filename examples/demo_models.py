"""Three demo models, trained on data that scikit-learn ships: python -m examples.demo_models STORE.

iris         a classifier on an array of four numbers
diabetes     a regressor on an array of ten numbers
progression  a classifier on a table with numbers, texts and missing values
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from model_store import publish


@dataclass(frozen=True)
class Demo:
    """A model to publish: what it is called, the fitted estimator, rows that it takes, and how good it is."""

    name: str
    estimator: Any
    sample: Any
    metrics: dict[str, float]


def iris() -> Demo:
    """Train a classifier of three irises, by the sizes of their leaves in cm."""
    rows, kinds = load_iris(return_X_y=True)
    train, test, train_kinds, test_kinds = train_test_split(rows, kinds, random_state=0)
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(train, train_kinds)
    return Demo("iris", estimator, train, {"accuracy": estimator.score(test, test_kinds)})


def diabetes() -> Demo:
    """Train a regressor of a disease's progress after a year, by ten standardized measurements."""
    rows, progress = load_diabetes(return_X_y=True)
    train, test, train_progress, test_progress = train_test_split(rows, progress, random_state=0)
    estimator = HistGradientBoostingRegressor(max_iter=60, learning_rate=0.05, random_state=0)
    estimator.fit(train, train_progress)
    return Demo("diabetes", estimator, train, {"r2": estimator.score(test, test_progress)})


def progression() -> Demo:
    """Train a classifier of fast progress, by a table as a clinic would have it: texts, and gaps."""
    table, progress = _clinic_table()
    fast = np.where(progress > np.median(progress), "fast", "slow")
    train, test, train_fast, test_fast = train_test_split(table, fast, random_state=0)
    numbers, texts = ["bmi", "blood_pressure", "glucose"], ["sex", "age_group"]
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            ("texts", OneHotEncoder(handle_unknown="ignore"), texts),
        ]
    )
    estimator = make_pipeline(columns, LogisticRegression()).fit(train, train_fast)
    return Demo("progression", estimator, train, {"accuracy": estimator.score(test, test_fast)})


def _clinic_table() -> tuple[pd.DataFrame, Any]:
    data = load_diabetes(as_frame=True, scaled=False)
    measured = data.data
    table = pd.DataFrame(
        {
            "sex": np.where(measured["sex"] == 1, "female", "male"),
            "age_group": np.select(
                [measured["age"] < 40, measured["age"] < 60], ["under 40", "40 to 59"], "60 or over"
            ),
            "bmi": measured["bmi"],
            "blood_pressure": measured["bp"],
            "glucose": measured["s6"],
        }
    )
    # One in ten was not measured.
    gaps = np.random.default_rng(0).random((len(table), 2)) < 0.1
    table[["blood_pressure", "glucose"]] = table[["blood_pressure", "glucose"]].mask(gaps)
    return table, data.target


def demos() -> Iterator[Demo]:
    """Train them, one after the other."""
    for train in (iris, diabetes, progression):
        yield train()


def main(root: str) -> None:
    """Train, publish and promote all three."""
    for demo in demos():
        quality = ", ".join(f"{name} {value:.2f}" for name, value in demo.metrics.items())
        print(f"publishing the demo model {demo.name} ({quality})", flush=True)
        publish(root, demo.name, demo.estimator, demo.sample, metrics=demo.metrics, promote=True, by="demo")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
