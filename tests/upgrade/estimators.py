"""The models of a release's state: small, and of every layout, column type and kind of answer that there is."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

ROWS = 40


@dataclass(frozen=True)
class Publication:
    """One version to publish: a model's name, an estimator, its sample rows, and options of the command line."""

    model: str
    estimator: Any
    sample: Any
    file: str = "joblib"
    options: tuple[str, ...] = field(default=())


def publications():
    """All versions, in the order in which they are published."""
    yield from irises()
    yield diabetes()
    yield loans()
    yield moods()
    yield sizes()
    yield targets()
    yield groups()


def irises():
    """Four versions of a classifier on an array."""
    rows, kinds = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[kinds]
    for number, strength in enumerate((0.01, 0.1, 1.0, 10.0), 1):
        estimator = make_pipeline(StandardScaler(), LogisticRegression(C=strength)).fit(rows, names)
        options = ("--metrics", f'{{"accuracy": {estimator.score(rows, names):.3f}}}')
        yield Publication("iris", estimator, rows[::4], "skops" if number == 1 else "joblib", options)


def diabetes():
    """A regressor on a table of numbers, which takes gaps."""
    table, progress = load_diabetes(return_X_y=True, as_frame=True)
    table = table[["bmi", "bp", "s5"]].round(4)
    estimator = HistGradientBoostingRegressor(max_iter=3, max_leaf_nodes=4).fit(table, progress)
    return Publication("diabetes", estimator, table[:ROWS])


def loans():
    """A pipeline on a table of every type of column, with gaps, that only joblib can hold; its values are logged."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": random.integers(18, 80, ROWS),
            "income": np.where(np.arange(ROWS) % 5, random.random(ROWS).round(3) * 1000, np.nan),
            "debt": random.random(ROWS).round(3).astype("float32"),
            "city": np.where(np.arange(ROWS) % 7, random.choice(["Oslo", "Roma"], ROWS), None),
            "grade": pd.Categorical(random.choice(["a", "b", "c"], ROWS), categories=["a", "b", "c"]),
            "member": random.random(ROWS) < 0.5,
            "opened": pd.date_range("2020-01-01", periods=ROWS, freq="31D").astype("datetime64[ns]"),
        }
    )
    days = make_pipeline(
        FunctionTransformer(pd.DataFrame.astype, kw_args={"dtype": "datetime64[s]"}),
        FunctionTransformer(pd.DataFrame.astype, kw_args={"dtype": "int64"}),
        StandardScaler(),
    )
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income", "debt"]),
        (OneHotEncoder(handle_unknown="ignore"), ["city", "grade"]),
        ("passthrough", ["member"]),
        (days, ["opened"]),
    )
    repaid = np.where((table["age"] > 40) ^ table["member"], "repaid", "lost")
    estimator = make_pipeline(columns, LogisticRegression()).fit(table, repaid)
    options = ("--unknown-categories", "refuse", "--log-payload", "0.5", "--redact", "city")
    return Publication("loans", estimator, table, "joblib", options)


def moods():
    """A classifier of texts."""
    texts = ["good day", "bad night", "good night", "bad day"] * 5
    estimator = make_pipeline(CountVectorizer(), MultinomialNB()).fit(texts, [1, 0] * 10)
    return Publication("moods", estimator, texts)


def sizes():
    """A transformer."""
    rows = load_iris().data
    return Publication("sizes", PCA(2, svd_solver="full").fit(rows), rows[::8])


def targets():
    """A regressor with two targets, on whole numbers and a column of the type float32, without gaps."""
    random = np.random.default_rng(1)
    rooms, floors = random.integers(1, 9, ROWS), random.integers(-2, 9, ROWS).astype("int8")
    table = pd.DataFrame({"rooms": rooms, "floor": floors, "area": random.random(ROWS).astype("float32")})
    return Publication("targets", LinearRegression().fit(table, table[["rooms", "area"]] * 2.0), table)


def groups():
    """A clustering that nothing is promoted of: it is loaded over the Open Inference Protocol."""
    rows = load_iris().data
    return Publication("groups", KMeans(3, random_state=0, n_init=1).fit(rows), rows[::8])
