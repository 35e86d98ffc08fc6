"""Rows that the estimators of the sweep are trained on and asked about: the first 100 of 160 are trained on."""

import numpy as np
import pandas as pd
from sklearn.datasets import make_classification, make_multilabel_classification

ROWS = 160
random = np.random.default_rng(8)

X, Y = make_classification(ROWS, 6, n_informative=4, n_classes=3, random_state=0)
NAMED = np.array(["low", "mid", "high"])[Y]
BINARY = Y > 0
PRICE = X[:, 0] * 2 - X[:, 3] + random.normal(size=ROWS)
TARGETS = np.column_stack([PRICE, X[:, 1] - X[:, 2]])
POSITIVE = np.abs(X) + 0.01
AMOUNT = np.abs(PRICE) + 0.1
COUNTS = random.integers(0, 9, (ROWS, 5))
BITS = X > 0
MULTI = make_multilabel_classification(ROWS, 6, n_classes=3, random_state=0)[1]
MULTICLASS = np.column_stack([Y, COUNTS[:, 0] % 3])
HOLED = np.where(random.random(X.shape) < 0.15, np.nan, X)
NUMBERS = pd.DataFrame(X, columns=["a", "b", "c", "d", "e", "f"])
HOLED_NUMBERS = pd.DataFrame(HOLED, columns=NUMBERS.columns)
SENTENCES = [
    "good morning sun",
    "bad evening rain",
    "Good night, moon!",
    "rain and bad storm",
    "über alles 東京",
    "",
    "007 NA null",
    'she said "no", twice\nand left',
]
TEXTS = [SENTENCES[i % 8] + (" x" * (i % 3)) for i in range(ROWS)]


def gaps(values, share=0.15, seed=1):
    """Return a list of the values, with None for some of them, each kind among the first 100 and among the others."""
    holes = np.random.default_rng(seed).random(len(values)) < share
    return [None if hole else value for hole, value in zip(holes, values, strict=True)]


def cycled(*values):
    """Return as many values as there are rows, in no order."""
    return [values[i] for i in np.random.default_rng(len(values)).integers(0, len(values), ROWS)]


MIXED = pd.DataFrame(
    {
        "age": gaps(random.uniform(18, 90, ROWS).round(1).tolist()),
        "city": gaps(cycled("Bern", "Rome", "Oslo", "Reykjavík"), seed=2),
        "rooms": random.integers(1, 9, ROWS),
        "owner": random.random(ROWS) > 0.5,
        "since": pd.date_range("2019-03-30 22:30", periods=ROWS, freq="31h"),
        "grade": pd.Categorical(cycled("low", "mid", "high"), categories=["low", "mid", "high", "top"], ordered=True),
    }
)
MIXED["age"] = MIXED["age"].astype(float)
TABLE = MIXED[["age", "city", "rooms", "owner"]]
