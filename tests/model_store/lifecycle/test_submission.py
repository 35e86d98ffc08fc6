"""An estimator given as a file with a sample in memory: the sample reaches the process that loads it as it is."""

import joblib
import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from model_store import publish
from model_store.errors import BadSample
from model_store.manifest import Manifest

RANDOM = np.random.default_rng(0)
NUMBERS = RANDOM.normal(size=120)


@pytest.fixture
def published_schema(store, key, open_gate, tmp_path):
    """Publish an estimator's file with a sample in memory, and return the schema."""

    def publish_file(estimator, sample):
        joblib.dump(estimator, tmp_path / "m.joblib")
        publish(store, "m", tmp_path / "m.joblib", sample, sealing_key=key, gate=open_gate)
        return Manifest.from_bytes(store.read("m", 1, "manifest.json")).schema

    return publish_file


def test_categories_of_whole_numbers_stay_categories(published_schema):
    frame = pd.DataFrame({"x": NUMBERS, "c": pd.Categorical(RANDOM.choice([10, 20, 30], 120))})
    model = LGBMRegressor(n_estimators=5, verbose=-1, n_jobs=1).fit(frame, NUMBERS + frame.c.astype(int))
    column = published_schema(model, frame).columns[1]
    assert (column.dtype, column.held, column.categories) == ("int64", "category", (10, 20, 30))


def test_none_stays_none_among_strings(published_schema):
    frame = pd.DataFrame({"x": NUMBERS, "c": pd.Series(RANDOM.choice(["p", "q", None], 120), dtype=object)})
    encoded = make_column_transformer((StandardScaler(), ["x"]), (OneHotEncoder(handle_unknown="ignore"), ["c"]))
    model = make_pipeline(encoded, LogisticRegression()).fit(frame, frame.c.isna() | (NUMBERS > 1))
    column = published_schema(model, frame).columns[1]
    assert (column.held, column.missing, column.nullable) == ("object", "none", True)


def test_a_sparse_matrix_is_handed_over(published_schema):
    matrix = sparse.csr_matrix(np.eye(4, dtype="float32"))
    model = LogisticRegression().fit(matrix, [0, 1, 0, 1])
    schema = published_schema(model, matrix)
    assert [column.dtype for column in schema.columns] == ["float32"] * 4


def test_a_sample_that_cannot_be_pickled_is_refused_by_name(published_schema, store):
    with pytest.raises(BadSample, match="cannot be handed to the process"):
        published_schema(LogisticRegression(), (row for row in NUMBERS))
    assert store.models() == []
