"""Publishes the models that fuzzing asks, beside the demo models: every type of column, and texts."""

import os

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from model_store import publish

ROOT = os.environ["MODEL_STORE_ROOT"]
ROWS = 40
random = np.random.default_rng(0)

table = pd.DataFrame(
    {
        "whole": np.arange(ROWS),
        "small": np.arange(ROWS, dtype="i1"),
        "real": random.random(ROWS).astype("f4"),
        "flag": [True, False] * (ROWS // 2),
        "since": pd.date_range("2026-01-01", periods=ROWS),
        "color": pd.Categorical(["red", "green"] * (ROWS // 2)),
        "note": ["a", None] * (ROWS // 2),
    }
)
words = pd.DataFrame({"text": ["good day", "bad night", "good night", "bad day"] * (ROWS // 4)})
columns = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), ["color", "note"]), ("passthrough", ["whole", "small", "real", "flag"])
)
kinds = np.array(["no", "yes"])[(table["whole"] > ROWS / 2).astype(int)]
matrix = random.random((ROWS, 3))

publish(ROOT, "kinds", make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(table, kinds), table, promote=True)
publish(
    ROOT,
    "closed",
    make_pipeline(columns, LinearRegression()).fit(table, matrix[:, :2]),
    table,
    promote=True,
    unknown_categories="refuse",
)
moods = make_pipeline(make_column_transformer((CountVectorizer(), "text")), MultinomialNB())
publish(ROOT, "moods", moods.fit(words, [1, 0] * (ROWS // 2)), words, promote=True)
publish(ROOT, "lines", RandomForestRegressor(3).fit(matrix, matrix[:, :2]), matrix, promote=True)
counts = (matrix * 10).astype(int)
publish(ROOT, "counts", DummyClassifier(strategy="prior").fit(counts, counts[:, 0] > 5), counts, promote=True)
