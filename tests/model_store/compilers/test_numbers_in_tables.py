"""Estimators of numbers that were fitted on DataFrames: the same bits from a plan, with types mixed and not."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, Normalizer, PolynomialFeatures, SplineTransformer, StandardScaler

from model_store.batch import Batch
from tests.model_store.compilers.numbers import ROWS, TEXTS, name, outcomes_of, schema_of_table

pytestmark = pytest.mark.filterwarnings("ignore")

TABLE = pd.DataFrame(ROWS, columns=[f"x{i}" for i in range(9)])
MIXED = TABLE.assign(x2=np.rint(TABLE["x2"]).astype("int64"), x5=TABLE["x5"].astype("float32"))
CLASSES = np.unique(TEXTS, return_inverse=True)[1]


@pytest.mark.parametrize("table", [TABLE, MIXED], ids=["of one type", "of several types"])
@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=5)),
        make_pipeline(SimpleImputer(add_indicator=True), PolynomialFeatures(), Ridge()),
        make_pipeline(KBinsDiscretizer(4, encode="ordinal"), LinearRegression()),
        make_pipeline(SelectKBest(k=5), Normalizer(), GaussianNB()),
        make_pipeline(SplineTransformer(), PCA(4, svd_solver="full"), LinearDiscriminantAnalysis()),
        MLPClassifier((9,), max_iter=2, random_state=0),
    ],
    ids=name,
)
def test_a_table_of_numbers_gets_the_same_bits(estimator: Any, table: pd.DataFrame, tmp_path: Path) -> None:
    fitted = estimator.fit(table, CLASSES)
    pieces = [table.iloc[start : start + size] for size in (1, 3, 33, 300) for start in (0, 50)]
    seen = outcomes_of(fitted, schema_of_table(fitted, table), map(batch_of_table, pieces), tmp_path)
    assert set(seen) == {"equal"}, seen


def batch_of_table(table: pd.DataFrame) -> Batch:
    if len(set(table.dtypes)) == 1:
        return Batch(len(table), matrix=np.ascontiguousarray(table.to_numpy()))
    return Batch(len(table), columns={str(column): table[column].to_numpy() for column in table.columns})
